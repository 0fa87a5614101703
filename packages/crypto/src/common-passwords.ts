import { hash } from "node:crypto";
import { readFileSync } from "node:fs";

/**
 * The first 32 bits of SHA-256, of one spelling for what somebody would try in one go: capitals first are the first thing that is tried. Of passwords
 * that are not listed, one in 63,000 is taken for one that is.
 */
export const commonDigest = (password: string): number =>
  hash("sha256", password.normalize("NFKC").toLowerCase(), { outputEncoding: "buffer" }).readUInt32BE();

let list: Uint32Array | undefined;

/** Reads the list, which is otherwise read when somebody chooses a password. */
export function loadCommonPasswords(): void {
  list ??= read();
}

/**
 * Whether it is among the passwords that leaked most often: the 58,000 most common of twelve characters and more, and the ten thousand most
 * common of any length, which are what longer ones are made of. Where they are from stands in `common-passwords.md`.
 */
export function isCommonPassword(password: string): boolean {
  list ??= read();
  const wanted = commonDigest(password);
  let [from, past] = [0, list.length];
  while (from < past) {
    const middle = (from + past) >>> 1;
    const there = list[middle] ?? 0;
    if (there === wanted) return true;
    if (there < wanted) from = middle + 1;
    else past = middle;
  }
  return false;
}

/** Sorted, four bytes each, the most significant first. */
function read(): Uint32Array {
  const bytes = readFileSync(new URL("common-passwords.bin", import.meta.url));
  return Uint32Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readUInt32BE(at * 4));
}
