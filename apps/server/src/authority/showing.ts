import { Refusal, type Id } from "@holdfast/kernel";
import { formatWhere, type DashboardSource, type Where } from "@holdfast/protocol";
import { callerOf, type Caller } from "./caller.ts";
import type { Showing } from "./dashboard.ts";
import { contains, covers } from "./link.ts";
import type { Permit } from "./permit.ts";
import { mayNow } from "./power.ts";

/** Nobody shows strangers what he may not read himself. @throws Refusal `credential.amplifies` */
export function refuseShowing(maker: Caller, shows: readonly Showing[]): void {
  const beyond = shows.flatMap(({ of, attributes }) => (attributes.length === 0 ? [] : hiddenOf(maker, of)));
  if (beyond.length === 0) return;
  const faults = [...new Set(beyond)]
    .slice(0, 16)
    .map((what) => ({ path: "grants", message: `telemetry.read:${what}` }));
  const because = `would show what it may not read: ${faults[0]?.message.slice(0, 100)}`;
  throw maker.refuse("dashboard.share", maker.org, because, new Refusal("credential.amplifies", { faults }));
}

/**
 * While strangers have links to a dashboard, whoever changes it to show more shows that to them.
 * @throws Refusal `permit.missing`, `credential.amplifies`
 */
export function refuseShowingMore(permit: Permit<"dashboard.update">, more: readonly Showing[]): void {
  if (more.length === 0) return;
  askToShare(permit, "Links to this dashboard are open, and this change would show more by them");
  refuseShowing(callerOf(permit), more);
}

/** Before somebody decides who else sees a dashboard. @throws Refusal `permit.missing` */
export function askToShare(permit: Permit<"dashboard.update">, why: string): void {
  const caller = callerOf(permit);
  const target = caller.target("dashboard", permit.on);
  const decision = target && caller.decide("dashboard.share", target);
  if (decision?.allowed) return;
  const detail = `${why}: it needs dashboard.share.`;
  const refusal = new Refusal("permit.missing", { detail });
  throw caller.refuse("dashboard.share", permit.on, decision?.because ?? detail, refusal);
}

/** What of a source it may not read. What is not there shows nothing. */
function hiddenOf(maker: Caller, of: DashboardSource): readonly string[] {
  if ("devices" in of)
    return of.devices.filter((id: Id<"device">) => maker.space.device(id) && !maker.mayDevice("telemetry.read", id));
  const where: Where = "tag" in of ? of : { all: true }; // no grant is on a product
  const isHeld = maker.power.links.every((link) =>
    link.grants.get("telemetry.read")?.some((outer) => contains(outer, where)),
  );
  return isHeld ? [] : ["tag" in of ? formatWhere(of) : "*"];
}

export function maySee(caller: Caller, id: Id<"dashboard">): boolean {
  const target = caller.space.dashboards.target(id);
  return target !== undefined && mayNow(caller.power, "dashboard.read", target, caller.now());
}

/** Whether whoever asks may know what a device is called and whether it is there: by a link to a dashboard, where its maker may. */
export function mayKnow(caller: Caller, id: Id<"device">): boolean {
  const { credential, power } = caller;
  const target = caller.target("device", id);
  if (!target || power.end) return false;
  if (!credential.dashboard) return mayNow(power, "device.read", target, caller.now());
  // The link itself holds nothing of the kind.
  return power.links.slice(1).every(({ grants }) => grants.get("device.read")?.some((where) => covers(where, target)));
}

/** Somebody looks at a dashboard, perhaps by a link to it. */
export function noteOpening({ credential, space }: Caller): void {
  if (credential.dashboard) space.uses.opened(credential.id);
}
