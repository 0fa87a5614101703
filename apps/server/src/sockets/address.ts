import { longestFrame } from "@holdfast/crypto";

/** Where a line of plain text begins, behind the address: twelve digits and a space. */
export const lineAt = 13;
const digits = /^[0-9a-f]{12} $/;

/** The address that a line of plain text begins with. */
export function addressOfLine(bytes: Uint8Array): number | undefined {
  // A frame begins with a byte that no text begins with.
  if (bytes.length < lineAt || bytes.length > longestFrame || (bytes[0] ?? 0) >= 0x80) return undefined;
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, lineAt).toString("latin1");
  return digits.test(head) ? Number.parseInt(head, 16) : undefined;
}
