import type { presenceFilters } from "@holdfast/protocol";
import { withinReach, type Reach, type Spaces } from "../authority/index.ts";
import type { Storage } from "../storage/index.ts";
import { openCursor, sealCursor, type Listing } from "./cursor.ts";
import { isPresent, type Bookmark } from "./device-filter.ts";
import type { Device } from "./device.ts";
import type { Directories } from "./directories.ts";
import type { Found } from "./directory.ts";
import { devicesIn, placementOf } from "./postgres.ts";
import type { Postures } from "./postures.ts";
import type { Presences } from "./presence.ts";

type Needs = { storage: Storage; spaces: Spaces; directories: Directories; presences: Presences; postures: Postures };

export type DevicePage = {
  readonly items: readonly Device[];
  readonly total: number;
  readonly nextCursor: string | undefined;
};

export type DeviceCounts = Readonly<
  Record<"total" | "active" | "suspended" | "retired" | (typeof presenceFilters)[number], number>
>;

const noTrouble = { silent: 0, notReceiving: 0, flapping: 0 };

/** Devices as people look for them: filtered, sorted, counted. Only what the caller may read is seen, and counted. */
export class DeviceList {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** @throws Refusal `cursor.malformed`, `list.tooLong` */
  async page(
    reach: Reach<"device.read">,
    asked: Listing & { readonly limit: number; readonly cursor: string | undefined },
  ): Promise<DevicePage> {
    const { scope } = reach;
    const after = asked.cursor === undefined ? undefined : openCursor(scope, asked, asked.cursor);
    const { items, total, last } = isByAge(asked)
      ? await this.#byAge(reach, asked, after)
      : await this.#search(reach, asked, after);
    return { items, total, nextCursor: last && sealCursor(scope, asked, last) };
  }

  async count(reach: Reach<"device.read">): Promise<DeviceCounts> {
    const space = await this.#needs.spaces.of(reach.scope.org);
    const presenceOf = await this.#needs.presences.in(space);
    const isWithin = withinReach(reach);
    const counts = { total: 0, online: 0, offline: 0, active: 0, suspended: 0, retired: 0, ...noTrouble };
    for (const [id, placement] of space.devices) {
      if (!isWithin(id, placement)) continue;
      counts.total += 1;
      counts[placement.state] += 1;
      const presence = presenceOf(id);
      const present = isPresent(placement, presence);
      if (!present) continue;
      counts[present] += 1;
      if (presence.trouble) counts[presence.trouble.state] += 1;
    }
    return counts;
  }

  /** What the database can answer itself, however many there are. */
  async #byAge(
    reach: Reach<"device.read">,
    asked: Listing & { limit: number },
    after: Bookmark | undefined,
  ): Promise<Found> {
    const { filter, order, limit } = asked;
    return this.#needs.storage.read(reach, async (unit) => {
      const devices = devicesIn(unit);
      const rows = await devices.list(reach, filter, { after, most: limit + 1, newestFirst: order === "-createdAt" });
      const items = rows.slice(0, limit);
      const last = rows.length > limit ? items.at(-1) : undefined;
      const total = await devices.count(reach, filter);
      return { items, total, last: last && { by: last.createdAt, id: last.id } };
    });
  }

  /** What only those can answer who read the names, or know who is connected. */
  async #search(
    reach: Reach<"device.read">,
    asked: Listing & { limit: number },
    after: Bookmark | undefined,
  ): Promise<Found> {
    const { spaces, directories, presences, postures } = this.#needs;
    for (;;) {
      const space = await spaces.of(reach.scope.org);
      const directory = await directories.of(space);
      const presenceOf = await presences.in(space);
      const look = asked.filter.finding === undefined ? undefined : await postures.in(space);
      if (space.closed) continue; // nobody told this directory of what was committed since
      const within = withinReach(reach);
      const isWithin = (device: Device) => within(device.id, placementOf(device));
      return directory.search({ ...asked, isWithin, presenceOf, findingsOf: (id) => look?.(id).findings ?? [], after });
    }
  }
}

const isByAge = ({ filter, order }: Listing): boolean =>
  (order === "createdAt" || order === "-createdAt") &&
  filter.words.length === 0 &&
  filter.presence === undefined &&
  filter.finding === undefined &&
  filter.gateway === undefined;
