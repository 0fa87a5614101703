import type { Clock, Id, Instant, RefusalCode } from "@holdfast/kernel";
import type { Storage } from "../storage/index.ts";
import type { Authentication } from "./authentication.ts";
import { nobody } from "./circumstances.ts";
import type { Credential } from "./credential.ts";
import { lackingOf } from "./factors.ts";
import { quietOf, type Live } from "./live-sessions.ts";
import { compile } from "./power.ts";
import type { Member, Membership } from "./roles.ts";
import { orgsOf, orNothing } from "./session-ends.ts";
import type { Seen } from "./session-rows.ts";
import { credentialOf, idIn, limitsOf, type Session } from "./session.ts";
import type { Space } from "./space.ts";
import type { Spaces } from "./spaces.ts";

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly authentication: Authentication;
  readonly clock: Clock;
};

/** A session and what is known of its use: by its row, or also in which organisations since the start. */
export type Known = { readonly session: Session } & Away;
type Away = Seen & Partial<Pick<Live, "seenIn">>;

/** Where a session is good: an organisation, as what, until when whatever she does, and until when if she asks nothing more there. */
export type Good = {
  readonly space: Space;
  readonly member: Member;
  readonly id: Id<"session">;
  readonly expiresAt: Instant;
  readonly until: Instant;
  /** From then on it is not, unless she gets what is demanded from that day on. */
  readonly lacksFrom: Instant | undefined;
};

/** Where it is not, though she is a member: what she is told, and may change. */
export type Refusing = { readonly space: Space; readonly member: Membership; readonly code: RefusalCode };

export type Standings = { readonly good: readonly Good[]; readonly refusing: readonly Refusing[] };

/** One that was used in an organisation, and when it last was. */
export type Used = { readonly session: Session; readonly lastUsedAt: Instant } & Good;

/** Where it is good now, and where she is a member and it is not. */
export async function standingsOf(needs: Needs, known: Known): Promise<Standings> {
  const { storage, spaces } = needs;
  const good: Good[] = [];
  const refusing: Refusing[] = [];
  for (const org of await orgsOf(storage, known.session)) {
    const space = await orNothing(spaces.of(org));
    const standing = space && (await standingIn(needs, space, known));
    if (standing && "code" in standing) refusing.push(standing);
    else if (standing) good.push(standing);
  }
  return { good, refusing };
}

/** As one that was used in this organisation, if it was and is good there. */
export async function usedIn(needs: Needs, space: Space, known: Known): Promise<Used | undefined> {
  const { session, seenIn } = known;
  const kept = await needs.authentication.credential(space, idIn(space.scope, session));
  const standing = kept && (await standingIn(needs, space, known));
  if (!standing || "code" in standing) return undefined;
  return { ...standing, session, lastUsedAt: seenIn?.get(space.org) ?? lastUseOf(space, kept) };
}

async function standingIn(
  { spaces, authentication, clock }: Needs,
  space: Space,
  known: Known,
): Promise<Good | Refusing | undefined> {
  const { session } = known;
  const membership = space.members.get(session.person);
  if (!membership) return undefined;
  if (membership.isSuspended) return { space, member: membership, code: "member.suspended" };
  const id = idIn(space.scope, session);
  await spaces.knowHome(space, session.person);
  const kept = await authentication.credential(space, id);
  const now = clock.now();
  const credential = { ...(kept ?? credentialOf(session, space.scope)), proofs: session.proofs };
  const { end, expiresAt = session.expiresAt } = compile(space, credential, nobody, now);
  const member = space.member(session.person);
  if (end || !member) return { space, member: membership, code: end?.code ?? "credential.invalid" };
  const until = Math.min(expiresAt, idleEndOf(known, space, kept, now)) as Instant; // milliseconds both
  if (now >= until) return { space, member, code: "credential.expired" };
  return { space, member, id, expiresAt, until, lacksFrom: lackingOf(space, credential, now)?.from };
}

type Kept = Pick<Credential, "id" | "lastUsedAt" | "createdAt">;

/** When she has been away from an organisation for too long. Where she has not been yet, she counts as there while she is anywhere. */
export function idleEndOf(away: Away, space: Space, kept: Kept | undefined, now: Instant): Instant {
  const { idle } = limitsOf(space.demands);
  const here = away.seenIn?.get(space.org) ?? (kept && lastUseOf(space, kept));
  if (here === undefined && quietOf(away, now) >= idle) return away.seenAt;
  return ((here ?? away.seenAt) + idle) as Instant; // milliseconds both
}

/** When it was last used here, as far as that was written down. */
export const lastUseOf = ({ uses }: Space, { id, lastUsedAt, createdAt }: Kept): Instant =>
  Math.max(lastUsedAt ?? createdAt, uses.of(id)?.at ?? 0) as Instant; // milliseconds all
