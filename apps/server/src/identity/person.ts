import { domainToASCII } from "node:url";
import type { Id, Instant } from "@holdfast/kernel";

/** Somebody with an account. What she may do stands with each organisation that she is a member of. */
export type Person = {
  readonly id: Id<"person">;
  readonly email: string;
  /**
   * argon2id with its parameters and salt; a password is never kept. Whoever signs in with a passkey alone has none, and neither has she whom an
   * older backup of the database brought back with one of before.
   */
  readonly passwordHash: string | undefined;
  /** The place of her password among revocations: it grows with each one that she chooses. 0 of the first. */
  readonly passwordSeq?: number | undefined;
  readonly createdAt: Instant;
  /** A provider brought her, and what it calls her is all that she is known by: her e-mail may be another account's. */
  readonly isBrought?: true | undefined;
  /** When she showed that she reads what is sent to this address. */
  readonly verifiedAt?: Instant | undefined;
  /** Grows with each change, and is sealed with the rest: an older body does not open in a newer row. */
  readonly version?: number | undefined;
};

/** One spelling per address, so that it is found again: the domain is case-insensitive (RFC 5321, 2.4), and so, in practice, is the rest. */
export const normalEmail = (email: string): string => email.trim().normalize("NFC").toLowerCase();

/** The domain of an e-mail, as all of its spellings have it. */
export const homeOf = (email: string): string => domainToASCII(normalEmail(email).split("@").at(-1) ?? "");
