import type { Id } from "@holdfast/kernel";
import type { Space } from "../authority/index.ts";
import type { Facts } from "./condition.ts";
import { Outage } from "./outage.ts";
import { Seen } from "./presence.ts";
import { Contests, type Stay } from "./sharing.ts";

/** The devices of one organisation that were ever seen. */
export type Known = {
  space: Space;
  readonly devices: Map<Id<"device">, Seen>;
  /** Came or went since the database was told. */
  changed: Set<Id<"device">>;
  /** That the database was read; until then only what happened since the start is here. */
  read: Promise<void> | undefined;
  isRead: boolean;
  readonly outage: Outage;
  readonly contests: Contests;
  /** Whose place is taken in this turn: by whoever comes next. */
  displaced: (Stay & { readonly device: Id<"device"> }) | undefined;
  connected: number;
  /** As of when it is known how often devices should report. */
  rhythm: number;
};

export const knownOf = (space: Space): Known => ({
  space,
  devices: new Map(),
  changed: new Set(),
  read: undefined,
  isRead: false,
  outage: new Outage(),
  contests: new Contests(),
  displaced: undefined,
  connected: 0,
  rhythm: space.rhythm,
});

export function seenIn({ devices, space }: Known, device: Id<"device">): Seen {
  let seen = devices.get(device);
  if (!seen) devices.set(device, (seen = new Seen(space.org, device)));
  return seen;
}

/** By `way`, which is written down with the rest of its coming; 0 where that is not known. */
export function comes(known: Known, seen: Seen, way: number): void {
  if (way === 0 || seen.way === way) return;
  seen.way = way;
  known.changed.add(seen.device);
}

/** Who speaks for it, where it is not suspended. */
export function gatewayIn(known: Known, child: Id<"device">): Seen | undefined {
  const { space } = known;
  const gateway = space.device(child)?.state === "active" ? space.gatewayOf(child) : undefined;
  return gateway && seenIn(known, gateway);
}

/** Of what is suspended or retired nobody expects anything. */
export function factsOf({ space }: Known, { device, readAt, unansweredSince, coming }: Seen): Facts {
  const placement = space.device(device);
  const product = placement?.product && space.product(placement.product);
  const interval = placement?.state === "active" ? (placement.reportsEvery ?? product?.reportsEvery) : undefined;
  return { readAt, unansweredSince, interval, isAway: coming.state === "offline" };
}
