import { isSecret, secretMatches } from "@holdfast/crypto";
import type { Id, Instant } from "@holdfast/kernel";
import type { Role } from "@holdfast/protocol";
import { holds, type Space } from "../authority/index.ts";

/** Somebody may come and be a member: whoever has the link and is called by that e-mail. */
export type Invitation = {
  readonly id: Id<"invitation">;
  readonly email: string;
  readonly role: Role;
  readonly invitedBy: Id<"person">;
  /** Its place among revocations. */
  readonly issuedSeq: number;
  readonly createdAt: Instant;
  readonly expiresAt: Instant;
  /** SHA-256 of the secret in its link, which is not kept. */
  readonly digest: Uint8Array;
  /** Of the link that was mailed, which is another one: whoever comes with that reads what is sent to the address. */
  readonly mailedDigest?: Uint8Array | undefined;
};

const hour = 3_600_000;

/** How long an invitation can be accepted, in milliseconds: at least, at most, and where nobody says. */
export const lifetimes = { least: hour, most: 30 * 24 * hour, usual: 7 * 24 * hour } as const;

/** By then every invitation is over that was made before `now`. */
export const allOverBy = (now: Instant): Instant => (now + lifetimes.most) as Instant; // milliseconds both

export const isInvitationSecret = (text: string): boolean => isSecret(text, "invitation");

/** Whether it is the secret that was mailed, and not the one that whoever invited was shown. */
export const isMailedSecret = ({ mailedDigest }: Invitation, secret: string): boolean =>
  mailedDigest !== undefined && secretMatches(secret, mailedDigest);

/** What stands behind # never leaves a browser by itself, so it reaches no log. */
export const linkOf = (address: string, secret: string): string => `${address}/#invitation=${secret}`;

/**
 * Whether it can still be accepted: whoever invited must be able to give that role now, and neither the invitation nor what it came
 * from was ended since.
 */
export function stands({ id, role, invitedBy, issuedSeq, expiresAt }: Invitation, space: Space, now: Instant): boolean {
  const inviter = space.member(invitedBy);
  if (now >= expiresAt || !inviter || !space.hasRole(role) || space.stop) return false;
  if (!holds(space.grantsOf(inviter.role), space.grantsOf(role))) return false;
  return [space.org, invitedBy, id].every((about) => space.revokedBefore(about, "people") <= issuedSeq);
}
