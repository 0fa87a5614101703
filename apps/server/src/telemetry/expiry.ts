import { setImmediate } from "node:timers/promises";
import { because, idFrom, isRefusal, Refusal, uuidOf, type Clock, type Id, type Report } from "@holdfast/kernel";
import { asPlatform, type Spaces } from "../authority/index.ts";
import type { Allowed, Storage, Unit } from "../storage/index.ts";
import { careIn } from "./care-rows.ts";
import { faultOf } from "./fault.ts";
import { jobsIn, type Job } from "./job-rows.ts";
import { monthNamed, type Month } from "./parts.ts";
import { oldestOf, seriesOf } from "./retention.ts";
import type { Retentions } from "./retentions.ts";

/** Milliseconds between two passes over an organisation. */
const every = 3_600_000;
/** Series whose chunks are looked at in one transaction, and chunks that go in one. */
const seriesAtOnce = 64;
const chunksAtOnce = 4_096;
const job: Job = "retention";
/** Nothing comes as late as this: a month without chunks is not wanted again. */
const longEmpty = 400 * 86_400_000;

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly retentions: Retentions;
  readonly clock: Clock;
  readonly report: Report;
  /** A month of chunks is not there any more: whoever took it for made is to look again. */
  readonly monthGone: () => void;
};

/**
 * Removes what is older than is kept. A month of which nobody keeps anything goes as a whole; of the others an organisation's part, or chunks of
 * series, each once all of it is too old. How far a pass over an organisation got stands beside it: after a stop it goes on there.
 */
export class Expiry {
  readonly #needs: Needs;
  #isStopping = false;
  readonly statistics = { months: 0, chunks: 0 };

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  async round(): Promise<void> {
    const { storage, report } = this.#needs;
    const months = await this.#months();
    const oldest = await this.#oldest();
    await this.#dropMonths(months, oldest);
    for (const [org, before] of oldest) {
      if (this.#isStopping) return;
      try {
        await this.#pass(asPlatform(await storage.scopeOf(org)), org, months, before);
      } catch (error) {
        if (isRefusal(error, "org.unknown")) continue; // it was erased meanwhile
        report(
          `What ${org} does not keep any more is not removed: ${error instanceof Refusal ? error.message : faultOf(error)}`,
          because(error),
        );
      }
    }
  }

  stop(): void {
    this.#isStopping = true;
  }

  async #months(): Promise<readonly Month[]> {
    const rows = await this.#needs.storage.maintain.call<{ name: string }>("chunk_months", []);
    return rows.map(({ name }) => monthNamed(name));
  }

  /** Of each organisation that does not keep everything, before when it keeps nothing. */
  async #oldest(): Promise<ReadonlyMap<Id<"org">, number>> {
    const { storage, retentions, clock } = this.#needs;
    const found = new Map<Id<"org">, number>();
    for (const { org: uuid } of await storage.directory.call<{ org: string }>("all_orgs", [])) {
      const org = idFrom("org", uuid);
      try {
        const kept = await retentions.of(await storage.scopeOf(org));
        if (!kept.isEverything) found.set(org, kept.oldest(clock.now()));
      } catch (error) {
        if (!isRefusal(error, "org.unknown")) throw error;
        // It is being erased.
      }
    }
    return found;
  }

  async #pass(allowed: Allowed, org: Id<"org">, months: readonly Month[], oldest: number): Promise<void> {
    const { storage, spaces, retentions, clock } = this.#needs;
    const now = clock.now();
    const at = await storage.read(allowed, (unit) => jobsIn(unit).find(job));
    if (at?.began === undefined && at?.done !== undefined && now - at.done < every) return;
    const kept = await retentions.of(allowed.scope);
    const space = await spaces.of(org);
    const gone = { chunks: 0, points: 0 };
    const remove = async (work: (unit: Unit) => Promise<{ chunks: number; points: number }>) => {
      for (let isMore = true; isMore && !this.#isStopping;) {
        let some = { chunks: 0, points: 0 };
        await storage.tally(allowed, async (unit) => void (some = await work(unit)));
        isMore = some.chunks === chunksAtOnce;
        gone.chunks += some.chunks;
        gone.points += some.points;
        await setImmediate();
      }
    };
    // Months that others keep: the whole of an organisation's part.
    for (const month of months)
      if (month.past <= oldest && at?.began === undefined)
        await remove((unit) => careIn(unit).removeMonth(month, chunksAtOnce));
    for await (const some of seriesOf(storage, allowed, at?.began === undefined ? 0 : at.reached, seriesAtOnce)) {
      for (const one of some) {
        if (this.#isStopping) return;
        const before = oldestOf(kept, space, one, now);
        if (before > -Infinity) await remove((unit) => careIn(unit).removeBefore(one.id, before, chunksAtOnce));
      }
      await storage.tally(allowed, (unit) => jobsIn(unit).reach(job, at?.began ?? now, some.at(-1)?.id ?? 0));
    }
    if (this.#isStopping) return;
    this.statistics.chunks += gone.chunks;
    if (gone.chunks > 0)
      await storage.change(allowed, async (unit) => {
        unit.audit({ what: "retention.applied", about: org, facts: gone });
        await jobsIn(unit).done(job, now);
      });
    else await storage.tally(allowed, (unit) => jobsIn(unit).done(job, now));
  }

  /** Those in which nobody has anything that is kept: an organisation that keeps everything has, if it has anything in it. */
  async #dropMonths(months: readonly Month[], oldest: ReadonlyMap<Id<"org">, number>): Promise<void> {
    const { storage, clock, monthGone } = this.#needs;
    for (const month of months) {
      if (this.#isStopping) return;
      const isExpired = (org: Id<"org">) => month.past <= (oldest.get(org) ?? -Infinity);
      const isPast = month.past < clock.now() - longEmpty;
      if (!isPast && ![...oldest.keys()].some(isExpired)) continue;
      const rows = await storage.maintain.call<{ org: string }>("orgs_in_month", [month.first, month.past]);
      const orgs = rows.map(({ org }) => idFrom("org", org));
      if (orgs.length === 0 ? !isPast : !orgs.every(isExpired)) continue;
      const { name, first, past } = month;
      const [dropped] = await storage.maintain.call<{ done: boolean }>("drop_month", [
        name,
        first,
        past,
        orgs.map(uuidOf),
      ]);
      monthGone();
      if (!dropped?.done) continue;
      this.statistics.months += 1;
      for (const org of orgs)
        await storage.change(asPlatform(await storage.scopeOf(org)), async (unit) =>
          unit.audit({ what: "retention.applied", about: org, facts: { month: name.replace("_", "-") } }),
        );
    }
  }
}
