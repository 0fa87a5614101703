import { newId, Refusal, type Clock, type Random } from "@holdfast/kernel";
import {
  askToShare,
  maySee,
  moreShown,
  parties,
  refusedBy,
  refuseShowingMore,
  type Caller,
  type Permit,
  type Reach,
  type Revocation,
  type Space,
  type Spaces,
} from "../authority/index.ts";
import type { Role } from "@holdfast/protocol";
import type { Storage } from "../storage/index.ts";
import { change, knownOf, made, showsOf, type Change, type Dashboard, type Written } from "./dashboard.ts";
import { mostDashboards } from "./limits.ts";
import { dashboardsIn } from "./postgres.ts";

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly revocation: Revocation;
  readonly clock: Clock;
  readonly random: Random;
};

/** The dashboards of an organisation. */
export class Dashboards {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** @throws Refusal `dashboard.tooMany`, `dashboard.tooLarge` */
  async create(permit: Permit<"dashboard.create">, written: Written): Promise<Dashboard> {
    const { storage, spaces, clock, random } = this.#needs;
    storage.admit();
    refuseUnknownRoles(await spaces.of(permit.scope.org), written.roles);
    return storage.change(permit, async (unit) => {
      const rows = dashboardsIn(unit);
      if ((await rows.count()) >= mostDashboards) throw new Refusal("dashboard.tooMany");
      const dashboard = made(newId("dashboard", random), written, clock.now());
      await rows.save(dashboard);
      const { id, name } = dashboard;
      unit.audit({ what: "dashboard.created", about: id, facts: { name, widgets: dashboard.widgets.length } });
      unit.afterCommit(() => spaces.apply(unit.scope.org, (space) => space.dashboards.set(id, knownOf(dashboard))));
      return dashboard;
    });
  }

  /** Those that whoever asks may see, by name. */
  async list(reach: Reach<"dashboard.read">, caller: Caller): Promise<readonly Dashboard[]> {
    const all = await this.#needs.storage.read(reach, (unit) => dashboardsIn(unit).all());
    const seen = all.filter(({ id }) => maySee(caller, id));
    return seen.toSorted((a, b) => a.name.localeCompare(b.name, "en") || (a.id < b.id ? -1 : 1));
  }

  async read(permit: Permit<"dashboard.read">): Promise<Dashboard> {
    const dashboard = await this.#needs.storage.read(permit, (unit) => dashboardsIn(unit).find(permit.on));
    if (!dashboard) throw refusedBy(permit, "dashboard.read", permit.on, new Refusal("dashboard.unknown"));
    return dashboard;
  }

  /** @throws Refusal `request.conflict`, `dashboard.tooLarge`; where links to it are open as `refuseShowingMore` */
  async update(permit: Permit<"dashboard.update">, wanted: Change, versions?: readonly number[]): Promise<Dashboard> {
    const { storage, spaces, clock } = this.#needs;
    if (wanted.roles !== undefined) askToShare(permit, "It says who sees the dashboard");
    refuseUnknownRoles(await spaces.of(permit.scope.org), wanted.roles ?? undefined);
    return storage.change(permit, async (unit) => {
      const rows = dashboardsIn(unit);
      const before = await rows.take(permit.on);
      if (!before) throw refusedBy(permit, "dashboard.update", permit.on, new Refusal("dashboard.unknown"));
      refuseIfChanged(before, versions);
      const dashboard = change(before, wanted, clock.now());
      const more = moreShown(showsOf(before), showsOf(dashboard));
      if (more.length > 0 && (await rows.isShared(permit.on, clock.now()))) refuseShowingMore(permit, more);
      await rows.save(dashboard);
      const { id, name } = dashboard;
      const facts = { name, fields: Object.keys(wanted), roles: dashboard.roles && [...dashboard.roles] };
      unit.audit({ what: "dashboard.updated", about: id, facts });
      unit.afterCommit(() => spaces.apply(unit.scope.org, (space) => space.dashboards.set(id, knownOf(dashboard))));
      return dashboard;
    });
  }

  /** The links to it end for good, also where an older backup brings it back. */
  async delete(permit: Permit<"dashboard.delete">, versions?: readonly number[]): Promise<void> {
    const { storage, spaces, revocation } = this.#needs;
    await storage.change(permit, async (unit) => {
      const before = await dashboardsIn(unit).take(permit.on);
      if (!before) throw refusedBy(permit, "dashboard.delete", permit.on, new Refusal("dashboard.unknown"));
      refuseIfChanged(before, versions);
      await dashboardsIn(unit).remove(permit.on);
      await revocation.in(unit, permit.on, parties);
      unit.audit({ what: "dashboard.deleted", about: permit.on, facts: { name: before.name } });
      unit.afterCommit(() => spaces.apply(unit.scope.org, (space) => space.dashboards.remove(permit.on)));
    });
  }
}

/** @throws Refusal `role.unknown` */
function refuseUnknownRoles(space: Space, roles: readonly Role[] | undefined): void {
  const faults = (roles ?? [])
    .filter((role) => !space.hasRole(role))
    .map((role) => ({ path: "roles", message: `${role} is no role of this organisation` }));
  if (faults.length > 0) throw new Refusal("role.unknown", { faults });
}

/** Asked with the row locked, so that of two who start from the same version one is told. */
function refuseIfChanged({ version }: Dashboard, versions: readonly number[] | undefined): void {
  if (versions && !versions.includes(version)) throw new Refusal("request.conflict");
}
