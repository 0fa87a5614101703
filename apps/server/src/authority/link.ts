import type { Id, Kind } from "@holdfast/kernel";
import { formatGrant, type Action, type Grant, type Where } from "@holdfast/protocol";
import type { Dashboard } from "./dashboard.ts";
import type { Listable } from "./listed-topics.ts";
import { speaksFor, type Placement } from "./placement.ts";

/** What a question is about, with what is needed to answer it. */
export type Target =
  | { readonly kind: "org" }
  | { readonly kind: "product" }
  | { readonly kind: "application"; readonly id: Id<"application"> }
  | { readonly kind: "dashboard"; readonly id: Id<"dashboard">; readonly dashboard: Dashboard }
  | {
      readonly kind: "device";
      readonly id: Id<"device">;
      readonly placement: Placement;
      /** At which of its topics, where it is not at all of the action's. */
      readonly at?: readonly Listable[] | undefined;
    };

/**
 * One link of a credential's chain: itself, what made it, up to the person's role. Every link must cover what is asked,
 * so a child never outgrows its parent, also when the parent shrinks later.
 */
export type Link = {
  readonly label: string;
  readonly grants: ReadonlyMap<Action, readonly Where[]>;
  /** Of a device's own credential: which it is. */
  readonly device?: Id<"device"> | undefined;
};

export function linkOf(label: string, grants: Iterable<Grant>, device?: Id<"device">): Link {
  const byAction = new Map<Action, Where[]>();
  for (const { action, where } of grants) {
    const wheres = byAction.get(action);
    if (wheres) wheres.push(where);
    else byAction.set(action, [where]);
  }
  return { label, grants: byAction, device };
}

/** What a device says of itself it says for its children too. */
const isForChild = (
  { device, grants }: Link,
  action: Action,
  target: Target,
  placeOf: (device: Id<"device">) => Placement | undefined,
): boolean =>
  device !== undefined &&
  action === "telemetry.write" &&
  target.kind === "device" &&
  target.placement.gateway === device &&
  grants.has(action) &&
  speaksFor(placeOf(device), target.placement);

/** Whether one link grants this. */
export const grants = (
  link: Link,
  action: Action,
  target: Target,
  placeOf: (device: Id<"device">) => Placement | undefined,
): boolean =>
  (link.grants.get(action)?.some((where) => covers(where, target)) ?? false) ||
  isForChild(link, action, target, placeOf);

export function covers(where: Where, target: Target): boolean {
  if ("all" in where) return true;
  switch (target.kind) {
    case "org":
    case "product":
    case "dashboard":
      return false;
    case "application":
      return "application" in where && where.application === target.id;
    case "device":
      if ("application" in where) return where.application === target.placement.application;
      if ("devices" in where) return where.devices.includes(target.id);
      if ("user" in where) return where.user === target.placement.user;
      return target.placement.tags[where.tag.key] === where.tag.value;
  }
}

/** Whether everything in `inner`, now and after any move or retagging, lies in `outer`. */
export function contains(outer: Where, inner: Where): boolean {
  if ("all" in outer) return true;
  if ("all" in inner) return false;
  if ("application" in outer) return "application" in inner && outer.application === inner.application;
  if ("devices" in outer) return "devices" in inner && inner.devices.every((device) => outer.devices.includes(device));
  if ("user" in outer) return "user" in inner && inner.user === outer.user;
  return "tag" in inner && inner.tag.key === outer.tag.key && inner.tag.value === outer.tag.value;
}

/** Whether one link alone lets do all of a grant, wherever devices are moved later. Of listed devices each may lie in another of its own. */
export const containsGrant = (link: Link, { action, where }: Grant): boolean => {
  const held = link.grants.get(action) ?? [];
  const parts: readonly Where[] = "devices" in where ? where.devices.map((device) => ({ devices: [device] })) : [where];
  return parts.every((part) => held.some((outer) => contains(outer, part)));
};

/** The first grant of a link that covers the target, in words. */
export function coveringGrant(link: Link, action: Action, target: Target): string | undefined {
  const where = link.grants.get(action)?.find((candidate) => covers(candidate, target));
  return where && formatGrant({ action, where });
}

export const unknownCode = {
  application: "application.unknown",
  dashboard: "dashboard.unknown",
  device: "device.unknown",
  org: "org.unknown",
  product: "product.unknown",
  user: "user.unknown",
} as const satisfies Partial<Record<Kind, string>>;
