import { createHmac, timingSafeEqual } from "node:crypto";
import type { Instant, Random } from "@holdfast/kernel";
import { utf8 } from "./bytes.ts";

/** Of the hash, and how many digits a code has: what authenticator apps take who are told nothing else. */
type Form = { readonly hash: "sha1" | "sha256" | "sha512"; readonly digits: number };

const usual: Form = { hash: "sha1", digits: 6 };
const stepLength = 30_000; // milliseconds; RFC 6238, 5.2
const secretLength = 20; // bytes; RFC 4226, 4, R6: 160 bits are recommended

export const newTotpSecret = (random: Random): Uint8Array<ArrayBuffer> => random.bytes(secretLength);

/** The code for one place of the counter: HOTP, RFC 4226, 5.3. */
export function hotp(secret: Uint8Array, counter: number, { hash, digits }: Form = usual): string {
  const moving = new Uint8Array(8);
  new DataView(moving.buffer).setBigUint64(0, BigInt(counter));
  const digest = new Uint8Array(createHmac(hash, secret).update(moving).digest());
  const offset = (digest.at(-1) ?? 0) & 0xf;
  const truncated = new DataView(digest.buffer).getUint32(offset) & 0x7f_ff_ff_ff;
  return String(truncated % 10 ** digits).padStart(digits, "0");
}

/** Which thirty seconds these are since 1970: the counter of TOTP, RFC 6238, 4.2. */
export const totpStep = (at: Instant): number => Math.floor(at / stepLength);

/**
 * Of which thirty seconds the code is: these, or those before, because it is typed while they pass and clocks differ (RFC 6238, 5.2).
 * Looks at both, whichever it is.
 */
export function stepOfCode(secret: Uint8Array, code: string, at: Instant): number | undefined {
  const now = totpStep(at);
  const [isEarlier, isNow] = [now - 1, now].map((step) => isSame(hotp(secret, step), code));
  return isNow ? now : isEarlier ? now - 1 : undefined;
}

const isSame = (own: string, shown: string): boolean => {
  const [one, other] = [utf8(own), utf8(shown)];
  return one.length === other.length && timingSafeEqual(one, other);
};

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** RFC 4648, 6, without padding: what a person can read aloud and type. */
export function base32(bytes: Uint8Array): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  const groups = bits.match(/.{1,5}/g) ?? [];
  return groups.map((group) => alphabet[Number.parseInt(group.padEnd(5, "0"), 2)]).join("");
}

/** What an authenticator app reads from a picture: whose secret it is, and of which platform. */
export function totpUri(secret: Uint8Array, { issuer, account }: { issuer: string; account: string }): string {
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(account)}`;
  return `otpauth://totp/${label}?secret=${base32(secret)}&issuer=${encodeURIComponent(issuer)}`;
}
