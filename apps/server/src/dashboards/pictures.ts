import { Refusal, type Id } from "@holdfast/kernel";
import { sourcesOf, type DashboardSource, type Widget } from "@holdfast/protocol";
import { isOf, mayKnow, type Caller, type Permit, type Space } from "../authority/index.ts";
import type { Presence, Presences } from "../messages/index.ts";
import { deviceNamesIn } from "../registry/index.ts";
import type { Storage } from "../storage/index.ts";
import type { Latest, Questions } from "../telemetry/index.ts";
import { showsPresence, type Dashboard } from "./dashboard.ts";
import { mostOfLine, mostShown } from "./limits.ts";
import { dashboardsIn } from "./postgres.ts";

type Needs = {
  readonly storage: Storage;
  readonly presences: Presences;
  readonly questions: Pick<Questions, "latestOf">;
};

type Asked = Permit<"dashboard.read"> | Permit<"dashboard.update">;

/** A device as a dashboard shows it. */
export type Pictured = {
  readonly id: Id<"device">;
  /** None where whoever asks may read what it measures, and not what it is called. */
  readonly name: string | undefined;
  readonly presence: Presence | undefined;
  readonly latest: readonly Latest[];
};

export type Picture = {
  readonly devices: readonly Pictured[];
  readonly widgets: readonly { readonly id: string; readonly sources: readonly (readonly Id<"device">[])[] }[];
  readonly omitted: number;
  readonly version: number;
};

/** What a dashboard shows at this moment, as far as whoever looks may read it. */
export class Pictures {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** @throws Refusal `dashboard.unknown` */
  async of(permit: Permit<"dashboard.read">, caller: Caller): Promise<Picture> {
    return this.#of(permit, caller, await this.#find(permit));
  }

  /** As it would be with these widgets. @throws Refusal `dashboard.unknown` */
  async preview(permit: Permit<"dashboard.update">, caller: Caller, widgets: readonly Widget[]): Promise<Picture> {
    return this.#of(permit, caller, { ...(await this.#find(permit)), widgets });
  }

  async #find(permit: Asked): Promise<Dashboard> {
    const dashboard = await this.#needs.storage.read(permit, (unit) => dashboardsIn(unit).find(permit.on));
    if (!dashboard) throw new Refusal("dashboard.unknown");
    return dashboard;
  }

  async #of(permit: Asked, caller: Caller, dashboard: Dashboard): Promise<Picture> {
    const { storage, presences } = this.#needs;
    const { space } = caller;
    const presenceOf = await presences.in(space);
    const { widgets, attributes, isPresent, omitted } = arranged(dashboard, space, (id) =>
      caller.mayDevice("telemetry.read", id),
    );
    const ids = [...attributes.keys()];
    const names = await storage.read(permit, (unit) => deviceNamesIn(unit, ids));
    const latest = await this.#latest(caller, attributes);
    const devices = ids.map((id): Pictured => {
      const isKnown = mayKnow(caller, id);
      return {
        id,
        name: isKnown ? names.get(id) : undefined,
        presence: isKnown && isPresent.has(id) ? presenceOf(id) : undefined,
        latest: latest.get(id) ?? [],
      };
    });
    return { devices, widgets, omitted, version: dashboard.version };
  }

  /** Of all devices at once: one by one they would be read one by one, when nobody has asked about them since a start. */
  async #latest(caller: Caller, wanted: Arranged["attributes"]): Promise<ReadonlyMap<Id<"device">, readonly Latest[]>> {
    const measuring = [...wanted].filter(([, shown]) => shown.size > 0);
    const permits = measuring.map(([id]) => caller.permit("telemetry.read", id));
    const names = [...new Set(measuring.flatMap(([, shown]) => [...shown]))].toSorted();
    const all = await this.#needs.questions.latestOf(permits, names);
    return Map.groupBy(
      all.filter(({ device, attribute }) => wanted.get(device)?.has(attribute)),
      ({ device }) => device,
    );
  }
}

type Arranged = Pick<Picture, "widgets" | "omitted"> & {
  /** Of each device the attributes that are shown anywhere. */
  readonly attributes: ReadonlyMap<Id<"device">, Set<string>>;
  readonly isPresent: ReadonlySet<Id<"device">>;
};

/** Which devices each source is about. */
function arranged(dashboard: Dashboard, space: Space, mayRead: (id: Id<"device">) => boolean): Arranged {
  const attributes = new Map<Id<"device">, Set<string>>();
  const isPresent = new Set<Id<"device">>();
  const omitted = new Set<Id<"device">>();
  const widgets = dashboard.widgets.map((widget) => {
    const most = widget.type === "line" ? mostOfLine : mostShown;
    const sources = sourcesOf(widget).map(({ of, attributes: names }) => {
      const kept: Id<"device">[] = [];
      for (const id of devicesOf(of, space)) {
        if (!mayRead(id)) continue;
        const there = attributes.get(id);
        if (kept.length === most || (!there && attributes.size === mostShown)) {
          omitted.add(id);
          continue;
        }
        const shown = there ?? new Set();
        for (const name of names) shown.add(name);
        attributes.set(id, shown);
        if (showsPresence(widget)) isPresent.add(id);
        kept.push(id);
      }
      return kept;
    });
    return { id: widget.id, sources };
  });
  return { attributes, isPresent, widgets, omitted: omitted.size };
}

function* devicesOf(of: DashboardSource, space: Space): Generator<Id<"device">> {
  if ("devices" in of) yield* of.devices.filter((id) => isThere(space, id));
  else
    for (const [id, placement] of space.devices) if (placement.state !== "retired" && isOf(of, id, placement)) yield id;
}

function isThere(space: Space, id: Id<"device">): boolean {
  const placement = space.device(id);
  return placement !== undefined && placement.state !== "retired";
}
