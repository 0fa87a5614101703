import type { Id } from "@holdfast/kernel";
import { callerOf } from "./caller.ts";
import { covers } from "./link.ts";
import { mayRead, permitReading } from "./past-reading.ts";
import type { Permit, Reach } from "./permit.ts";
import type { Placement } from "./space.ts";

/**
 * A reach as a predicate over devices in memory; `reachSql` says the same to PostgreSQL. Made when memory is about to be looked at, and the
 * question is put again then, as when a unit of work begins: what has to be read first may take a while.
 * @throws Refusal when nothing is within reach any more
 */
export function withinReach(reach: Reach<"device.read">): (id: Id<"device">, placement: Placement) => boolean {
  const { every, scope: _askedAgain } = reach;
  return (id, placement) =>
    every.every((wheres) => wheres.some((where) => covers(where, { kind: "device", id, placement })));
}

/** A permit for each device whose readings may be read now and that is wanted. Those of others are left out, as if there were none. */
export function permitsWithin(
  reach: Reach<"telemetry.read">,
  isWanted: (id: Id<"device">, placement: Placement) => boolean,
): readonly Permit<"telemetry.read">[] {
  const { scope: _askedAgain } = reach;
  const caller = callerOf(reach);
  const permits: Permit<"telemetry.read">[] = [];
  for (const [id, placement] of caller.space.devices)
    if (isWanted(id, placement) && mayRead(caller, id)) permits.push(permitReading(caller, id));
  return permits;
}
