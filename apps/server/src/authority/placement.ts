import type { Id } from "@holdfast/kernel";
import type { AttributeType } from "@holdfast/protocol";
import type { Level } from "./door.ts";

/** Where a device is and whether it may speak: all that questions about it need. `version` only ever grows. */
export type Placement = {
  readonly application: Id<"application">;
  readonly product: Id<"product"> | undefined;
  /** The application user whose it is. */
  readonly user?: Id<"user"> | undefined;
  readonly state: "active" | "suspended" | "retired";
  readonly tags: Readonly<Record<string, string>>;
  /** The other name it goes by in topics. */
  readonly alias: string | undefined;
  /** The device that speaks for it. */
  readonly gateway?: Id<"device"> | undefined;
  /** What it demands of whoever comes to it, beyond its product. */
  readonly door?: Level | undefined;
  /** How often it should report, in milliseconds, in place of what its product says. */
  readonly reportsEvery?: number | undefined;
  readonly version: number;
};

/** What a declared attribute may be, beyond its type. */
export type Bounds = {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly values?: ReadonlySet<number | string> | undefined;
};

/** What a product lets its devices say: the type of each declared attribute, and whether there may be others. */
export type Schema = {
  readonly strict: boolean;
  readonly types: ReadonlyMap<string, AttributeType>;
  /** Of the attributes that have any. */
  readonly bounds?: ReadonlyMap<string, Bounds> | undefined;
  /** What is out of bounds, or not declared where it has to be, is kept with a mark. */
  readonly marks?: boolean | undefined;
  /** How far a device's own time may be from ours, in milliseconds; what every product has, when it says nothing. */
  readonly times?: { readonly past: number; readonly future: number } | undefined;
  /** What it demands of whoever comes to its devices. */
  readonly door?: Level | undefined;
  /** How often its devices should report, in milliseconds. */
  readonly reportsEvery?: number | undefined;
};

/** Whether nobody is told anything else by the one than by the other. */
export function answersAlike(a: Placement, b: Placement): boolean {
  const tags = Object.keys(a.tags);
  return (
    a.application === b.application &&
    a.product === b.product &&
    a.user === b.user &&
    a.state === b.state &&
    a.alias === b.alias &&
    a.gateway === b.gateway &&
    a.door?.text === b.door?.text &&
    tags.length === Object.keys(b.tags).length &&
    tags.every((key) => a.tags[key] === b.tags[key])
  );
}

/** Whether the same is expected of both, as often and through the same gateway: of what is suspended nothing is. */
export const expectedAlike = (a: Placement, b: Placement): boolean =>
  a.product === b.product &&
  a.reportsEvery === b.reportsEvery &&
  a.state === b.state &&
  a.gateway === b.gateway &&
  a.user === b.user &&
  a.application === b.application;

/**
 * Whether a gateway speaks for what is bound to it: as long as both are of one application, and not of two customers. Who moves, or becomes somebody
 * else's, is nobody's child.
 */
export const speaksFor = (
  gateway: Pick<Placement, "application" | "user"> | undefined,
  child: Pick<Placement, "application" | "user">,
): boolean =>
  gateway?.application === child.application &&
  (gateway.user === undefined || child.user === undefined || gateway.user === child.user);
