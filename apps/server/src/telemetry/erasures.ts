import { setImmediate } from "node:timers/promises";
import { because, idFrom, isRefusal, Refusal, type Id, type Report } from "@holdfast/kernel";
import { usersIn } from "../application-users/index.ts";
import { asPlatform, refusedBy, type Permit } from "../authority/index.ts";
import type { Allowed, Keyring, Storage, Unit } from "../storage/index.ts";
import { careIn } from "./care-rows.ts";
import type { Committer } from "./committer.ts";
import type { Devices } from "./devices.ts";
import { faultOf } from "./fault.ts";
import type { Flusher } from "./flusher.ts";
import { periodsIn } from "./period-rows.ts";
import type { Carrier } from "./observer.ts";
import { keyNameOf, Periods } from "./periods.ts";
import type { Segments } from "./segments.ts";

type Needs = {
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly devices: Devices;
  readonly flusher: Flusher;
  readonly committer: Committer;
  readonly segments: Segments;
  /** Who has what was offered to others. None before the broker is there. */
  readonly carrier: () => Carrier | undefined;
  readonly report: Report;
};

type Of = ReadonlyMap<Id<"device">, readonly number[]>;
/** How much was removed. That of the last minutes, which was in the log alone, is not counted. */
export type Erased = { readonly chunks: number; readonly points: number };

/** Chunks that go in one transaction. */
const chunksAtOnce = 4_096;
/** How often the log is looked at until what was erased has left it. */
const mostLooks = 400;

/**
 * Erases what devices measured: all that one did, or while it was somebody's. First it is written down, and from then on nobody is shown any of it; then the
 * keys are destroyed, which no backup of the data brings back; then what no longer opens is removed, and the log hurried on. What a stop leaves
 * undone is done at the next start.
 */
export class Erasures {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** All that a device has measured until now. It goes on measuring, under a new key. */
  async ofDevice(permit: Permit<"device.erase">): Promise<Erased> {
    const { storage } = this.#needs;
    const device = permit.on;
    return this.#erase(permit, await storage.read(permit, (unit) => this.#notErased(unit, device)), (unit) =>
      unit.audit({ what: "device.erased", about: device }),
    );
  }

  /** What devices measured while they were a customer's, whose ever they are now. */
  async ofUser(permit: Permit<"applicationUser.erase">, user: Id<"user">): Promise<Erased> {
    const { storage } = this.#needs;
    const all = await storage.read(permit, async (unit) => {
      const found = await periodsIn(unit).ofUser(user);
      if (await usersIn(unit).find(user, permit.on)) return found;
      // She is not there any more: what is in this application is its own to erase.
      const here = await periodsIn(unit).within([...found.keys()], permit.on);
      return new Map([...found].filter(([device]) => here.has(device)));
    });
    if (all.size === 0) throw refusedBy(permit, "applicationUser.erase", user, new Refusal("user.nothing"));
    return this.#erase(permit, all, (unit) =>
      unit.audit({ what: "user.erased", about: user, facts: { application: permit.on } }),
    );
  }

  /** Within the unit that makes a device somebody's, or nobody's: from now on its readings are sealed under another key. */
  async turn(unit: Unit, device: Id<"device">, user: Id<"user"> | undefined): Promise<void> {
    const periods = await this.#periodsOf(unit, device);
    if (periods.current.user === user) return;
    await this.#begin(unit, device, periods, user);
  }

  /** All names under which an organisation's devices have keys, beside their own ids. */
  async keyNames(allowed: Allowed): Promise<readonly string[]> {
    const rows = await this.#needs.storage.read(allowed, (unit) => periodsIn(unit).all());
    return rows.map(({ device, period }) => keyNameOf(device, period.number));
  }

  /** Of an organisation: which devices are being erased, and what they measured until when, in milliseconds since the epoch. */
  async pending(org: Id<"org">): Promise<ReadonlyMap<Id<"device">, number>> {
    const { storage } = this.#needs;
    return storage.read(asPlatform(await storage.scopeOf(org)), (unit) => periodsIn(unit).erasingUntil());
  }

  /**
   * At a start, and now and then: what was begun and not finished; and, where an older backup of the data was restored, what its keyring knows to
   * have been erased since. Answers how many devices that concerned.
   */
  async finish(): Promise<number> {
    const { storage, report } = this.#needs;
    let count = 0;
    for (const { org: uuid } of await storage.maintain.call<{ org: string }>("orgs_erasing", [])) {
      const org = idFrom("org", uuid);
      try {
        const allowed = asPlatform(await storage.scopeOf(org));
        const left = await storage.read(allowed, (unit) => periodsIn(unit).erasing());
        await this.#finish(allowed, left);
        count += left.size;
      } catch (error) {
        if (isRefusal(error, "org.unknown")) continue;
        const why = error instanceof Refusal ? error.message : faultOf(error);
        report(`What was erased of ${org} is not removed yet: ${why}`, because(error));
      }
    }
    return count;
  }

  /** At a start, before the log is read: what was erased, and is there again because the data or the keyring are older copies of themselves. */
  async again(): Promise<void> {
    const { report } = this.#needs;
    const read = await this.#markAgain();
    if (read > 0) report(`The database had readings of ${read} devices that were erased. They are gone again.`);
    const held = await this.#destroyAgain();
    if (held > 0)
      report(
        `The keyring is an older copy: it had keys again of ${held} devices that were erased. They are destroyed again.`,
        { level: "warning" },
      );
  }

  /** Keys that the data say were destroyed, with those of the segments that the log has not any more. Answers of how many devices. */
  async #destroyAgain(): Promise<number> {
    const { storage, keys, segments } = this.#needs;
    let count = 0;
    for (const { org: uuid } of await storage.directory.call<{ org: string }>("all_orgs", [])) {
      const allowed = asPlatform(await storage.scopeOf(idFrom("org", uuid)));
      const done = await storage.read(allowed, (unit) => periodsIn(unit).erased());
      const names = [...done].flatMap(([device, numbers]) => numbers.map((number) => keyNameOf(device, number)));
      const held = await keys.holding("device", names);
      if (held.length === 0) continue;
      if (count === 0) await segments.destroyLeftKeys("all");
      const back = new Set(held);
      const devices = [...done].filter(([device, numbers]) => numbers.some((one) => back.has(keyNameOf(device, one))));
      await storage.change(allowed, async (unit) => {
        for (const [device, numbers] of done) await periodsIn(unit).notDone(device, numbers);
        for (const [about] of devices)
          unit.audit({ what: "device.erased", about, facts: { because: "an older keyring had its keys again" } });
      });
      await keys.erase("device", held); // last: as long as it is there, the next start does all of this again
      count += devices.length;
    }
    return count;
  }

  /** Devices whose keys were destroyed after the data were backed up: what these have of them does not open, and is removed again. */
  async #markAgain(): Promise<number> {
    const { storage, keys, committer } = this.#needs;
    let count = 0;
    for (const { org: uuid } of await storage.directory.call<{ org: string }>("all_orgs", [])) {
      const allowed = asPlatform(await storage.scopeOf(idFrom("org", uuid)));
      const kept = new Map<string, readonly [Id<"device">, number]>();
      const rows = await storage.read(allowed, async (unit) => {
        for (const device of await periodsIn(unit).devices()) kept.set(device, [device, 0]);
        return periodsIn(unit).all();
      });
      for (const { device, period } of rows) {
        const name = keyNameOf(device, period.number);
        if (period.isErased) kept.delete(name);
        else kept.set(name, [device, period.number]);
      }
      // What comes from now on is of the present period, also where the commits before it were never durable.
      for (const { period } of rows) committer.skip(period.from - 1);
      const found = new Map<Id<"device">, number[]>();
      for (const name of await keys.erased("device", [...kept.keys()])) {
        const [device, number] = kept.get(name) ?? [];
        if (device && number !== undefined) found.set(device, [...(found.get(device) ?? []), number]);
      }
      if (found.size === 0) continue;
      await storage.change(allowed, async (unit) => {
        for (const [device, numbers] of found) {
          await this.#mark(unit, device, numbers);
          unit.audit({
            what: "device.erased",
            about: device,
            facts: { because: "it was when the backup was restored" },
          });
        }
      });
      count += found.size;
    }
    return count;
  }

  async #erase(allowed: Allowed, all: Of, say: (unit: Unit) => void): Promise<Erased> {
    await this.#needs.storage.change(allowed, async (unit) => {
      say(unit);
      for (const [device, numbers] of all) await this.#mark(unit, device, numbers);
    });
    return this.#finish(asPlatform(allowed.scope), all);
  }

  async #notErased(unit: Unit, device: Id<"device">): Promise<Of> {
    const periods = await this.#periodsOf(unit, device);
    return new Map([[device, periods.all.filter(({ isErased }) => !isErased).map(({ number }) => number)]]);
  }

  /** Writes down that they are erased; where one of them is the present one, another begins. */
  async #mark(unit: Unit, device: Id<"device">, numbers: readonly number[]): Promise<void> {
    const periods = await this.#periodsOf(unit, device);
    for (const period of periods.all) if (numbers.includes(period.number)) await periodsIn(unit).add(device, period);
    await periodsIn(unit).erase(device, numbers);
    if (numbers.includes(periods.current.number)) await this.#begin(unit, device, periods, periods.current.user);
    const all = (await periodsIn(unit).of([device])).get(device) ?? [];
    unit.afterCommit(() => this.#needs.devices.setPeriods(device, all));
  }

  /** The key first, so that nothing is ever acknowledged that cannot be sealed. A number whose key was destroyed is not used again. */
  async #begin(unit: Unit, device: Id<"device">, periods: Periods, user: Id<"user"> | undefined): Promise<void> {
    const { keys, committer, devices } = this.#needs;
    let number = periods.current.number + 1;
    while ((await keys.erased("device", [keyNameOf(device, number)])).length > 0) number += 1;
    const name = keyNameOf(device, number);
    if ((await keys.holding("device", [name])).length === 0) await keys.make("device", name);
    for (const period of periods.all.slice(0, 1)) await periodsIn(unit).add(device, period);
    await periodsIn(unit).add(device, { number, from: committer.position + 1, since: unit.at, user });
    const all = (await periodsIn(unit).of([device])).get(device) ?? [];
    unit.afterCommit(() => devices.setPeriods(device, all));
  }

  async #periodsOf(unit: Unit, device: Id<"device">): Promise<Periods> {
    const periods = new Periods();
    periods.set((await periodsIn(unit).of([device])).get(device) ?? []);
    return periods;
  }

  async #finish(allowed: Allowed, all: Of): Promise<Erased> {
    const { storage, keys, devices, flusher } = this.#needs;
    if (all.size === 0) return { chunks: 0, points: 0 };
    await keys.erase(
      "device",
      [...all].flatMap(([device, numbers]) => numbers.map((number) => keyNameOf(device, number))),
    );
    const carrier = this.#needs.carrier();
    await carrier?.erase(allowed.scope.org);
    const erased = { chunks: 0, points: 0 };
    for (const [device, numbers] of all) {
      const state = devices.known(device);
      if (state) await flusher.forgetErased(state);
      await flusher.idle(); // a transaction in hand may write chunks of it still
      // Twice without any: chunks that are being joined at this moment are seen the second time.
      for (let empty = 0; empty < 2;) {
        let some = { chunks: 0, points: 0 };
        await storage.tally(allowed, async (unit) => {
          some = await careIn(unit).removePeriods(device, numbers, chunksAtOnce);
        });
        erased.chunks += some.chunks;
        erased.points += some.points;
        empty = some.chunks > 0 ? 0 : empty + 1;
      }
    }
    // A start does the first half before there is a broker, and is asked again once there is one.
    if (!(await this.#hurry()) || !carrier) return erased;
    await storage.tally(allowed, async (unit) => {
      for (const [device, numbers] of all) await periodsIn(unit).done(device, numbers);
    });
    return erased;
  }

  /** Until what was written to the log by now has left it, with the keys of its segments. False when something keeps it there. */
  async #hurry(): Promise<boolean> {
    const { segments, committer, flusher } = this.#needs;
    const through = segments.lastWritten;
    for (let looks = 0; looks < mostLooks; looks += 1) {
      if (segments.force(through)) return true;
      await segments.prepared();
      committer.turn();
      await committer.drain();
      flusher.round();
      await flusher.idle();
      await setImmediate();
    }
    return false;
  }
}
