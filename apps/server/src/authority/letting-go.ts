import { idFrom, type Clock, type Id, type Instant } from "@holdfast/kernel";
import type { Storage } from "../storage/index.ts";
import type { Journal } from "./journal.ts";
import { authorityIn } from "./postgres.ts";
import { rulingsIn } from "./ruling-rows.ts";
import { asPlatform, type Spaces } from "./spaces.ts";

type Needs = { readonly storage: Storage; readonly spaces: Spaces; readonly journal: Journal; readonly clock: Clock };

const atOnce = 1_000;

/**
 * What was ended before its time, such as a session by a sign-out, has to be remembered until that time. Then nobody needs the mark: not in
 * memory, not in the database, not in the keyring's journal. The journal keeps by which time it let go of anything, and no start goes
 * by an earlier one: a clock that is set back, or an older backup of the database, revives nothing. So it is with certificates that
 * ended early: once they would be over, no revocation list has them.
 */
export class LettingGo {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** Called now and then. */
  async round(): Promise<void> {
    const { storage, journal, clock } = this.#needs;
    if (journal.isBehind) return; // what it did not take yet would come after this, and stay
    const [mark] = await storage.maintain.call<{ at: string }>("raise_high_water", [clock.now()]);
    const by = Number(mark?.at ?? 0) as Instant; // a bigint column of ours
    for (const { org } of await storage.maintain.call<{ org: string }>("orgs_with_past", [by]))
      await this.#in(idFrom("org", org), by);
    await storage.maintain.call("forget_ended_certificates", [by]);
  }

  async #in(org: Id<"org">, by: Instant): Promise<void> {
    const { storage, spaces, journal } = this.#needs;
    const allowed = asPlatform(await storage.scopeOf(org));
    for (;;) {
      const { marks, rulings } = await storage.read(allowed, async (unit) => ({
        marks: await authorityIn(unit).pastRevocations(by, atOnce),
        rulings: await rulingsIn(unit).past(by, atOnce),
      }));
      if (marks.length + rulings.length === 0) return;
      const revocations = marks.map(({ about, ends, seq }) => ({ org, about, ends: [ends], seq }));
      // The journal first: what only it had would be taken for lost by the next start, and brought back.
      await journal.book.letGo({ revocations, rulings: rulings.map((one) => ({ org, ...one })), by });
      await storage.note(allowed, async (unit) => {
        await authorityIn(unit).removeRevocations(marks);
        await rulingsIn(unit).remove(rulings);
        unit.afterCommit(() => spaces.apply(org, (space) => space.letGo(marks)));
      });
    }
  }
}
