import type { PublicKey } from "@holdfast/crypto";
import type { Id, Instant } from "@holdfast/kernel";

/** A user signed in somewhere. All the tokens that come of it end with it. */
export type UserSession = {
  readonly id: Id<"session">;
  readonly user: Id<"user">;
  readonly application: Id<"application">;
  /** Its place among revocations, which its tokens share. */
  readonly issuedSeq: number;
  readonly createdAt: Instant;
  readonly expiresAt: Instant;
  readonly seenAt: Instant;
  /** The key that its tokens are bound to. */
  readonly publicKey: PublicKey | undefined;
  readonly from: string | undefined;
  /** By which passkey she signed in, where it was by one. */
  readonly passkey?: Id<"passkey"> | undefined;
  /** When a refresh token of it stood where others may have read it. */
  readonly exposedAt?: Instant | undefined;
};

/**
 * In milliseconds: how long a token that is shown lasts, how long a session however often it is renewed, how long an answer that was lost may be
 * asked for again, and for how long after a sign-in she is taken to be there herself.
 */
export const limits = {
  access: 15 * 60_000,
  session: 30 * 24 * 3_600_000,
  lost: 10_000,
  fresh: 15 * 60_000,
} as const;

/** Who signs in at more places than this ends the one that was seen least lately. */
export const mostSessions = 20;

/** A refresh token as its row has it: used once already, and whether the one that followed it was. */
export type Refresh = { readonly usedAt: Instant | undefined; readonly isSuccessorUsed: boolean };

/**
 * What becomes of a refresh token that is shown. `renew`: its first use; `repeat`: whoever used it did not hear the answer; `reuse`: two have
 * it, and nobody knows which of them is the thief.
 */
export function judge({ usedAt, isSuccessorUsed }: Refresh, now: Instant): "renew" | "repeat" | "reuse" {
  if (usedAt === undefined) return "renew";
  return !isSuccessorUsed && now - usedAt <= limits.lost ? "repeat" : "reuse";
}
