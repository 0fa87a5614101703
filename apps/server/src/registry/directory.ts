import type { Id } from "@holdfast/kernel";
import type { DeviceFinding } from "@holdfast/protocol";
import type { Presence } from "../messages/index.ts";
import type { Device } from "./device.ts";
import { isSo, matches, sortKey, textOf, type DeviceFilter, type DeviceOrder, type Bookmark } from "./device-filter.ts";

/** What is looked for, by whom. */
export type Search = {
  readonly filter: DeviceFilter;
  readonly order: DeviceOrder;
  /** Whether the caller may read it. */
  readonly isWithin: (device: Device) => boolean;
  readonly presenceOf: (device: Id<"device">) => Presence;
  /** Asked where a finding is looked for. */
  readonly findingsOf: (device: Id<"device">) => readonly DeviceFinding[];
  readonly after: Bookmark | undefined;
  readonly limit: number;
};

/** A page of devices, of how many; `last` is where the next one begins. */
export type Found = { readonly items: readonly Device[]; readonly total: number; readonly last: Bookmark | undefined };

type Entry = { device: Device; text: string; key: string };
type Placed = { readonly entry: Entry; readonly by: number | string };

/** An organisation's devices by what is sealed in the database. Names are in here as they are, and leave with it. */
export class Directory {
  readonly #entries = new Map<Id<"device">, Entry>();
  /** Sorted by name and by age. What comes later is put at the end, and the next search that needs the order sorts again. */
  readonly #sorted = { name: newOrder((entry) => entry.key), createdAt: newOrder(({ device }) => device.createdAt) };

  get size(): number {
    return this.#entries.size;
  }

  /** A device that was read, made or changed. What is told twice, or after something newer, changes nothing. */
  put(device: Device): void {
    const there = this.#entries.get(device.id);
    if (there && there.device.version >= device.version) return;
    const next = { device, text: textOf(device), key: sortKey(device.name) };
    if (there) {
      if (there.key !== next.key) this.#sorted.name.isSorted = false;
      Object.assign(there, next);
      return;
    }
    this.#entries.set(device.id, next);
    for (const order of Object.values(this.#sorted)) {
      order.entries.push(next);
      order.isSorted = false;
    }
  }

  search({ filter, order, isWithin, presenceOf, findingsOf, after, limit }: Search): Found {
    const wanted = ({ device, text }: Entry) =>
      matches(filter, device) &&
      filter.words.every((word) => text.includes(word)) &&
      (filter.presence === undefined || isSo(filter.presence, device, presenceOf(device.id))) &&
      isWithin(device) &&
      (filter.finding === undefined || findingsOf(device.id).includes(filter.finding));
    const found = this.#inOrder(order, wanted, presenceOf);
    const isDescending = order.startsWith("-");
    if (isDescending) found.reverse();
    const isBeyond = (placed: Placed) =>
      after ? compare(placed, after.by, after.id) * (isDescending ? -1 : 1) > 0 : true;
    const first = found.findIndex(isBeyond);
    const page = first < 0 ? [] : found.slice(first, first + limit);
    const last = first < 0 || first + limit >= found.length ? undefined : page.at(-1);
    return {
      items: page.map(({ entry }) => entry.device),
      total: found.length,
      last: last && { by: last.by, id: last.entry.device.id },
    };
  }

  /** Ascending. When devices were seen changes all the time, so that order is made for each search. */
  #inOrder(order: DeviceOrder, wanted: (entry: Entry) => boolean, presenceOf: Search["presenceOf"]): Placed[] {
    switch (order) {
      case "name":
      case "-name":
        return placed(sorted(this.#sorted.name).filter(wanted), this.#sorted.name.by);
      case "createdAt":
      case "-createdAt":
        return placed(sorted(this.#sorted.createdAt).filter(wanted), this.#sorted.createdAt.by);
      case "lastSeenAt":
      case "-lastSeenAt": {
        const by = ({ device }: Entry) => presenceOf(device.id).lastSeenAt ?? 0;
        const found = placed([...this.#entries.values()].filter(wanted), by);
        return found.sort((a, b) => compare(a, b.by, b.entry.device.id));
      }
    }
  }
}

type Sorted = { readonly entries: Entry[]; readonly by: (entry: Entry) => number | string; isSorted: boolean };

const newOrder = (by: Sorted["by"]): Sorted => ({ entries: [], by, isSorted: true });

function sorted(order: Sorted): readonly Entry[] {
  const { entries, by } = order;
  // Almost sorted already, which costs little more than looking.
  if (!order.isSorted) entries.sort((a, b) => compare({ entry: a, by: by(a) }, by(b), b.device.id));
  order.isSorted = true;
  return entries;
}

const placed = (entries: readonly Entry[], by: Sorted["by"]): Placed[] =>
  entries.map((entry) => ({ entry, by: by(entry) }));

/** Below zero when it stands before that place. Of what is alike the id decides, so that no two places are the same. */
function compare({ entry, by }: Placed, otherBy: number | string, otherId: Id<"device">): number {
  if (by !== otherBy) return by < otherBy ? -1 : 1;
  const { id } = entry.device;
  return id === otherId ? 0 : id < otherId ? -1 : 1;
}
