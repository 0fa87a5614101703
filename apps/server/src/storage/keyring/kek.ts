import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { Refusal, type Random } from "@holdfast/kernel";
import { failing } from "./sqlite-failure.ts";

/** The key that opens the keyring. */
export const kekLength = 32;

const hexForm = /^[0-9a-f]{64}$/i;
const base64urlForm = /^[A-Za-z0-9_-]{43}$/;

/** Reads `HOLDFAST_KEK`, or the file `kek`: 64 hexadecimal digits, or 43 characters of base64url. */
export function parseKek(text: string): Uint8Array {
  const given = text.trim();
  if (hexForm.test(given)) return Uint8Array.fromHex(given);
  if (base64urlForm.test(given)) return Uint8Array.fromBase64(given, { alphabet: "base64url" });
  throw new Refusal("keyring.sealed", { detail: "A KEK is 64 hexadecimal digits, or 43 characters of base64url." });
}

const fileIn = (folder: string) => path.join(folder, "kek");

/** Read once, at the start: the file may belong to root, and root be given up later. `undefined` where there is none. */
export function readKek(folder: string): Uint8Array | undefined {
  const file = fileIn(folder);
  if (!existsSync(file)) return undefined;
  try {
    if ((statSync(file).mode & 0o077) !== 0) {
      throw new Refusal("keyring.sealed", { detail: `Others may read ${file}. Make it yours alone (chmod 600).` });
    }
    return parseKek(readFileSync(file, "utf8"));
  } catch (cause) {
    if (cause instanceof Refusal) throw cause;
    throw new Refusal("keyring.sealed", { cause, detail: `${file} cannot be read.` });
  }
}

/** Makes the file whole or not at all: a keyring under half a KEK would be lost. */
export function makeKek(folder: string, random: Random): Uint8Array {
  return failing(() => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const kek = random.bytes(kekLength);
    const draft = `${fileIn(folder)}.new`;
    rmSync(draft, { force: true }); // of an earlier attempt
    const opened = openSync(draft, "wx", 0o600);
    try {
      writeSync(opened, `${kek.toHex()}\n`);
      fsyncSync(opened);
    } finally {
      closeSync(opened);
    }
    renameSync(draft, fileIn(folder));
    syncFolder(folder);
    return kek;
  });
}

function syncFolder(folder: string): void {
  const opened = openSync(folder, "r");
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}
