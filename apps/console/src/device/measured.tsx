import { Code } from "@mantine/core";
import { measuredText } from "@holdfast/client";
import { words } from "../words/index.ts";

const own: Readonly<Record<string, string>> = words.device.marks;

/** A value: a location by its coordinates, JSON as its text; and what its product says is wrong with it. */
export function Measured({ value, mark }: { readonly value: unknown; readonly mark: string | undefined }) {
  const text = measuredText(value);
  return (
    <>
      {/^[[{]/.test(text) && typeof value === "object" ? (
        <Code style={{ overflowWrap: "anywhere" }}>{text}</Code>
      ) : (
        text
      )}
      {mark !== undefined && <span style={{ color: "var(--hf-warn)" }}> ▲ {own[mark] ?? mark}</span>}
    </>
  );
}
