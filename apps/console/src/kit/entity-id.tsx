import { useClipboard } from "@mantine/hooks";
import { useState } from "react";
import { words } from "../words/index.ts";

/** An identifier as it is written everywhere; a click copies it. In a list the next one may come to stand in its place. */
export function EntityId({ id }: { readonly id: string }) {
  const clipboard = useClipboard();
  const [copiedId, setCopiedId] = useState<string>();
  const copied = clipboard.copied && copiedId === id;
  return (
    <button
      type="button"
      className="hf-id"
      onClick={() => {
        clipboard.copy(id);
        setCopiedId(id);
      }}
      title={copied ? words.common.copied : words.common.copy}
      aria-label={`${id}: ${copied ? words.common.copied : words.common.copy}`}
    >
      {id}
      {copied && " ✓"}
    </button>
  );
}
