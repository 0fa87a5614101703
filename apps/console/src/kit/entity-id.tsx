import { CopyButton, Tooltip, UnstyledButton } from "@mantine/core";
import { words } from "../words/index.ts";

/** An identifier as it is written everywhere; a click copies it. */
export function EntityId({ id }: { readonly id: string }) {
  return (
    <CopyButton value={id}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? words.common.copied : words.common.copy}>
          <UnstyledButton className="hf-id" onClick={copy} aria-label={`${id}: ${words.common.copy}`}>
            {id}
          </UnstyledButton>
        </Tooltip>
      )}
    </CopyButton>
  );
}
