import type { Id, Refusal } from "@holdfast/kernel";
import type { Caller } from "../authority/index.ts";

/** Why a device, or somebody in its name, was refused, for whoever may know. */
export function clauseOf(caller: Caller, device: Id<"device">, { code }: Refusal): string | undefined {
  if (code === "topic.foreign") return `${device} is held to its own tree`;
  const asked = code === "permit.missing" || code === "door.refused" || code === "list.denied";
  const target = asked ? caller.target("device", device) : undefined;
  return target && caller.decide("telemetry.write", target).because;
}

/** Whether a list or a door said no, and not what was granted. */
export function barredBy(
  caller: Caller,
  action: "telemetry.read" | "telemetry.write",
  device: Id<"device"> | undefined,
): "door.refused" | "list.denied" | undefined {
  const target = device && caller.target("device", device);
  if (!target) return undefined;
  const { allowed, code } = caller.decide(action, target);
  if (code === "list.denied") caller.noteListsOf(device, action);
  return allowed && caller.attributesOf(device) ? "door.refused" : code;
}
