import { Refusal } from "@holdfast/kernel";
import { refusedBy, speaksFor, type Permit } from "../authority/index.ts";
import type { Unit } from "../storage/index.ts";
import type { Device } from "./device.ts";
import { devicesIn } from "./postgres.ts";

/** Whose it was and is, for the audit log. */
export function rebound(before: Device, after: Device): { facts?: Record<string, string | null> } {
  if (after.user !== before.user) return { facts: { from: before.user ?? null, user: after.user ?? null } };
  if (after.gateway === before.gateway) return {};
  return { facts: { from: before.gateway ?? null, gateway: after.gateway ?? null } };
}

/** A gateway is another device of the same application, and not another customer's. */
export async function refuseUnfit(unit: Unit, child: Device, gateway: Permit<"device.bind">): Promise<void> {
  gateway.askAgain(); // the unit has asked for its own permit only
  const found = await devicesIn(unit).find(gateway.on);
  if (!found) throw refusedBy(gateway, "device.bind", gateway.on, new Refusal("device.unknown"));
  const isFit = found.id !== child.id && found.state !== "retired" && speaksFor(found, child);
  if (!isFit) throw new Refusal("gateway.unfit");
}
