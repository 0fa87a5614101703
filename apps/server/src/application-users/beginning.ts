import { digestSecret, newSecret, type PublicKey } from "@holdfast/crypto";
import { newId, type Clock, type Id, type Instant, type Random } from "@holdfast/kernel";
import { authorityIn, type MintedToken, type MintsForUser, type Revocation, type Spaces } from "../authority/index.ts";
import type { Unit } from "../storage/index.ts";
import { endSession } from "./ending.ts";
import { sessionsIn } from "./postgres.ts";
import { limits, mostSessions, type UserSession } from "./session.ts";
import type { User } from "./user.ts";

type Needs = {
  readonly spaces: Spaces;
  readonly revocation: Revocation;
  readonly clock: Clock;
  readonly random: Random;
};

/** From where somebody asks, and the key that the answer is to be bound to. */
export type From = { readonly address: string; readonly boundTo: PublicKey | undefined };

export type SignedIn = {
  readonly session: UserSession;
  readonly access: MintedToken & { readonly expiresAt: Instant };
  readonly refreshToken: string;
};

/** Within the unit that saw that she is who she says, and may come in. */
export async function beginSession(
  needs: Needs,
  unit: Unit,
  mint: MintsForUser,
  { user, from, by }: { readonly user: User; readonly from: From; readonly by: "password" | Id<"passkey"> },
): Promise<SignedIn> {
  const { clock, random } = needs;
  await makeRoom(needs, unit, user);
  const now = clock.now();
  const refreshToken = newSecret(random, "refresh");
  const session: UserSession = {
    id: newId("session", random),
    user: user.id,
    application: user.application,
    issuedSeq: await authorityIn(unit).nextSeq(),
    createdAt: now,
    expiresAt: (now + limits.session) as Instant, // milliseconds both
    seenAt: now,
    publicKey: from.boundTo,
    from: from.address,
    passkey: by === "password" ? undefined : by,
  };
  await sessionsIn(unit).add(session);
  await sessionsIn(unit).addRefresh(session.id, digestSecret(refreshToken));
  unit.audit({ what: "applicationUser.signedIn", about: user.id, facts: { session: session.id, by } });
  return { session, access: await accessOf(mint, session), refreshToken };
}

/** A token for a quarter of an hour, or until the session is over. */
export async function accessOf(mint: MintsForUser, session: UserSession): Promise<SignedIn["access"]> {
  const { id, user, application, issuedSeq, publicKey, expiresAt: latest } = session;
  const lifetime = limits.access;
  const token = await mint({ user: { id: user, session: id }, application, issuedSeq, publicKey, lifetime, latest });
  return { ...token, expiresAt: token.expiresAt ?? latest };
}

/** Sessions that are over go, and of too many the one that was seen least lately. */
async function makeRoom(needs: Needs, unit: Unit, user: User): Promise<void> {
  const now = needs.clock.now();
  const sessions = await sessionsIn(unit).of(user.id);
  const open = sessions.filter(({ expiresAt }) => now < expiresAt);
  for (const session of sessions) if (now >= session.expiresAt) await sessionsIn(unit).remove(session.id);
  for (const session of open.slice(mostSessions - 1)) await endSession(needs, unit, session);
}
