import type { Instant } from "@holdfast/kernel";

/** Why a device went, in words. The database keeps the place in this list: append only. */
const sentences = {
  goodbye: "it said goodbye",
  silent: "silent for longer than its keep-alive",
  broken: "the connection broke",
  replaced: "replaced by a newer connection of the same client",
  suspended: "suspended",
  retired: "retired",
  revoked: "revoked",
  expired: "its credential expired",
  rules: "it broke the rules of MQTT",
  slow: "it read more slowly than messages came",
  unkept: "the platform could not keep what it sent",
  asked: "the platform asked it to come again",
  stopped: "the platform stopped",
  fault: "a fault of the platform's own",
  barred: "its door or a list does not let it in",
} as const;

export type Cause = keyof typeof sentences;

const inOrder = Object.keys(sentences) as readonly Cause[]; // the keys of a constant

export const sentenceOfCause = (cause: Cause): string => sentences[cause];
export const codeOfCause = (cause: Cause): number => inOrder.indexOf(cause);
/** A later platform may have kept a cause that this one does not know. */
export const causeOfCode = (code: number): Cause => inOrder[code] ?? "broken";

type HeardOf = { readonly lastSeenAt: Instant | undefined };

/** Whether a device is connected by MQTT. One that only delivers over HTTPS is seen, and never connected. */
export type Presence =
  | ({ readonly state: "never" } & HeardOf)
  | ({ readonly state: "online"; readonly since: Instant } & HeardOf)
  | ({ readonly state: "offline"; readonly since: Instant; readonly because: Cause } & HeardOf);

export const neverSeen: Presence = { state: "never", lastSeenAt: undefined };

/** What came or went last: all of a presence but when the device was heard, which changes with every message. */
export type Coming =
  | Pick<Extract<Presence, { state: "never" }>, "state">
  | Omit<Extract<Presence, { state: "online" }>, "lastSeenAt">
  | Omit<Extract<Presence, { state: "offline" }>, "lastSeenAt">;

/** One device in memory. Its `heardAt` is written for every message, so it is a number in an object that the session holds. */
export class Seen {
  /** MQTT sessions that are connected. */
  sessions = 0;
  coming: Coming = { state: "never" };
  /** Milliseconds since the epoch; 0 is never. */
  heardAt = 0;
  /** The `heardAt` that the database has. */
  notedAt = 0;

  get presence(): Presence {
    const lastSeenAt = this.heardAt === 0 ? undefined : (this.heardAt as Instant); // only the platform's clock is written there
    return { ...this.coming, lastSeenAt };
  }
}
