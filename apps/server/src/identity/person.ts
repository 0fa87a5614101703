import type { Id, Instant } from "@holdfast/kernel";

/** Somebody with an account. What she may do stands with each organisation that she is a member of. */
export type Person = {
  readonly id: Id<"person">;
  readonly email: string;
  /** argon2id with its parameters and salt; a password is never kept. Whoever signs in with a passkey alone has none. */
  readonly passwordHash: string | undefined;
  readonly createdAt: Instant;
};

/** One spelling per address, so that it is found again: the domain is case-insensitive (RFC 5321, 2.4), and so, in practice, is the rest. */
export const normalEmail = (email: string): string => email.trim().normalize("NFC").toLowerCase();
