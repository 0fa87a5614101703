import { base32 } from "@holdfast/crypto";
import type { Instant, Random } from "@holdfast/kernel";

/** Somebody's one-time passwords, and how codes of them were tried. */
export type Totp = {
  readonly secret: Uint8Array<ArrayBuffer>;
  readonly createdAt: Instant;
  /** Of which thirty seconds the last code was that was taken. */
  readonly lastStep: number;
  /** Codes that were wrong, one after the other. */
  readonly wrong: number;
  /** Before then none is looked at. */
  readonly nextAt: Instant;
};

const free = 5;
const first = 30_000; // milliseconds
const longest = 3_600_000;
const quiet = 24 * 3_600_000;

/**
 * After a wrong code (RFC 4226, 7.3): four are free, then each doubles the wait, up to an hour. Two codes of a million are right at a time, so
 * whoever has the password guesses one in a year with a chance below two in a hundred; who lost nothing waits an hour at most, and a
 * recovery code or a passkey waits for nothing. A day without attempts begins anew.
 */
export function afterWrong({ wrong, nextAt }: Totp, now: Instant): Pick<Totp, "wrong" | "nextAt"> {
  const count = (now - nextAt > quiet ? 0 : wrong) + 1;
  const wait = count < free ? 0 : Math.min(first * 2 ** Math.min(count - free, 20), longest);
  return { wrong: count, nextAt: (now + wait) as Instant }; // milliseconds all
}

const codeBytes = 15; // 120 bits: enough that a fast digest protects them (OWASP ASVS 5.0, 6.5.2)
const howMany = 10;

/** Ten, as a person writes them down: six groups of four. */
export const newRecoveryCodes = (random: Random): readonly string[] =>
  Array.from({ length: howMany }, () => grouped(base32(random.bytes(codeBytes))));

/** However it was typed: case, spaces and dashes say nothing. */
export const plainCode = (text: string): string => text.replaceAll(/[\s-]/g, "").toUpperCase();

export const isTotpCode = (plain: string): boolean => /^\d{6}$/.test(plain);

export const grouped = (text: string): string => (text.match(/.{1,4}/g) ?? []).join("-");
