import { setImmediate } from "node:timers/promises";
import {
  because,
  idFrom,
  isRefusal,
  Refusal,
  uuidOf,
  type Clock,
  type Id,
  type Random,
  type Report,
} from "@holdfast/kernel";
import { asPlatform } from "../authority/index.ts";
import type { Allowed, Storage } from "../storage/index.ts";
import { unreachable } from "./cold.ts";
import { coldIn, type Candidate } from "./cold-rows.ts";
import { faultOf } from "./fault.ts";
import type { ObjectStore } from "./folder-store.ts";
import { jobsIn, type Job } from "./job-rows.ts";
import { monthNamed, monthOf, type Month } from "./parts.ts";

/** Milliseconds between two passes over an organisation: each makes an object at least, where there is anything. */
const every = 86_400_000;
/** Bytes of one object, and chunks in it. */
const mostBytes = 8 * 1024 * 1024;
const mostChunks = 4_096;
const job: Job = "cold";

type Needs = {
  readonly storage: Storage;
  readonly store: ObjectStore;
  /** Whose data these are: several platforms may share a store. */
  readonly instance: string;
  /** Milliseconds after the last of its readings from which on a chunk is moved. */
  readonly after: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly report: Report;
};

/** Nothing is kept of a transaction that meets it. */
class Gone extends Error {
  override readonly name = "Gone";
}

/**
 * Moves chunks that are old to the object store, sealed as they are, many in one object. An object is written down before its first byte is written, read back
 * whole, and only then pointed to, in one transaction in which the rows give their bytes up. So whatever a stop leaves is either not pointed to, and removed,
 * or done.
 */
export class ColdMove {
  readonly #needs: Needs;
  #isStopping = false;
  #isSwept = false;
  /** Once, until it works again. */
  #isTold = false;
  readonly statistics = { objects: 0, chunks: 0, bytes: 0, removed: 0 };

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  async round(): Promise<void> {
    try {
      const months = await this.#months();
      await this.#removeLeft(months);
      for (const { org: uuid } of await this.#needs.storage.directory.call<{ org: string }>("all_orgs", [])) {
        if (this.#isStopping) return;
        await this.#pass(idFrom("org", uuid), months);
      }
      this.#isTold = false;
    } catch (error) {
      if (this.#isTold || this.#isStopping) return;
      this.#isTold = true;
      const why = error instanceof Refusal ? error.message : faultOf(error);
      this.#needs.report(`Old readings stay in the database: ${why}`, { ...because(error), level: "warning" });
    }
  }

  /** What is old stays in the database for now. */
  get isHeldUp(): boolean {
    return this.#isTold;
  }

  stop(): void {
    this.#isStopping = true;
  }

  async #months(): Promise<readonly Month[]> {
    const rows = await this.#needs.storage.maintain.call<{ name: string }>("chunk_months", []);
    return rows.map(({ name }) => monthNamed(name));
  }

  async #pass(org: Id<"org">, months: readonly Month[]): Promise<void> {
    const { storage, clock, after } = this.#needs;
    const allowed = await this.#allowed(org);
    if (!allowed) return;
    const now = clock.now();
    const at = await storage.read(allowed, (unit) => jobsIn(unit).find(job));
    if (at?.done !== undefined && now - at.done < every) return;
    const before = now - after;
    const mark = await storage.read(allowed, (unit) => coldIn(unit).mark());
    for (const month of months.filter(({ first, past }) => past > mark && first < before)) {
      for (let behind: Candidate | undefined; !this.#isStopping;) {
        const asked = { before, behind, most: mostChunks };
        const found = await storage.read(allowed, (unit) => coldIn(unit).candidates(month, asked));
        const some = fitting(found);
        if (some.length > 0) await this.#move(allowed, month, some);
        behind = some.at(-1);
        if (!behind || (found.length < mostChunks && some.length === found.length)) break;
        await setImmediate();
      }
    }
    if (this.#isStopping) return;
    await storage.tally(allowed, async (unit) => {
      await coldIn(unit).setMark(monthOf(before).first);
      await jobsIn(unit).done(job, now);
    });
  }

  async #move(allowed: Allowed, month: Month, candidates: readonly Candidate[]): Promise<void> {
    const { storage, store, instance, random } = this.#needs;
    const found = await storage.read(allowed, (unit) => coldIn(unit).bytesOf(candidates));
    const all = candidates.filter((_, index) => found[index] !== undefined);
    const bytes = Buffer.concat(found.filter((one) => one !== undefined));
    if (all.length === 0) return;
    const tag = random.bytes(6).toHex();
    const nameOf = (id: number) => `${instance}/${uuidOf(allowed.scope.org)}/${id}-${tag}`;
    const object = await storage.note(allowed, (unit) => coldIn(unit).begin(nameOf, month.first, bytes.length));
    try {
      await store.write(object.name, bytes);
      const back = await store.read(object.name, 0, bytes.length);
      if (!back || Buffer.compare(back, bytes) !== 0) throw new Error("the object store gives back other bytes");
    } catch (cause) {
      throw unreachable(cause);
    }
    try {
      await storage.tally(allowed, async (unit) => {
        if (!(await coldIn(unit).point(object.id, all))) throw new Gone("a chunk is another by now");
      });
    } catch (error) {
      if (!(error instanceof Gone)) throw error;
      return; // it is written down as unfinished, and removed with the next round; the chunks have their turn again
    }
    this.statistics.objects += 1;
    this.statistics.chunks += all.length;
    this.statistics.bytes += bytes.length;
  }

  /** Objects that nothing points to: first the object, then what is known of it. */
  async #removeLeft(months: readonly Month[]): Promise<void> {
    const { storage, store } = this.#needs;
    const there = months.map(({ first }) => first);
    for (const { org: uuid } of await storage.directory.call<{ org: string }>("all_orgs", [])) {
      const allowed = await this.#allowed(idFrom("org", uuid));
      if (allowed) await storage.tally(allowed, (unit) => coldIn(unit).forgetMonths(there));
    }
    for (const { org: uuid } of await storage.maintain.call<{ org: string }>("orgs_with_left_objects", [])) {
      const allowed = await this.#allowed(idFrom("org", uuid));
      if (!allowed) continue;
      for (const { id, name } of await storage.read(allowed, (unit) => coldIn(unit).left())) {
        if (this.#isStopping) return;
        let isGone = false;
        await storage.tally(allowed, async (unit) => void (isGone = await coldIn(unit).giveUp(id)));
        if (!isGone) continue;
        await removed(store, name);
        await storage.tally(allowed, (unit) => coldIn(unit).remove(id));
        this.statistics.removed += 1;
      }
    }
    await this.#sweep();
  }

  /** Once after a start: objects that no row knows, of an organisation that was erased, or of data that are not these any more. */
  async #sweep(): Promise<void> {
    const { storage, store, instance } = this.#needs;
    if (this.#isSwept) return;
    const rows = await storage.maintain.call<{ name: string }>("cold_object_names", []);
    const known = new Set(rows.map(({ name }) => name));
    try {
      for await (const name of store.names(`${instance}/`)) {
        if (known.has(name)) continue;
        await store.remove(name);
        this.statistics.removed += 1;
      }
    } catch (cause) {
      throw unreachable(cause);
    }
    this.#isSwept = true;
  }

  async #allowed(org: Id<"org">): Promise<Allowed | undefined> {
    try {
      return asPlatform(await this.#needs.storage.scopeOf(org));
    } catch (error) {
      if (isRefusal(error, "org.unknown")) return undefined; // it is being erased
      throw error;
    }
  }
}

async function removed(store: ObjectStore, name: string): Promise<void> {
  try {
    await store.remove(name);
  } catch (cause) {
    throw unreachable(cause);
  }
}

/** As many as one object takes. */
function fitting(all: readonly Candidate[]): readonly Candidate[] {
  let bytes = 0;
  const past = all.findIndex((one, at) => (bytes += one.bytes) > mostBytes && at > 0);
  return past < 0 ? all : all.slice(0, past);
}
