import { Button, Code, CopyButton, Group, Stack, Text } from "@mantine/core";
import { words } from "../words/index.ts";
import { save } from "./save.ts";

/** A secret that can be seen now and never again. */
export function SecretOnce({
  label,
  secret,
  file,
}: {
  readonly label: string;
  readonly secret: string;
  readonly file: string;
}) {
  return (
    <Stack gap="xs">
      <Text fz="sm" fw={600}>
        {label}
      </Text>
      <Code block tabIndex={0} aria-label={label}>
        {secret}
      </Code>
      <Group gap="xs">
        <CopyButton value={secret}>
          {({ copied, copy }) => <Button onClick={copy}>{copied ? words.common.copied : words.common.copy}</Button>}
        </CopyButton>
        <Button variant="default" onClick={() => save(file, "text/plain", `${secret}\n`)}>
          {words.common.download}
        </Button>
      </Group>
      <Text fz="sm" c="var(--hf-warn)">
        {words.common.secretOnce}
      </Text>
    </Stack>
  );
}
