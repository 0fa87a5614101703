import type { Id } from "@holdfast/kernel";
import { covers } from "./link.ts";
import type { Reach } from "./permit.ts";
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
