import { Refusal, type Id } from "@holdfast/kernel";
import type { Caller, Space } from "../authority/index.ts";
import type { Allowed } from "../storage/index.ts";
import type { UserSession } from "./session.ts";
import type { User } from "./user.ts";

/** In the name of whoever asks by a key of an application or as a user of it, asked about again when the work begins. */
export const asCaller = (caller: Caller): Allowed => ({
  get scope() {
    if (caller.ended() !== undefined) throw new Refusal("credential.invalid");
    return caller.space.scope;
  },
  actor: caller.actor,
});

/** A key of that kind has one, and so has a user. */
export function applicationOf({ credential, space }: Caller): Id<"application"> {
  const { application } = credential;
  if (!application || !space.hasApplication(application)) throw new Refusal("credential.invalid");
  return application;
}

/** Whether a user may come in at all. By the sequence of revocations too, so that an older backup lets nobody in who was ended since. */
export const mayEnter = (user: User, space: Space): boolean =>
  user.state === "active" && space.revokedBefore(user.id, "people") <= user.since;

/** Whether a sign-in is still good: nothing above it was ended since. */
export const stands = ({ id, user, application, issuedSeq }: UserSession, space: Space): boolean =>
  [space.org, application, user, id].every((about) => space.revokedBefore(about, "people") <= issuedSeq);
