import type { Id } from "@holdfast/kernel";
import type { Where } from "@holdfast/protocol";
import { covers } from "./link.ts";
import type { Placement } from "./space.ts";

/** A reach as a predicate over devices in memory; `reachSql` says the same to PostgreSQL. */
export function withinReach({
  every,
}: {
  readonly every: readonly (readonly Where[])[];
}): (id: Id<"device">, placement: Placement) => boolean {
  return (id, placement) =>
    every.every((wheres) => wheres.some((where) => covers(where, { kind: "device", id, placement })));
}
