import { createPublicKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { Misuse, systemCode } from "./failure.ts";
import type { Inlet } from "./world.ts";

type PublicKey = { kty: "OKP"; crv: "Ed25519"; x: string } | { kty: "EC"; crv: "P-256"; x: string; y: string };

/** Text of a file that somebody named. @throws Misuse */
export function readNamed(file: string, flag: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new Misuse(`${flag}: ${file} cannot be read (${systemCode(error) ?? "unknown"}).`, { cause: error });
  }
}

/** A public key of Ed25519 or P-256 in PEM or as a JWK, as the platform takes it. @throws Misuse */
export function readPublicKey(file: string): PublicKey {
  const text = readNamed(file, "--public-key");
  const misuse = (why: string, cause?: unknown) => new Misuse(`--public-key: ${file} ${why}`, { cause });
  // OpenSSL would make the public key of a private one, which then had been where it should not be.
  if (/PRIVATE KEY-----|"d"\s*:/.test(text)) throw misuse("holds a private key, which stays where it was made.");
  let jwk: { kty?: string; crv?: string; x?: string; y?: string };
  try {
    const key = text.trimStart().startsWith("{")
      ? createPublicKey({ key: JSON.parse(text), format: "jwk" })
      : createPublicKey(text);
    jwk = key.export({ format: "jwk" });
  } catch (error) {
    throw misuse("is no public key in PEM, nor a JWK.", error);
  }
  const { kty, crv, x = "", y = "" } = jwk;
  if (kty === "OKP" && crv === "Ed25519") return { kty, crv, x };
  if (kty === "EC" && crv === "P-256") return { kty, crv, x, y };
  throw misuse("is of another kind: Ed25519 and P-256 are taken.");
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
