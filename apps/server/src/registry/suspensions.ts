import { isId, type Id, type Instant } from "@holdfast/kernel";
import { asPlatform, authorityIn, type Journal } from "../authority/index.ts";
import type { Storage, Unit } from "../storage/index.ts";
import { suspend, type Device } from "./device.ts";
import { devicesIn } from "./postgres.ts";

const turns = ["suspended", "resumed"] as const;
type Turn = (typeof turns)[number];

/** The last turn that the journal knows of a device, and its place in the deployment's sequence. */
type Known = { readonly turn: Turn; readonly seq: number };

type Needs = { storage: Storage; journal: Journal };

/**
 * That a device is silent is also kept in the keyring's journal: whoever restores an older backup of the database must not make it
 * speak again by that. Each turn has a place in the deployment's one sequence, in the device's row and in the journal, so that it
 * can be told which of the two knows more.
 */
export class Suspensions {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** Within the unit that does it. Answers the place that the device's row has to keep. */
  async note(unit: Unit, device: Id<"device">, turn: Turn): Promise<number> {
    const seq = await authorityIn(unit).nextSeq();
    const entry = { org: unit.scope.org, about: device, ends: [turn], seq, at: unit.at };
    unit.afterCommit(() => this.#needs.journal.revoked([entry], `that ${device} was ${turn}`));
    return seq;
  }

  /**
   * At start: the database learns which devices only the journal knows to be suspended (an older backup was restored), the journal
   * what it missed. Answers how many there were of the first.
   */
  async reconcile(orgs: readonly Id<"org">[], save: (unit: Unit, device: Device) => Promise<void>): Promise<number> {
    const journaled = await this.#journaled();
    let lost = 0;
    for (const org of orgs) lost += await this.#reconcile(org, journaled.get(org) ?? new Map(), save);
    return lost;
  }

  async #reconcile(
    org: Id<"org">,
    journaled: ReadonlyMap<Id<"device">, Known>,
    save: (unit: Unit, device: Device) => Promise<void>,
  ): Promise<number> {
    const { storage, journal } = this.#needs;
    const allowed = asPlatform(await storage.scopeOf(org));
    const silent = [...journaled].filter(([, { turn }]) => turn === "suspended").map(([id]) => id);
    const devices = await storage.read(allowed, (unit) => devicesIn(unit).suspendedOrAmong(silent));
    const isLost = ({ id, state, turn }: Device) => state === "active" && turn < (journaled.get(id)?.seq ?? 0);
    for (const device of devices) {
      const { id, state, turn: seq } = device;
      if (state === "retired" || seq <= (journaled.get(id)?.seq ?? 0)) continue;
      const turn: Turn = state === "suspended" ? "suspended" : "resumed";
      const at = state === "suspended" ? device.since : (0 as Instant); // when it was resumed is not known any more
      await journal.book.append([{ org, about: id, ends: [turn], seq, at }]);
    }
    const lost = devices.filter(isLost);
    if (lost.length === 0) return 0;
    await storage.change(allowed, async (unit) => {
      for (const device of lost) {
        await save(unit, suspend(device, unit.at, journaled.get(device.id)?.seq ?? 0));
        const facts = { because: "it was when the backup was restored" };
        unit.audit({ what: "device.suspended", about: device.id, facts });
      }
    });
    return lost.length;
  }

  async #journaled(): Promise<ReadonlyMap<Id<"org">, ReadonlyMap<Id<"device">, Known>>> {
    const found = new Map<Id<"org">, Map<Id<"device">, Known>>();
    // In the order of their places: the last stays.
    for (const { org, about, ends, seq } of await this.#needs.journal.book.all()) {
      const turn = turns.find((one) => ends.includes(one));
      if (!turn || !isId("device", about)) continue;
      const ofOrg = found.get(org) ?? new Map<Id<"device">, Known>();
      found.set(org, ofOrg.set(about, { turn, seq }));
    }
    return found;
  }
}
