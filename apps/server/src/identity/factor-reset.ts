import { isSecret } from "@holdfast/crypto";
import type { Id, Instant } from "@holdfast/kernel";
import type { Space } from "../authority/index.ts";

/**
 * Somebody lost all that she shows beside her password. The administrator of the instance asked for it to be removed; after a waiting
 * time, in which she and her organisations can object, it goes when she next signs in with her password.
 */
export type FactorReset = {
  readonly id: Id<"factorReset">;
  readonly person: Id<"person">;
  readonly askedBy: Id<"person">;
  /**
   * Nobody had proved the address of the account, and now somebody did, who chose a password by a link that was mailed there. What signs in to it
   * beside may be somebody else's, who took an invitation to that address: so being signed in calls this off no more.
   */
  readonly isByAddress?: true | undefined;
  /** Its place among revocations. */
  readonly issuedSeq: number;
  readonly askedAt: Instant;
  readonly dueAt: Instant;
  /** SHA-256 of the secret in the link that calls it off. */
  readonly digest: Uint8Array;
};

const hour = 3_600_000;

/** For how long it can be used once it is due. One that was forgotten must not stand open for ever. */
const lasts = 7 * 24 * hour;

/** By then it is over, whatever became of it. */
export const overBy = (dueAt: Instant): Instant => (dueAt + lasts) as Instant; // milliseconds both

export const dueAfter = (askedAt: Instant, hours: number): Instant => (askedAt + hours * hour) as Instant;

/** Whether it still counts: nobody called it off, and it was not done, also where an older backup brought it back. */
export const counts = ({ id, issuedSeq, dueAt }: FactorReset, spaces: readonly Space[], now: Instant): boolean =>
  now < overBy(dueAt) && spaces.every((space) => space.revokedBefore(id, "people") <= issuedSeq);

export const isCallOffSecret = (text: string): boolean => isSecret(text, "callOff");

/** What stands behind # never leaves a browser by itself, so it reaches no log. */
export const callOffLinkOf = (address: string, secret: string): string => `${address}/#call-off=${secret}`;
