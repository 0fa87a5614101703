import { useClipboard } from "@mantine/hooks";
import { words } from "../words/index.ts";

/** An identifier as it is written everywhere; a click copies it. */
export function EntityId({ id }: { readonly id: string }) {
  const { copied, copy } = useClipboard();
  return (
    <button
      type="button"
      className="hf-id"
      onClick={() => copy(id)}
      title={copied ? words.common.copied : words.common.copy}
      aria-label={`${id}: ${copied ? words.common.copied : words.common.copy}`}
    >
      {id}
      {copied && " ✓"}
    </button>
  );
}
