import { Button, Group, Stack } from "@mantine/core";
import type { ReactNode } from "react";
import { ProblemNotice } from "../kit/index.ts";
import { words } from "../words/index.ts";

/** One press in a dialog, which can still be left. */
export function Asking({
  label,
  color,
  act,
  close,
  children,
}: {
  readonly label: string;
  readonly color?: string;
  readonly act: { readonly isPending: boolean; readonly error: Error | null; mutate(given: undefined): void };
  readonly close: () => void;
  readonly children: ReactNode;
}) {
  return (
    <Stack gap="md">
      {children}
      {act.error && <ProblemNotice error={act.error} />}
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={close}>
          {words.common.cancel}
        </Button>
        <Button loading={act.isPending} onClick={() => act.mutate(undefined)} {...(color !== undefined && { color })}>
          {label}
        </Button>
      </Group>
    </Stack>
  );
}
