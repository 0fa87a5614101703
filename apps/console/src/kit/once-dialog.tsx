import { Button, Group, Modal, Stack } from "@mantine/core";
import type { ReactNode } from "react";
import { words } from "../words/index.ts";

/** Asks for what is to be made, and then shows it this once: a click beside the dialog does not close what cannot be seen again. */
export function OnceDialog({
  opened,
  close,
  title,
  made,
  size,
  children,
}: {
  readonly opened: boolean;
  readonly close: () => void;
  readonly title: string;
  /** What was made, once it is. */
  readonly made: ReactNode | undefined;
  readonly size?: string;
  readonly children: ReactNode;
}) {
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={title}
      closeButtonProps={{ "aria-label": words.common.close }}
      closeOnClickOutside={made === undefined}
      {...(size !== undefined && { size })}
    >
      {made === undefined ? (
        children
      ) : (
        <Stack gap="md">
          {made}
          <Group>
            <Button variant="default" onClick={close}>
              {words.access.done}
            </Button>
          </Group>
        </Stack>
      )}
    </Modal>
  );
}
