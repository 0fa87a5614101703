import type { Id } from "@holdfast/kernel";
import type { DashboardSource, Role } from "@holdfast/protocol";
import type { Placement } from "./placement.ts";

/** Something that a dashboard shows: of which devices, and which of their attributes; none where it shows who is connected alone. */
export type Showing = { readonly of: DashboardSource; readonly attributes: readonly string[] };

/** What authority knows of a dashboard: who sees it, and what whoever has a link to it is shown. */
export type Dashboard = {
  /** `undefined`: everybody who may read dashboards. */
  readonly roles: readonly Role[] | undefined;
  readonly shows: readonly Showing[];
  /** Only ever grows. */
  readonly version: number;
};

export function isOf(of: DashboardSource, id: Id<"device">, placement: Placement): boolean {
  if ("devices" in of) return of.devices.includes(id);
  if ("tag" in of) return placement.tags[of.tag.key] === of.tag.value;
  return placement.product === of.product;
}

/** Which attributes of a device it shows; `undefined` where it shows nothing of it. */
export function attributesShown(
  { shows }: Dashboard,
  id: Id<"device">,
  placement: Placement,
): ReadonlySet<string> | undefined {
  // What is retired is in no picture.
  if (placement.state === "retired") return undefined;
  const about = shows.filter(({ of }) => isOf(of, id, placement));
  return about.length === 0 ? undefined : new Set(about.flatMap(({ attributes }) => attributes));
}

/** What the second shows that the first does not, for whoever has a link. */
export function moreShown(before: readonly Showing[], after: readonly Showing[]): readonly Showing[] {
  const there = new Set(before.flatMap(piecesOf));
  return after.filter((showing) => piecesOf(showing).some((piece) => !there.has(piece)));
}

/** Each device, tag or product with each attribute. That something is there at all is a piece, too. */
function piecesOf({ of, attributes }: Showing): readonly string[] {
  const wholes = "devices" in of ? of.devices : ["tag" in of ? `${of.tag.key}=${of.tag.value}` : of.product];
  return wholes.flatMap((whole) => [whole, ...attributes.map((name) => `${whole} ${name}`)]);
}
