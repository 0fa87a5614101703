import { Refusal, type Id, type Instant } from "@holdfast/kernel";
import type { Action, Role } from "@holdfast/protocol";
import { callerOf } from "./caller.ts";
import type { Permit } from "./permit.ts";
import { actionsOfRole } from "./roles.ts";

/** Somebody who signed in, and until when. */
type InPerson = { readonly person: Id<"person">; readonly until: Instant | undefined };

/**
 * What outlasts every credential (an organisation, a membership) has no parent to end with, so it is made by a person who signed in,
 * and by nothing that was made with her sign-in: a program that was lent her rights for a minute would keep them.
 * @throws Refusal `permit.missing`
 */
export function inPerson<A extends Action>(permit: Permit<A>, action: A): InPerson {
  const caller = callerOf(permit);
  const { person, inPerson: isHere } = caller.credential;
  if (person && isHere) return { person, until: caller.expiresAt };
  const detail = `${action} is for a person who signs in with her password, not for what was made with her sign-in.`;
  throw caller.refuse(action, caller.org, detail, new Refusal("permit.missing", { detail }));
}

/** Nobody gives a role that holds more than he may do now, everywhere in the organisation. @throws Refusal `role.amplifies` */
export function refuseGivingMore<A extends Action>(permit: Permit<A>, action: A, role: Role): void {
  const caller = callerOf(permit);
  const beyond = actionsOfRole(role).filter((one) => !caller.decide(one, { kind: "org" }).allowed);
  if (beyond.length === 0) return;
  const faults = beyond.slice(0, 16).map((one) => ({ path: "role", message: one }));
  throw caller.refuse(
    action,
    caller.org,
    `may not do all that a ${role} may`,
    new Refusal("role.amplifies", { faults }),
  );
}
