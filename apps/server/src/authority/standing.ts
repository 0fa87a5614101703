import { type Action, type Grant } from "@holdfast/protocol";
import type { Instant } from "@holdfast/kernel";

/** Whether an organisation is stopped as a whole. Everything in it keeps what it has, and comes back with it. */
export type Standing = {
  /** By the administrator of the instance. */
  readonly isSuspended?: true | undefined;
  /** When it is erased, unless somebody calls that off. */
  readonly endsAt?: Instant | undefined;
  /** It came with a backup of which the keyring had not heard: what was revoked since may be good in it, until somebody says that nothing is. */
  readonly unconfirmedSince?: Instant | undefined;
};

/** Why nobody may anything here but what its owners still may, who sign in. */
export type Stop = {
  readonly because: string;
  readonly code: "org.suspended" | "org.unconfirmed" | "org.ending";
  /** What is left to an owner. */
  readonly grants: readonly Grant[];
};

const everywhere = (...actions: Action[]): readonly Grant[] =>
  actions.map((action) => ({ action, where: { all: true } }));

const looking = everywhere("org.read", "member.read", "audit.read");

/** What an owner does who looks through who may what, and then says that it is as it should be. */
const confirming = everywhere(
  "org.update",
  "credential.read",
  "credential.revoke",
  "role.read",
  "list.read",
  "member.update",
  "member.suspend",
  "member.remove",
);

/** Of one that is suspended and being deleted the first counts: it is not the owners' to mend. */
export function stopOf({ isSuspended, endsAt, unconfirmedSince }: Standing): Stop | undefined {
  if (isSuspended) return { because: "the organisation is suspended", code: "org.suspended", grants: looking };
  if (unconfirmedSince !== undefined) {
    const because = "the organisation was restored, and nobody has confirmed yet who may what in it";
    return { because, code: "org.unconfirmed", grants: [...looking, ...confirming] };
  }
  if (endsAt === undefined) return undefined;
  const grants = [...looking, ...everywhere("org.delete")];
  return { because: "the organisation is being deleted", code: "org.ending", grants };
}
