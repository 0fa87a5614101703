import type { Id, Instant } from "@holdfast/kernel";
import { troubleOf, unwatched, type Condition, type Trouble } from "./condition.ts";
import { areApart, sharing, type Stay } from "./sharing.ts";
import { tlsOfWay, type Tls } from "./way.ts";
import type { Dated } from "./wheel.ts";

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
  refused: "it came again, and was refused",
  many: "it went with many others at once",
  gateway: "its gateway is away",
} as const;

export type Cause = keyof typeof sentences;

const inOrder = Object.keys(sentences) as readonly Cause[]; // the keys of a constant

export const sentenceOfCause = (cause: Cause): string => sentences[cause];
export const codeOfCause = (cause: Cause): number => inOrder.indexOf(cause);
/** A later platform may have kept a cause that this one does not know. */
export const causeOfCode = (code: number): Cause => inOrder[code] ?? "broken";

type HeardOf = {
  readonly lastSeenAt: Instant | undefined;
  /** What is wrong beyond its being away. */
  readonly trouble?: { readonly state: Trouble; readonly since: Instant } | undefined;
  /** The gateway that speaks for it, where that one's coming and going is its own. */
  readonly through?: Id<"device"> | undefined;
  /** How it came last, of the times that it came over TLS itself. */
  readonly tls?: Tls | undefined;
  /** When it was noticed last that two take its place from each other. */
  readonly contestedAt?: Instant | undefined;
  /** By one credential two are there at once, and have been for a while. */
  readonly isTwice?: boolean;
};

/** Whether a device is connected by MQTT, or its gateway is. One that only delivers over HTTPS is seen, and never connected. */
export type Presence =
  | ({ readonly state: "never" } & HeardOf)
  | ({ readonly state: "online"; readonly since: Instant } & HeardOf)
  | ({ readonly state: "offline"; readonly since: Instant; readonly because: Cause } & HeardOf);

/** In one word: what is wrong, or else whether it is connected. */
export type PresenceState = Presence["state"] | Trouble;

export const presenceStateOf = ({ state, trouble }: Presence): PresenceState => trouble?.state ?? state;

export const neverSeen: Presence = { state: "never", lastSeenAt: undefined };

/** What came or went last: all of a presence but what changes with every message. */
export type Coming =
  | { readonly state: "never" }
  | { readonly state: "online"; readonly since: Instant }
  | { readonly state: "offline"; readonly since: Instant; readonly because: Cause };

/** What is known of a device itself. `through`: since then its gateway speaks for it, and whether it is there follows from that one. */
export type OwnComing = Coming | { readonly state: "through"; readonly since: Instant };

/** A child that is spoken for is there as long as its gateway is connected. One that speaks over HTTPS alone says nothing of that. */
function comingOf(own: OwnComing, gateway: OwnComing | undefined): Coming {
  if (own.state !== "through") return own;
  if (!gateway || gateway.state === "never" || gateway.state === "through") return { state: "never" };
  const since = own.since > gateway.since ? own.since : gateway.since;
  if (gateway.state === "online") return { state: "online", since };
  return { state: "offline", since, because: gateway.because === "stopped" ? "stopped" : "gateway" };
}

/** One connection. Times are elapsed milliseconds. */
export type Receiving = Stay & {
  /** Since when the device acknowledges nothing of what it was sent; `undefined` where it owes nothing. */
  unansweredSince: number | undefined;
  readonly way: number;
  /** `Presences` says it. */
  since: number;
};

/**
 * One device in memory. `heardAt` and `readAt` are written for every message, so they are numbers in an object that the session holds. There is
 * one for every device that was ever seen: whatever is added here is held ten thousand times.
 */
export class Seen implements Dated {
  readonly device: Id<"device">;
  readonly org: Id<"org">;
  /** MQTT sessions that are connected. */
  readonly sessions = new Map<object, Receiving>();
  own: OwnComing = { state: "never" };
  /** That speaks for it; told by whoever knows to whom it is bound. */
  gateway: Seen | undefined;
  /** Milliseconds since the epoch; 0 is never. */
  heardAt = 0;
  /** The `heardAt` that the database has. */
  notedAt = 0;
  /** As `wayOf` says it. */
  way = 0;
  /** Milliseconds since the epoch; 0 is never. */
  contestedAt = 0;
  /** When its last reading came, in elapsed milliseconds. */
  readAt = Number.NEGATIVE_INFINITY;
  /** Whether a reading changes more than the two numbers. */
  awaited = false;
  tick = Number.POSITIVE_INFINITY;
  #condition = unwatched;

  constructor(org: Id<"org">, device: Id<"device">) {
    this.org = org;
    this.device = device;
  }

  get coming(): Coming {
    return comingOf(this.own, this.gateway?.own);
  }

  get condition(): Condition {
    return this.#condition;
  }

  set condition(condition: Condition) {
    this.#condition = condition;
    this.awaited = condition.silent !== undefined;
  }

  get trouble(): HeardOf["trouble"] {
    return troubleOf(this.#condition, this.coming.state === "offline");
  }

  /** Since when one of its sessions acknowledges nothing, the longest. */
  get unansweredSince(): number | undefined {
    let since: number | undefined;
    for (const { unansweredSince } of this.sessions.values())
      if (unansweredSince !== undefined && (since === undefined || unansweredSince < since)) since = unansweredSince;
    return since;
  }

  get presence(): Presence {
    const { trouble, coming, gateway, way, contestedAt } = this;
    const through = this.own.state === "through" && coming.state !== "never" ? gateway?.device : undefined;
    return {
      ...coming,
      lastSeenAt: instantOf(this.heardAt),
      ...(trouble && { trouble }),
      ...(through && { through }),
      ...(way > 0 && { tls: tlsOfWay(way) }),
      ...(contestedAt > 0 && { contestedAt: instantOf(contestedAt) }),
    };
  }

  /** Whether two of its connections come by one credential from two hosts, and have done so for a while. */
  isTwice(elapsed: number): boolean {
    if (this.sessions.size < 2) return false;
    const settled = [...this.sessions.values()].filter(({ since }) => elapsed - since >= sharing.beside);
    return settled.some((one, at) => settled.slice(0, at).some((other) => areApart(one, other)));
  }
}

const instantOf = (at: number): Instant | undefined => (at === 0 ? undefined : (at as Instant)); // only the platform's clock is written there
