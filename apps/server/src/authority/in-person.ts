import { Refusal, type Id, type Instant } from "@holdfast/kernel";
import { formatGrant, type Action, type Grant, type Role } from "@holdfast/protocol";
import { callerOf, type Caller } from "./caller.ts";
import { containsGrant, linkOf } from "./link.ts";
import type { Permit } from "./permit.ts";
import { confirmedFor, type Proof } from "./session.ts";

/** Somebody who signed in, and until when. */
type InPerson = {
  readonly person: Id<"person">;
  readonly proofs: readonly Proof[];
  readonly until: Instant | undefined;
};

/**
 * What outlasts every credential (an organisation, a membership, a role) has no parent to end with, so it is made by a person who signed
 * in, and by nothing that was made with her sign-in: a program that was lent her rights for a minute would keep them.
 * @throws Refusal `permit.missing`
 */
export function inPerson<A extends Action>(permit: Permit<A>, action: A): InPerson {
  const caller = callerOf(permit);
  const { person, inPerson: isHere, proofs = ["password"] } = caller.credential;
  if (person && isHere) return { person, proofs, until: caller.expiresAt };
  const detail = `${action} is for a person who signs in with her password, not for what was made with her sign-in.`;
  throw caller.refuse(action, caller.org, detail, new Refusal("permit.missing", { detail }));
}

/**
 * The same where somebody is to have proved lately who she is: whoever comes with a cookie was asked by the listener, and anybody else has signed in
 * since. @throws Refusal `permit.missing`, `confirmation.required`
 */
export function inPersonLately<A extends Action>(permit: Permit<A>, action: A): Id<"person"> {
  const { person } = inPerson(permit, action);
  const caller = callerOf(permit);
  const { kind, createdAt } = caller.credential;
  if (kind !== "session" && caller.now() - createdAt >= confirmedFor)
    throw new Refusal("confirmation.required", { detail: "This sign-in is older: sign in again." });
  return person;
}

/** Nobody gives a role that holds more than he may do now, wherever that is. @throws Refusal `role.amplifies`, `role.unknown` */
export function refuseGivingMore<A extends Action>(permit: Permit<A>, action: A, role: Role): void {
  const caller = callerOf(permit);
  if (!caller.space.hasRole(role))
    throw caller.refuse(action, role, "there is no such role", new Refusal("role.unknown"));
  refuseMore(caller, action, caller.space.grantsOf(role), "role");
}

/** The same of what a role is to hold: unlike a credential's nobody asks again at each use whether who gave it may still. */
export function refuseMore(caller: Caller, action: Action, grants: readonly Grant[], path: string): void {
  const { links } = caller.power;
  const beyond = grants.filter((grant) => !links.every((link) => containsGrant(link, grant)));
  if (beyond.length === 0) return;
  const faults = beyond.slice(0, 16).map((grant) => ({ path, message: formatGrant(grant) }));
  const because = `may not do all that the role may: ${faults[0]?.message.slice(0, 100)}`;
  throw caller.refuse(action, caller.org, because, new Refusal("role.amplifies", { faults }));
}

/** The same of a member with that role. @throws Refusal `role.greater` */
export function refuseTouchingGreater<A extends Action>(permit: Permit<A>, action: A, role: Role): void {
  const caller = callerOf(permit);
  refuseTouchingMore(caller, action, caller.space.grantsOf(role));
}

/**
 * What somebody who may more has is not theirs to change who may less: a role, or a membership with it. Of a program this is what its
 * person may, because taking away gives it nothing. @throws Refusal `role.greater`
 */
export function refuseTouchingMore(caller: Caller, action: Action, grants: readonly Grant[]): void {
  const { credential, space } = caller;
  const member = credential.person && space.member(credential.person);
  const held = member ? [linkOf("", space.grantsOfMember(member))] : caller.power.links;
  const beyond = grants.filter((grant) => !held.every((link) => containsGrant(link, grant)));
  if (beyond.length === 0) return;
  const because = `what it holds is beyond whoever asks: ${beyond.slice(0, 3).map(formatGrant).join(" ").slice(0, 200)}`;
  throw caller.refuse(action, caller.org, because, new Refusal("role.greater"));
}
