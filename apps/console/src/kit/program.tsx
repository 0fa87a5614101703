import { Button, Code, CopyButton, Group, Stack } from "@mantine/core";
import type { ReactNode } from "react";
import { words } from "../words/index.ts";

/** Lines to be copied and run elsewhere, and what else is to be had for them. */
export function Program({
  label,
  text,
  children,
}: {
  readonly label: string;
  readonly text: string;
  readonly children?: ReactNode;
}) {
  return (
    <Stack gap="xs">
      <Code block tabIndex={0} aria-label={label}>
        {text}
      </Code>
      <Group gap="xs">
        <CopyButton value={text}>
          {({ copied, copy }) => (
            <Button variant="default" onClick={copy} aria-label={`${words.common.copy}: ${label}`}>
              {copied ? words.common.copied : words.common.copy}
            </Button>
          )}
        </CopyButton>
        {children}
      </Group>
    </Stack>
  );
}
