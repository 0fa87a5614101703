import { Button, Group, Modal, Stack, TextInput } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { words } from "../words/index.ts";
import { Press } from "./press.tsx";
import { ProblemNotice } from "./problem-notice.tsx";

/** Danger asks for the name to be typed. `act` may fail: then it says why, and stays open. */
export function Confirm({
  opened,
  title,
  name,
  label,
  children,
  act,
  close,
}: {
  readonly opened: boolean;
  readonly title: string;
  readonly name: string;
  readonly label: string;
  readonly children: ReactNode;
  readonly act: () => Promise<unknown>;
  readonly close: () => void;
}) {
  const [typed, setTyped] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(undefined);
  const leave = () => {
    setTyped("");
    setError(undefined);
    close();
  };
  const go = async () => {
    setBusy(true);
    try {
      await act();
      leave();
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Modal opened={opened} onClose={leave} title={title} closeButtonProps={{ "aria-label": words.common.close }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (typed === name) void go();
        }}
      >
        <Stack gap="md">
          {children}
          <TextInput
            label={words.common.typeToConfirm(name)}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            autoComplete="off"
            data-autofocus
          />
          {error !== undefined && <ProblemNotice error={error} />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={leave}>
              {words.common.cancel}
            </Button>
            <Press
              type="submit"
              color="red"
              why={typed === name ? undefined : words.common.typeToConfirm(name)}
              loading={isBusy}
            >
              {label}
            </Press>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
