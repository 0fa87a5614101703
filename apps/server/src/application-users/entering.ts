import { Refusal, type Id } from "@holdfast/kernel";
import type { Caller, Space } from "../authority/index.ts";
import type { Allowed } from "../storage/index.ts";
import type { Passkey, Site } from "../passkeys/index.ts";
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

/** A user of an application, and which of her sessions asks. @throws Refusal `permit.missing` */
export function whoIs(caller: Caller): NonNullable<Caller["credential"]["user"]> & {
  readonly application: Id<"application">;
} {
  const { user } = caller.credential;
  if (!user) throw new Refusal("permit.missing");
  return { ...user, application: applicationOf(caller) };
}

/** Of which page a request is that came with this published key. @throws Refusal `passkey.invalid` */
export function siteOf(page: Caller | undefined): Site {
  const origin = page?.circumstances?.origin;
  const origins = page?.credential.conditions?.origins;
  if (origin !== undefined && origins?.includes(origin)) return { origin, origins };
  const detail =
    "A passkey is one of a page: ask from a page of the application, with its published key as key in the address.";
  throw new Refusal("passkey.invalid", { detail });
}

/** Whether a user may come in at all. By the sequence of revocations too, so that an older backup lets nobody in who was ended since. */
export const mayEnter = (user: User, space: Space): boolean =>
  user.state === "active" && space.revokedBefore(user.id, "people") <= user.since;

/** Whether a passkey still opens anything: it was not copied, and not removed, also where an older backup brought it back. */
export const opens = ({ id, issuedSeq, clonedAt }: Passkey, space: Space): boolean =>
  clonedAt === undefined && space.revokedBefore(id, "people") <= issuedSeq;

/** Whether a sign-in is still good: nothing above it was ended since. */
export const stands = ({ id, user, application, issuedSeq }: UserSession, space: Space): boolean =>
  [space.org, application, user, id].every((about) => space.revokedBefore(about, "people") <= issuedSeq);
