import { createHmac, hash, timingSafeEqual } from "node:crypto";
import type { Random } from "@holdfast/kernel";
import { encode, isCanonical } from "./base64url.ts";
import { checksum, checksumLength } from "./checksum.ts";

/** What the secret opens, told by its prefix, so that a scanner and a person know one when they see it. On the wire: append only. */
export const secretPrefixes = {
  key: "hfs_",
  setupLink: "hfl_",
  invitation: "hfi_",
  session: "hfc_",
  browser: "hfb_",
  publishable: "hfp_",
  refresh: "hfr_",
  code: "hfo_",
  activation: "hfd_",
  callOff: "hfx_",
  passwordReset: "hfw_",
  email: "hfe_",
} as const;
export type SecretKind = keyof typeof secretPrefixes;

const secretBytes = 32;
const bodyLength = 43; // 32 bytes in base64url
const textLength = 4 + bodyLength + checksumLength;

/** What follows a refresh token, made of it and a key: whoever shows it again at once gets the same again, and it is kept nowhere. */
export const secretAfter = (text: string, key: Uint8Array, kind: SecretKind): string =>
  secretOf(new Uint8Array(createHmac("sha256", key).update(text, "utf8").digest()), kind);

/** 256 random bits as text: `hfs_`, 43 characters of base64url (RFC 4648, 5), six of checksum. */
export function newSecret(random: Random, kind: SecretKind = "key"): string {
  return secretOf(random.bytes(secretBytes), kind);
}

function secretOf(bytes: Uint8Array, kind: SecretKind): string {
  const body = secretPrefixes[kind] + encode(bytes);
  return body + checksum(body);
}

/** Whether this is a secret as we write them, to the last bit. Says nothing about whether it opens anything. */
export function isSecret(text: string, kind: SecretKind = "key"): boolean {
  if (text.length !== textLength || !text.startsWith(secretPrefixes[kind])) return false;
  const body = text.slice(0, -checksumLength);
  return isCanonical(body.slice(4), secretBytes) && checksum(body) === text.slice(-checksumLength);
}

/** SHA-256, 32 bytes. Enough for 256 random bits: a slow hash protects what can be guessed. */
export const digestSecret = (text: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(hash("sha256", text, { outputEncoding: "buffer" }));

/** Takes the same time whatever differs. */
export function secretMatches(text: string, digest: Uint8Array): boolean {
  const own = digestSecret(text);
  return digest.length === own.length && timingSafeEqual(own, digest);
}
