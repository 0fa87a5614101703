import { isRefusal, Refusal } from "@holdfast/kernel";
import type { OrgScope } from "../storage/index.ts";

/**
 * Where a page ended. The order of entries is numbered for all organisations together, and so its gaps would count what the others do: it
 * leaves sealed, always of the same length, and opens in its own organisation only.
 */
export function cursorOf(scope: OrgScope, seq: number): string {
  const plain = new Uint8Array(8);
  new DataView(plain.buffer).setBigUint64(0, BigInt(seq));
  return scope.seal("cursor", "audit", plain).toBase64({ alphabet: "base64url", omitPadding: true });
}

/** @throws Refusal `cursor.malformed` for what is no cursor of this organisation's */
export function parseCursor(scope: OrgScope, text: string): number {
  try {
    const plain = scope.open("cursor", "audit", Uint8Array.fromBase64(text, { alphabet: "base64url" }));
    return Number(new DataView(plain.buffer, plain.byteOffset, plain.byteLength).getBigUint64(0));
  } catch (cause) {
    // Not base64, or not sealed by us for this: the same to whoever sent it.
    const isTheirs = cause instanceof SyntaxError || isRefusal(cause, "seal.broken");
    throw isTheirs ? new Refusal("cursor.malformed") : cause;
  }
}
