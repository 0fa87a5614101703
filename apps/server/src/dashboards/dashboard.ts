import { Refusal, type Id, type Instant } from "@holdfast/kernel";
import { sourcesOf, type Role, type Widget } from "@holdfast/protocol";
import type { KnownDashboard, Showing } from "../authority/index.ts";
import { mostBytes } from "./limits.ts";

/** Pictures of what devices measure, arranged by somebody. What it shows is read with the grants of whoever looks. */
export type Dashboard = {
  readonly id: Id<"dashboard">;
  readonly name: string;
  readonly description: string | undefined;
  /** Who sees it, beside those who may share it; `undefined` is everybody who may read dashboards. */
  readonly roles: readonly Role[] | undefined;
  readonly widgets: readonly Widget[];
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
  readonly version: number;
};

export type Written = Pick<Dashboard, "name" | "description" | "roles" | "widgets">;

export type Change = {
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly widgets?: readonly Widget[] | undefined;
  /** `null`: everybody. */
  readonly roles?: readonly Role[] | null | undefined;
};

/** @throws Refusal `dashboard.tooLarge` */
export function made(id: Id<"dashboard">, { name, description, roles, widgets }: Written, at: Instant): Dashboard {
  return withinSize({ id, name, description, roles, widgets, createdAt: at, updatedAt: at, version: 1 });
}

/** @throws Refusal `dashboard.tooLarge` */
export function change(before: Dashboard, wanted: Change, at: Instant): Dashboard {
  const { name = before.name, description = before.description, widgets = before.widgets } = wanted;
  const roles = wanted.roles === undefined ? before.roles : (wanted.roles ?? undefined);
  return withinSize({ ...before, name, description, widgets, roles, updatedAt: at, version: before.version + 1 });
}

function withinSize(dashboard: Dashboard): Dashboard {
  if (Buffer.byteLength(JSON.stringify(dashboard)) > mostBytes) throw new Refusal("dashboard.tooLarge");
  return dashboard;
}

/** What it says of a device that it is connected or not. */
export const showsPresence = ({ type }: Widget): boolean => type === "status" || type === "map" || type === "table";

export const showsOf = ({ widgets }: Pick<Dashboard, "widgets">): readonly Showing[] => widgets.flatMap(sourcesOf);

export const knownOf = ({ roles, widgets, version }: Dashboard): KnownDashboard => ({
  roles,
  shows: showsOf({ widgets }),
  version,
});
