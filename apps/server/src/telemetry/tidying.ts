import { setImmediate } from "node:timers/promises";
import { because, idFrom, Refusal, type Clock, type Id, type Random, type Report } from "@holdfast/kernel";
import { asPlatform, eachInTurn } from "../authority/index.ts";
import type { Allowed, Keyring, Storage } from "../storage/index.ts";
import { decodeChunk } from "./chunk.ts";
import { faultOf } from "./fault.ts";
import { careIn } from "./care-rows.ts";
import { mergePoints } from "./merge.ts";
import { monthOf } from "./parts.ts";
import { periodsIn } from "./period-rows.ts";
import { chunksIn, seriesIn } from "./postgres.ts";
import { sealParts } from "./seal-parts.ts";
import { ChunkSeal } from "./sealing.ts";
import { nextToJoin, type Laid } from "./tidy.ts";
import { settlesAfter, untidyIn, worthJoining, type Untidy } from "./untidy-rows.ts";
import { Stint } from "./stint.ts";

/** Months of series in one round, of each organisation; the next round goes on. */
const mostInRound = 64;

type Needs = {
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly random: Random;
  readonly clock: Clock;
  readonly report: Report;
};

/**
 * Joins chunks that lie small and across each other: of what comes late, and of series of which each flush leaves little. What is to be done
 * stands in `untidy`; each group is put in place of what it joins in one transaction, so that a stop at any point leaves all points once.
 */
export class Tidying {
  readonly #needs: Needs;
  #stint = new Stint();
  #isStopping = false;
  readonly statistics = { joined: 0, made: 0 };

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** Answers whether there is more to be done at once. */
  async round(): Promise<boolean> {
    const { storage, clock } = this.#needs;
    const orgs = await storage.maintain.call<{ org: string }>("orgs_untidy", [
      clock.now() - settlesAfter,
      worthJoining,
    ]);
    let isMore = false;
    await eachInTurn(orgs, async ({ org }) => {
      isMore = (await this.#inOrg(idFrom("org", org))) || isMore;
    });
    return isMore && !this.#isStopping;
  }

  stop(): void {
    this.#isStopping = true;
  }

  async #inOrg(org: Id<"org">): Promise<boolean> {
    const { storage } = this.#needs;
    const allowed = asPlatform(await storage.scopeOf(org));
    const due = await storage.read(allowed, (unit) => untidyIn(unit).due(mostInRound));
    let done = 0;
    for (const one of due) {
      if (this.#isStopping) return false;
      // Joining writes before it removes: it is not what a disk without room needs.
      storage.admit();
      try {
        await this.#tidy(allowed, one);
        done += 1;
      } catch (error) {
        if (error instanceof Refusal && !isOfThem(error)) throw error;
        this.#needs.report(
          `Chunks of series ${one.series} are not joined: ${error instanceof Refusal ? error.message : faultOf(error)}`,
          because(error),
        );
        // What does not open stays as it is, for its readers to hear of.
        if (error instanceof Refusal) await storage.tally(allowed, (unit) => untidyIn(unit).done(one));
      }
      await setImmediate();
    }
    return due.length === mostInRound && done > 0;
  }

  async #tidy(allowed: Allowed, one: Untidy): Promise<void> {
    const { storage } = this.#needs;
    const month = monthOf(one.month);
    const [row] = await storage.read(allowed, (unit) => seriesIn(unit).devicesOf([one.series]));
    const tried = new Set<string>();
    for (;;) {
      if (!row) break;
      const laid = await storage.read(allowed, (unit) => careIn(unit).laid(one.series, month));
      const group = nextToJoin(laid, (some) => tried.has(nameOf(some)));
      if (!group || this.#isStopping) break;
      tried.add(nameOf(group));
      const seal = await ChunkSeal.of(this.#needs, allowed.scope.org, row.device, group[0]?.period ?? 0);
      await this.#join(allowed, { series: one.series, device: row.device, seal }, group);
    }
    if (!this.#isStopping) await storage.tally(allowed, (unit) => untidyIn(unit).done(one));
  }

  async #join(
    allowed: Allowed,
    { series, device, seal }: { series: number; device: Id<"device">; seal: ChunkSeal },
    group: readonly Laid[],
  ): Promise<void> {
    const { storage } = this.#needs;
    const sealed = await storage.read(allowed, (unit) => chunksIn(unit).sealed(series, group));
    this.#stint = new Stint();
    const byAge = group
      .map((head, at) => ({ head, data: sealed[at]?.bytes }))
      .sort((a, b) => a.head.position - b.head.position);
    const parts = [];
    for (const { head, data } of byAge) {
      if (!data) return; // gone meanwhile: it is looked at again
      parts.push(decodeChunk(seal.open("points", { ...head, series }, data)));
      if (this.#stint.isLong) await this.#stint.rest();
    }
    const position = Math.max(...group.map((head) => head.position));
    const period = group[0]?.period ?? 0;
    const chunks = await sealParts(mergePoints(parts), { seal, period, series, position }, this.#stint);
    const overlaps = group.some(({ first }, at) => group.slice(0, at).some(({ last }) => last >= first));
    if (chunks.length >= group.length && !overlaps) return; // large texts
    try {
      await storage.tally(allowed, async (unit) => {
        if (!(await careIn(unit).replace(series, group, chunks))) throw new Gone("a chunk is not there any more");
        if (await periodsIn(unit).isErased(device, period)) throw new Gone("the device was erased");
      });
    } catch (error) {
      if (error instanceof Gone) return; // it was erased, or is too old: what is left is looked at again
      throw error;
    }
    this.statistics.joined += group.length;
    this.statistics.made += chunks.length;
  }
}

/** Nothing is kept of a transaction that meets it. */
class Gone extends Error {
  override readonly name = "Gone";
}

/** It lies with these chunks, and is the same another time; else with all that is there, or with an organisation that is erased. */
const isOfThem = ({ code }: Refusal): boolean =>
  code !== "storage.unavailable" && code !== "storage.full" && code !== "keyring.unreachable" && code !== "org.unknown";

const nameOf = (group: readonly Laid[]): string =>
  group.map(({ first, position, count }) => `${first} ${position} ${count}`).join();
