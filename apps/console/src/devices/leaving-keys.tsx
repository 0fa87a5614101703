import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useBlocker } from "@tanstack/react-router";
import { words } from "../words/index.ts";

const own = words.devices.import.leaving;

/** Asks before keys are lost that are shown once: here on the way to another page, and the browser where its tab is closed or loaded again. */
export function LeavingKeys({ devices }: { readonly devices: number }) {
  const blocker = useBlocker({
    // Whoever is signed in no more must get to the door; the page keeps them for her until she is back.
    shouldBlockFn: ({ current, next }) => next.pathname !== current.pathname && !("ended" in next.search),
    disabled: devices === 0,
    enableBeforeUnload: true,
    withResolver: true,
  });
  return (
    <Modal
      opened={blocker.status === "blocked"}
      onClose={() => blocker.reset?.()}
      title={own.title}
      closeButtonProps={{ "aria-label": words.common.close }}
    >
      <Stack gap="md">
        <Text fz="sm">{own.question(devices)}</Text>
        <Group justify="flex-end" gap="xs">
          <Button variant="default" data-autofocus onClick={() => blocker.reset?.()}>
            {own.stay}
          </Button>
          <Button color="red" onClick={() => blocker.proceed?.()}>
            {own.leave}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
