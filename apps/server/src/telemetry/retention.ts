import { isRefusal, type Clock, type Id } from "@holdfast/kernel";
import { asPlatform, type Permit, type Space, type Spaces } from "../authority/index.ts";
import type { Allowed, Storage } from "../storage/index.ts";
import type { Kept, Rule } from "./kept.ts";
import { careIn } from "./care-rows.ts";
import { seriesIn, type Known } from "./postgres.ts";
import { retentionIn } from "./retention-rows.ts";
import type { Retentions } from "./retentions.ts";

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly retentions: Retentions;
  readonly clock: Clock;
};

/** What would go, of what is there. */
export type Going = { readonly points: number; readonly bytes: number; readonly straddling: number };

/** Series that are looked at with one query. */
const atOnce = 500;

/** How long readings are kept: said by an organisation and by its products. */
export class Retention {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  async ofOrg(permit: Permit<"org.read">): Promise<{ keep: Kept["own"] }> {
    return { keep: (await this.#needs.retentions.of(permit.scope)).own };
  }

  async ofProduct(permit: Permit<"product.read">): Promise<Rule> {
    return (await this.#needs.retentions.of(permit.scope)).products.get(permit.on) ?? {};
  }

  /** It holds at once for whoever reads; what is too old goes with the next round. */
  async set(permit: Permit<"org.update"> | Permit<"product.update">, rule: Rule): Promise<void> {
    const { storage, retentions } = this.#needs;
    const { scope, on } = permit;
    const kept = await retentions.of(scope);
    try {
      await storage.change(permit, async (unit) => {
        await retentionIn(unit).put(on, rule);
        unit.audit({ what: "retention.set", about: on, facts: { rule: JSON.stringify(rule) } });
        unit.afterCommit(() => kept.set(on, rule));
      });
    } catch (error) {
      if (isRefusal(error, "storage.unavailable")) retentions.doubt(scope);
      throw error;
    }
  }

  /** What would go by this rule, beside what is too old by those that there are. */
  async preview(permit: Permit<"org.update"> | Permit<"product.update">, rule: Rule): Promise<Going> {
    const { storage, spaces, retentions, clock } = this.#needs;
    const { scope, on } = permit;
    const space = await spaces.of(scope.org);
    const kept = await retentions.of(scope);
    const then = kept.supposing(on, rule);
    const now = clock.now();
    const sum = { points: 0, bytes: 0, straddling: 0 };
    for await (const some of seriesOf(storage, asPlatform(scope))) {
      const ranges = some
        .map((one) => ({
          series: one.id,
          since: oldestOf(kept, space, one, now),
          until: oldestOf(then, space, one, now),
        }))
        .filter(({ since, until }) => until > since);
      if (ranges.length === 0) continue;
      const going = await storage.read(asPlatform(scope), (unit) => careIn(unit).measure(ranges));
      sum.points += going.points;
      sum.bytes += going.bytes;
      sum.straddling += going.straddling;
    }
    return sum;
  }
}

/** All of an organisation, part by part, by their numbers. */
export async function* seriesOf(
  storage: Storage,
  allowed: Allowed,
  after = 0,
  most = atOnce,
): AsyncGenerator<readonly Known[]> {
  for (let reached = after; ;) {
    const some = await storage.read(allowed, (unit) => seriesIn(unit).from(reached, most));
    if (some.length > 0) yield some;
    const last = some.at(-1);
    if (!last || some.length < most) return;
    reached = last.id;
  }
}

/** The time of the oldest reading of a series that is kept. */
export const oldestOf = (
  kept: Kept,
  space: Space,
  { device, name }: Pick<Known, "device" | "name">,
  now: number,
): number => kept.from(productOf(space, device), name, now);

export const productOf = (space: Space, device: Id<"device">): Id<"product"> | undefined =>
  space.device(device)?.product;
