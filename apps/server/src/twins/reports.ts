import { Refusal, type Id } from "@holdfast/kernel";
import { asPlatform, type Space } from "../authority/index.ts";
import type { Storage, Unit } from "../storage/index.ts";
import type { Document } from "./document.ts";
import type { Twin } from "./twin.ts";

/** Changes of one device that may wait for its turn. */
const mostWaiting = 64;

type Report = {
  readonly space: Space;
  readonly patch: Document;
  readonly done: PromiseWithResolvers<Twin>;
};

type Take = (
  unit: Unit,
  space: Space,
  device: Id<"device">,
  patches: readonly Document[],
) => Promise<readonly (Twin | Refusal)[]>;

/** What a device says of itself, in the order in which it says it: while one transaction is under way the next ones gather. */
export class Reports {
  readonly #storage: Storage;
  readonly #take: Take;
  readonly #waiting = new Map<Id<"device">, Report[]>();

  constructor(storage: Storage, take: Take) {
    this.#storage = storage;
    this.#take = take;
  }

  /** @throws Refusal `rate.exceeded` when too many wait, and whatever becomes of it */
  async add(space: Space, device: Id<"device">, patch: Document): Promise<Twin> {
    const there = this.#waiting.get(device);
    if (there && there.length >= mostWaiting) throw new Refusal("rate.exceeded", { retryAfterSeconds: 1 });
    const report: Report = { space, patch, done: Promise.withResolvers() };
    if (there) there.push(report);
    else {
      this.#waiting.set(device, [report]);
      void this.#run(device);
    }
    return report.done.promise;
  }

  /** Until none of the device waits. Never rejects: who waits hears. */
  async #run(device: Id<"device">): Promise<void> {
    for (;;) {
      const reports = this.#waiting.get(device)?.splice(0) ?? [];
      const [first] = reports;
      if (!first) return void this.#waiting.delete(device);
      // Of a space that was read again meanwhile: it stands for the same organisation.
      const space = reports.at(-1)?.space ?? first.space;
      try {
        const patches = reports.map(({ patch }) => patch);
        let answers: readonly (Twin | Refusal)[] = [];
        await this.#storage.tally(asPlatform(space.scope), async (unit) => {
          answers = await this.#take(unit, space, device, patches);
        });
        for (const [at, { done }] of reports.entries()) {
          const answer = answers[at];
          if (answer instanceof Refusal || answer === undefined) done.reject(answer);
          else done.resolve(answer);
        }
      } catch (error) {
        for (const { done } of reports) done.reject(error);
      }
    }
  }
}
