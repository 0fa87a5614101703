import { Refusal, type Id } from "@holdfast/kernel";
import type { Demands } from "@holdfast/protocol";
import type { Credential } from "./credential.ts";
import type { Homes } from "./homes.ts";
import type { Member } from "./roles.ts";

/** An organisation, as far as it hangs on it who has to come by its provider. */
export type Housed = {
  readonly org: Id<"org">;
  readonly demands: Demands;
  member(person: Id<"person">): Member | undefined;
  readonly homes: Pick<Homes, "of">;
};

/**
 * Whether somebody who is here herself would have to come by the organisation's provider, and does not. Of whom nobody has looked what her
 * e-mail is, it might be one of those. What she made while she was let in goes on without her.
 */
export function lacksProvider(
  housed: Housed,
  { person, inPerson, proofs, by }: Pick<Credential, "person" | "inPerson" | "proofs" | "by">,
): boolean {
  const demanded = housed.demands.people?.provider;
  if (!demanded || !person || !inPerson || by) return false;
  const home = housed.homes.of(person);
  if (home !== undefined && !demanded.domains.includes(home)) return false;
  const isExcepted = demanded.exceptOwners?.includes(person) === true && housed.member(person)?.role === "owner";
  return !(isExcepted && proofs?.includes("passkey"));
}

/** Told to whom it may be told that she is a member there. */
export const providerRequired = (org: Id<"org">): Refusal =>
  new Refusal("provider.required", { detail: `It is at /sign-in/${org}.` });
