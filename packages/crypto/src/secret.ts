import { hash, timingSafeEqual } from "node:crypto";
import type { Random } from "@holdfast/kernel";
import { encode, isCanonical } from "./base64url.ts";
import { checksum, checksumLength } from "./checksum.ts";

/** What the secret opens, told by its prefix, so that a scanner and a person know one when they see it. On the wire: append only. */
export const secretPrefixes = {
  key: "hfs_",
  setupLink: "hfl_",
  invitation: "hfi_",
  session: "hfc_",
  publishable: "hfp_",
} as const;
export type SecretKind = keyof typeof secretPrefixes;

const secretBytes = 32;
const bodyLength = 43; // 32 bytes in base64url
const textLength = 4 + bodyLength + checksumLength;

/** 256 random bits as text: `hfs_`, 43 characters of base64url (RFC 4648, 5), six of checksum. */
export function newSecret(random: Random, kind: SecretKind = "key"): string {
  const body = secretPrefixes[kind] + encode(random.bytes(secretBytes));
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
