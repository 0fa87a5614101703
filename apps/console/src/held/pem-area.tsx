import { Textarea, type TextareaProps } from "@mantine/core";

/** A key, a certificate or a request for one, pasted as text. */
export function PemArea(props: TextareaProps) {
  return (
    <Textarea
      required
      autosize
      minRows={3}
      maxRows={12}
      autoComplete="off"
      spellCheck={false}
      styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
      {...props}
    />
  );
}
