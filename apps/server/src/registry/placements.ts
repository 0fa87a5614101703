import { isId, type Id } from "@holdfast/kernel";
import { asPlatform, authorityIn, type Journal, type Revocation } from "../authority/index.ts";
import type { Ruled, Storage, Unit } from "../storage/index.ts";
import type { Device } from "./device.ts";
import { devicesIn } from "./postgres.ts";

/** What a device can be in, such that what ends there ends for it. */
const kinds = ["application", "product"] as const;

type Needs = { storage: Storage; journal: Journal; revocation: Revocation };

/**
 * Where a device was put last is also kept in the keyring's journal. What ends in an application or for a product has one mark, on the
 * place and not on each device: in an older backup of the database, in which the device is elsewhere, that mark would not reach it.
 */
export class Placements {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** Within the unit that changes it: what had ended where it was stays ended for it, and the keyring is told where it is now. */
  async move<D extends Device>(unit: Unit, before: Device, after: D): Promise<D> {
    const { journal, revocation } = this.#needs;
    const changed = kinds.filter((kind) => after[kind] !== before[kind]);
    if (changed.length === 0) return after;
    for (const kind of changed) {
      const left = before[kind];
      if (left) await revocation.carryOver(unit, after.id, left);
    }
    const placed = await authorityIn(unit).nextSeq();
    const entries = changed.map((kind) => entryOf(unit.scope.org, after, kind, placed));
    unit.afterCommit(() => journal.ruled(entries, `where ${after.id} was put`));
    return { ...after, placed };
  }

  /**
   * At start: a device that had been put elsewhere than where the database has it, because an older backup was restored, gets the marks
   * of that place, and stays where it is. The journal learns what it missed. Answers how many there were of the first.
   */
  async reconcile(orgs: readonly Id<"org">[]): Promise<number> {
    const byOrg = Map.groupBy(await this.#needs.journal.book.rulings(kinds), ({ org }) => org);
    let lost = 0;
    for (const org of orgs) lost += await this.#reconcile(org, byOrg.get(org) ?? []);
    return lost;
  }

  async #reconcile(org: Id<"org">, journaled: readonly Ruled[]): Promise<number> {
    const { storage, journal } = this.#needs;
    const allowed = asPlatform(await storage.scopeOf(org));
    const byDevice = Map.groupBy(journaled, ({ about }) => about);
    const ids = [...byDevice.keys()].filter((about) => isId("device", about));
    const devices = await storage.read(allowed, (unit) => devicesIn(unit).movedOrAmong(ids));
    const lost: Lost[] = [];
    const missed: Ruled[] = [];
    for (const device of devices) {
      for (const kind of kinds) {
        const entry = byDevice.get(device.id)?.find((one) => one.kind === kind);
        if (entry ? entry.says === device[kind] : device.placed === 0) continue;
        if (entry && entry.seq > device.placed) lost.push({ device, kind, place: entry.says });
        else missed.push(entryOf(org, device, kind, device.placed));
      }
    }
    if (missed.length > 0) await journal.book.rule(missed);
    if (lost.length > 0) await journal.book.rule(await storage.change(allowed, (unit) => this.#find(unit, lost)));
    return new Set(lost.map(({ device }) => device.id)).size;
  }

  /** Answers what the journal has to learn: it is where the database has it, so what ends later where it had been put is nothing to it. */
  async #find(unit: Unit, lost: readonly Lost[]): Promise<readonly Ruled[]> {
    const seq = await authorityIn(unit).nextSeq();
    for (const { device, kind, place } of lost) {
      unit.audit({ what: "placement.lost", about: device.id, facts: { [kind]: place ?? null } });
      const carried = place === undefined ? [] : await this.#needs.revocation.carryOver(unit, device.id, place);
      for (const { ends } of carried)
        unit.audit({ what: "revocation.restored", about: device.id, facts: { ends: [ends], from: place } });
    }
    return lost.map(({ device, kind }) => entryOf(unit.scope.org, device, kind, seq));
  }
}

type Kind = (typeof kinds)[number];

/** A device, and the place where it had been put, of which the database knows nothing. */
type Lost = { readonly device: Device; readonly kind: Kind; readonly place: string | undefined };

const entryOf = (org: Id<"org">, device: Device, kind: Kind, seq: number): Ruled => ({
  org,
  about: device.id,
  kind,
  says: device[kind],
  seq,
});
