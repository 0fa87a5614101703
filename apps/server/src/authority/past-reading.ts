import type { Id } from "@holdfast/kernel";
import type { Caller } from "./caller.ts";
import type { Target } from "./link.ts";
import { Permit, type Asker } from "./permit.ts";
import { mayNow, type Decision } from "./power.ts";
import { readableOf } from "./seeing.ts";

/**
 * To read what was measured: also for an application user whose the device was, and then as if it were hers still, lists and doors included. That
 * shows her what came in her times alone (`readerOf`); what is live is asked about by `caller.permit`. @throws Refusal
 */
export function permitReading(caller: Caller, device: Id<"device">): Permit<"telemetry.read"> {
  const once = onceHers(caller, device);
  if (!once) return caller.permit("telemetry.read", device);
  const { actor, user } = caller;
  const asker: Asker = {
    actor,
    user,
    askAgain: () => caller.askAgain("telemetry.read", mayRead(caller, device) ? undefined : device),
    attributesOf: () => readableOf(caller.power, once),
  };
  asker.askAgain("telemetry.read", device);
  caller.noteUse("telemetry.read", device);
  return new Permit<"telemetry.read">(asker, "telemetry.read", device, caller.space.scope);
}

export function mayRead(caller: Caller, device: Id<"device">): boolean {
  const once = onceHers(caller, device);
  return (
    caller.mayDevice("telemetry.read", device) ||
    (once !== undefined && mayNow(caller.power, "telemetry.read", once, caller.now()))
  );
}

/** The same question with the reason, which says what of it she reads. */
export function decideReading(caller: Caller, target: Target & { kind: "device" }): Decision {
  const now = caller.decide("telemetry.read", target);
  const once = now.allowed ? undefined : onceHers(caller, target.id);
  if (!once) return now;
  const { allowed, because } = caller.decide("telemetry.read", once);
  const only = `, but of ${target.id} only what came while it was ${caller.user}'s: it is another's or nobody's now, and what comes since is not hers`;
  return { allowed, because: allowed ? `${because}${only}` : because };
}

/** As it was placed while it was hers. */
function onceHers({ space, user }: Caller, id: Id<"device">): (Target & { kind: "device" }) | undefined {
  const now = space.device(id);
  const placement = now && user && space.pastOwners.placement(id, now, user);
  return placement && { kind: "device", id, placement };
}
