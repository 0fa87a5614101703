import { digestSecret } from "@holdfast/crypto";
import { idFrom, Refusal, uuidOf, type Id, type Instant } from "@holdfast/kernel";
import { allActions, instanceActions, mostSessionMinutes, type Demands } from "@holdfast/protocol";
import type { OrgScope } from "../storage/index.ts";
import type { Credential } from "./credential.ts";

const minute = 60_000; // milliseconds

/** How long one cookie is good at most, in milliseconds, whatever organisations say. */
export const longest = mostSessionMinutes * minute;

/** How long she stays signed in, in milliseconds: whatever she does, and when she asks nothing meanwhile. */
export type Limits = { readonly absolute: number; readonly idle: number };

/** In an organisation that says this of sessions. */
export function limitsOf({ sessions = {} }: Demands): Limits {
  const { absoluteMinutes = 12 * 60, idleMinutes = 2 * 60 } = sessions;
  return { absolute: absoluteMinutes * minute, idle: idleMinutes * minute };
}

/** What somebody showed when she signed in. */
export type Proof = "password" | "totp" | "recoveryCode" | "passkey" | "provider" | "providerFactor";

/** An organisation's provider said who somebody is. */
export type Brought = {
  readonly provider: Id<"provider">;
  /** What it ends with besides: marks of revocations, the provider's own first. */
  readonly marks: readonly string[];
  /** Where a browser is signed out of the provider as well. */
  readonly signOutAt?: string | undefined;
};

/** From where somebody shows who she is. */
export type Visit = {
  readonly address: string;
  /** What her program calls itself. */
  readonly agent: string;
  /** The page that asks. */
  readonly origin: string | undefined;
  /** What its cookies hold: of the session that it had so far, and of the browser itself. */
  readonly session?: string | undefined;
  readonly browser?: string | undefined;
};

/** For how long somebody who proved who she is may do what asks for it, and how long a cookie that was replaced is still taken, in milliseconds. */
export const confirmedFor = 10 * 60_000;
export const replacedFor = 10_000;

/** A person who signed in with a browser: one for all her organisations, and in each of them a credential (`credentialOf`). */
export type Session = {
  /** Stays when its cookie is replaced. */
  readonly id: Id<"session">;
  /** SHA-256 of what the cookie holds. */
  readonly digest: Uint8Array;
  readonly person: Id<"person">;
  /**
   * Its place among revocations, taken when she signed in: what ends people later in an organisation ends this there, also where
   * she comes for the first time afterwards.
   */
  readonly issuedSeq: number;
  readonly createdAt: Instant;
  readonly expiresAt: Instant;
  readonly proofs: readonly Proof[];
  /** When she last proved who she is. */
  readonly provedAt: Instant;
  /** Good in this organisation alone: its own provider says who she is. */
  readonly only: Id<"org"> | undefined;
  readonly by: Brought | undefined;
  /** From where she signed in. */
  readonly from: Pick<Visit, "address" | "agent">;
  /** She had signed in with that browser before. */
  readonly isFamiliar: boolean;
};

/** @throws Refusal `confirmation.required` where she proved who she is too long ago */
export function refuseUnconfirmed({ provedAt }: Session, now: Instant): void {
  if (now >= provedAt + confirmedFor) throw new Refusal("confirmation.required");
}

/**
 * What a session is called in one organisation: derived with the organisation's key, so it is found again without being kept
 * anywhere, and two organisations cannot tell by it that somebody is in both.
 */
export const idIn = (scope: OrgScope, { id }: Pick<Session, "id">): Id<"session"> =>
  idFrom("session", scope.index("session", uuidOf(id)));

/** As a credential of one organisation, bounded by her role there like all that is hers. */
export const credentialOf = (session: Session, scope: OrgScope): Credential => ({
  id: idIn(scope, session),
  kind: "session",
  name: "browser",
  state: "active",
  parent: undefined,
  makers: [],
  person: session.person,
  inPerson: true,
  proofs: session.proofs,
  application: undefined,
  device: undefined,
  // An organisation's own provider says who somebody is in that one. Nobody administers the instance by its word.
  grants: (session.only ? allActions.filter((action) => !instanceActions.includes(action)) : allActions).map(
    (action) => ({ action, where: { all: true } }),
  ),
  issuedSeq: session.issuedSeq,
  createdAt: session.createdAt,
  expiresAt: session.expiresAt,
  lastUsedAt: undefined,
  digest: digestSecret(idIn(scope, session)), // nobody shows it: the cookie alone leads here
  publicKey: undefined,
  conditions: undefined,
  ...(session.by && { by: session.by.marks }),
  version: 1,
});
