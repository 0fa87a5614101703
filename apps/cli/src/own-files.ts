import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate, type KeyObject } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import type { PrivateKey } from "@holdfast/client";
import { Hindrance, Misuse, systemCode } from "./failure.ts";
import type { Inlet } from "./world.ts";

export type PublicKey = { kty: "OKP"; crv: "Ed25519"; x: string } | { kty: "EC"; crv: "P-256"; x: string; y: string };

/** Text of a file that somebody named. @throws Misuse */
export function readNamed(file: string, flag: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new Misuse(`${flag}: ${file} cannot be read (${systemCode(error) ?? "unknown"}).`, { cause: error });
  }
}

/** A public key of Ed25519 or P-256 in PEM or as a JWK, as the platform takes it. @throws Misuse */
export const readPublicKey = (file: string): PublicKey =>
  parsePublicKey(readNamed(file, "--public-key"), `--public-key: ${file}`);

/** The same in text that stands somewhere. @throws Misuse */
export function parsePublicKey(text: string, where: string): PublicKey {
  const misuse = (why: string, cause?: unknown) => new Misuse(`${where} ${why}`, { cause });
  // OpenSSL would make the public key of a private one, which then had been where it should not be.
  if (/PRIVATE KEY-----|"d"\s*:/.test(text)) throw misuse("holds a private key, which stays where it was made.");
  let key: KeyObject;
  try {
    key = text.trimStart().startsWith("{")
      ? createPublicKey({ key: JSON.parse(text), format: "jwk" })
      : createPublicKey(text);
  } catch (error) {
    throw misuse("is no public key in PEM, nor a JWK.", error);
  }
  const known = publicKeyOf(key);
  if (!known) throw misuse("is of another kind: Ed25519 and P-256 are taken.");
  return known;
}

/** As the platform takes it; `undefined` for a key of another kind. */
function publicKeyOf(key: KeyObject): PublicKey | undefined {
  const { kty, crv, x = "", y = "" } = key.export({ format: "jwk" });
  if (kty === "OKP" && crv === "Ed25519") return { kty, crv, x };
  return kty === "EC" && crv === "P-256" ? { kty, crv, x, y } : undefined;
}

/** A private key of Ed25519 or P-256 in PEM or as a JWK. @throws Misuse */
export function readPrivateKey(file: string, flag: string): PrivateKey {
  const key = parsePrivateKey(readNamed(file, flag));
  if (!key)
    throw new Misuse(
      `${flag}: ${file} is no private key of Ed25519 or P-256, in PEM without a passphrase or as a JWK.`,
    );
  return key;
}

export function parsePrivateKey(text: string): PrivateKey | undefined {
  let key: KeyObject;
  try {
    key = text.trimStart().startsWith("{")
      ? createPrivateKey({ key: JSON.parse(text), format: "jwk" })
      : createPrivateKey(text);
  } catch {
    return undefined; // the caller says what should have been there; what OpenSSL says of a key helps nobody
  }
  const { d = "" } = key.export({ format: "jwk" });
  const known = publicKeyOf(createPublicKey(key));
  return known && { ...known, d };
}

/** A key pair of Ed25519: the private one is in the file, which only its owner reads and which was not there before. @throws Hindrance */
export function writeNewKey(file: string): PublicKey {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const known = publicKeyOf(publicKey);
  if (!known) throw new TypeError("a key that was made as Ed25519 is not");
  putNewKey(file, privateKey.export({ type: "pkcs8", format: "pem" }));
  return known;
}

/** Where nothing comes of it, no key is left over. */
export async function orRemoved<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    rmSync(file);
    throw error;
  }
}

/** A private key into a file that only its owner reads and that was not there before. @throws Hindrance */
export function putNewKey(file: string, pem: string | Buffer): void {
  try {
    writeFileSync(file, pem, { mode: 0o600, flag: "wx" });
  } catch (error) {
    const why =
      systemCode(error) === "EEXIST"
        ? "is there already; a key is not written over"
        : `cannot be written (${systemCode(error) ?? "unknown"})`;
    throw new Hindrance(`${file} ${why}.`, { cause: error });
  }
}

/** A secret's first line, from a file or with `-` from stdin: never from a flag, where every process can see it. */
export async function readSecret(file: string, flag: string, stdin: Inlet): Promise<string> {
  const whole = await readWhole(file, flag, stdin);
  const secret = whole.replace(/\r?\n$/, "");
  if (secret === "") throw new Misuse(`${flag}: ${file === "-" ? "stdin" : file} is empty.`);
  if (/[\r\n]/.test(secret)) throw new Misuse(`${flag}: ${file === "-" ? "stdin" : file} has more than one line.`);
  return secret;
}

/** Text of a file, or with `-` from stdin. @throws Misuse */
export const readWhole = async (file: string, flag: string, stdin: Inlet): Promise<string> =>
  file === "-" ? readAll(stdin) : readNamed(file, flag);

/** PEM text with at least one certificate in it. @throws Misuse */
export function readAuthority(file: string, flag: string): string {
  const pem = readNamed(file, flag);
  try {
    void new X509Certificate(pem);
  } catch (error) {
    throw new Misuse(`${flag}: ${file} holds no certificate in PEM form.`, { cause: error });
  }
  return pem;
}

async function readAll(stdin: Inlet): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stdin) text += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
  return text;
}
