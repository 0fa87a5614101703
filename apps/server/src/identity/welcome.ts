import type { Id, Instant } from "@holdfast/kernel";
import type { MintedToken } from "../authority/index.ts";

/** Somebody is in: where, who, and the token of this sign-in. */
export type Welcome = {
  readonly org: Id<"org">;
  readonly person: Id<"person">;
  readonly token: string;
  readonly expiresAt: Instant;
};

/** How long the token of a sign-in lives when nothing else is asked, in milliseconds. */
export const day = 24 * 3_600_000;

export function welcomeOf(org: Id<"org">, person: Id<"person">, { token, expiresAt }: MintedToken): Welcome {
  if (expiresAt === undefined) throw new Error("the token of a sign-in ends");
  return { org, person, token, expiresAt };
}
