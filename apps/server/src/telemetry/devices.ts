import { isRefusal, Refusal, type Clock, type Id } from "@holdfast/kernel";
import { asPlatform, type Permit, type Space, type Spaces } from "../authority/index.ts";
import type { Keyring, Storage } from "../storage/index.ts";
import type { Memory } from "./buffer.ts";
import { keyNameOf, type Period } from "./periods.ts";
import { periodsIn } from "./period-rows.ts";
import { seriesIn } from "./postgres.ts";
import { productOf } from "./retention.ts";
import type { Retentions } from "./retentions.ts";
import { withoutKey } from "./sealing.ts";
import { DeviceSeries } from "./series.ts";

/** Devices beyond this many are let go when they are idle. A device with five attributes takes about 3 KB. */
const mostIdle = 20_000;
/** Rounds that a device stays after somebody asked for it, so that nobody's work in hand is let go. */
const stay = 60;

type Needs = {
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly spaces: Spaces;
  readonly memory: Memory;
  readonly retentions: Retentions;
  readonly clock: Clock;
  readonly mostIdle?: number | undefined;
};

type Failures = ReadonlyMap<Id<"device">, Refusal>;

/** What devices measure, as far as somebody asked since the start: read once, and from then on the truth about itself. */
export class Devices {
  readonly #needs: Needs;
  readonly #byId = new Map<Id<"device">, DeviceSeries>();
  readonly #loading = new Map<Id<"device">, Promise<Failures>>();
  #round = 0;
  /** Grows when a device gets another period: what was read before is read again. */
  #turns = 0;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  get count(): number {
    return this.#byId.size;
  }

  /** What is in memory of a device; nothing is awaited. @throws Refusal `device.unknown` when it is another organisation's */
  at(space: Space, device: Id<"device">): DeviceSeries | undefined {
    const state = this.#byId.get(device);
    if (!state) return undefined;
    state.touched = this.#round;
    return own(state, space);
  }

  /** The same, read from the database when it has to be. @throws Refusal `device.unknown`, `seal.broken` */
  async prepare(space: Space, device: Id<"device">): Promise<DeviceSeries> {
    const there = this.at(space, device);
    if (there) return there;
    const failure = (await this.prepareAll(space, [device])).get(device);
    if (failure) throw failure;
    const state = this.at(space, device);
    if (!state) throw new Error("a device that was read is in memory");
    return state;
  }

  /** The same for many, with one query for all that are not in memory. Answers those that cannot be had, each with the reason. */
  async prepareAll(space: Space, devices: readonly Id<"device">[]): Promise<Failures> {
    const now = space.closed ? await this.#needs.spaces.of(space.org) : space;
    const failures = new Map<Id<"device">, Refusal>();
    const fresh: Id<"device">[] = [];
    const loads = new Set<Promise<Failures>>();
    for (const device of devices) {
      const loading = this.#loading.get(device);
      if (!now.device(device)) failures.set(device, new Refusal("device.unknown"));
      else if (loading) loads.add(loading);
      else if (!this.at(now, device)) fresh.push(device);
    }
    if (fresh.length > 0) {
      const load = this.#load(now, fresh).finally(() => fresh.forEach((device) => this.#loading.delete(device)));
      for (const device of fresh) this.#loading.set(device, load);
      loads.add(load);
    }
    const asked = new Set(devices);
    for (const load of loads)
      for (const [device, failure] of await load) if (asked.has(device)) failures.set(device, failure);
    return failures;
  }

  /**
   * All of these, of one organisation, but for what was erased.
   * @throws Refusal `seal.broken`, `keyring.incomplete`
   */
  async prepareMany(permits: readonly Permit<"telemetry.read">[]): Promise<ReadonlyMap<Id<"device">, DeviceSeries>> {
    const found = new Map<Id<"device">, DeviceSeries>();
    const [first] = permits;
    if (!first) return found;
    const space = await this.#needs.spaces.of(first.scope.org);
    const failures = await this.prepareAll(
      space,
      permits.map(({ on }) => on),
    );
    for (const { on } of permits) {
      const failure = failures.get(on);
      const isGone = failure?.code === "device.erased" || failure?.code === "device.unknown";
      if (failure && !isGone) throw failure;
      const series = failure ? undefined : this.at(space, on);
      if (series) found.set(on, series);
    }
    return found;
  }

  /** Once a second or so: lets go of devices that nobody asked for in a while, when there are too many. */
  round(): void {
    this.#round += 1;
    const most = this.#needs.mostIdle ?? mostIdle;
    if (this.#byId.size <= most) return;
    for (const [device, state] of this.#byId) {
      if (state.touched < this.#round - stay && state.isIdle) this.#byId.delete(device);
      if (this.#byId.size <= most) return;
    }
  }

  /** What is in memory of it, for the platform's own work. */
  known(device: Id<"device">): DeviceSeries | undefined {
    return this.#byId.get(device);
  }

  /** After the commit that says so. What is being read at this moment is read again. */
  setPeriods(device: Id<"device">, periods: readonly Period[]): void {
    this.#turns += 1;
    this.#byId.get(device)?.setPeriods(periods);
  }

  forget(org: Id<"org">): void {
    this.#needs.retentions.forget(org);
    for (const [device, { scope }] of this.#byId) if (scope.org === org) this.#byId.delete(device);
  }

  async #load(space: Space, devices: readonly Id<"device">[]): Promise<Failures> {
    const { storage, memory, spaces, retentions, clock } = this.#needs;
    const kept = await retentions.of(space.scope);
    const turns = this.#turns;
    const states = new Map(devices.map((device) => [device, new DeviceSeries(space.scope, device, memory)]));
    const loaded = await storage.read(asPlatform(space.scope), async (unit) => {
      for (const [device, all] of await periodsIn(unit).of(devices)) states.get(device)?.setPeriods(all);
      return seriesIn(unit).load(states);
    });
    const failures = new Map([...loaded, ...(await this.#withoutKeys([...states.values()]))]);
    if (turns !== this.#turns) return this.#load(space, devices);
    for (const [device, state] of states) {
      if (failures.has(device)) continue;
      state.touched = this.#round;
      // As it is placed when somebody asks: it may have been given another product since.
      state.keptFrom = (name) => kept.from(productOf(spaces.at(space.org) ?? space, device), name, clock.now());
      this.#byId.set(device, state);
    }
    return failures;
  }

  /** Nothing is acknowledged of a device whose readings could never be sealed. While the keyring is away, the log takes them. */
  async #withoutKeys(states: readonly DeviceSeries[]): Promise<Failures> {
    const { keys } = this.#needs;
    const nameOf = ({ device, periods }: DeviceSeries) => keyNameOf(device, periods.current.number);
    try {
      const held = new Set(await keys.holding("device", states.map(nameOf)));
      const without = states.filter((state) => !held.has(nameOf(state)));
      const reasons = await Promise.all(
        without.map(({ device, periods }) => withoutKey(keys, device, periods.current.number)),
      );
      return new Map(without.map(({ device }, at) => [device, reasons[at] ?? new Refusal("keyring.incomplete")]));
    } catch (error) {
      if (isRefusal(error, "keyring.unreachable")) return new Map();
      throw error;
    }
  }
}

/** What was loaded in one organisation is never the answer to another, whatever brought the question here. */
function own(state: DeviceSeries, space: Space): DeviceSeries {
  if (state.scope.org !== space.org) throw new Refusal("device.unknown");
  return state;
}
