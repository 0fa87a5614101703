import { idFrom, isRefusal, type Clock, type Id, type Instant } from "@holdfast/kernel";
import { asPlatform, authorityIn, type Spaces } from "../authority/index.ts";
import type { Storage } from "../storage/index.ts";
import { forget } from "./ending.ts";
import { sessionsIn } from "./postgres.ts";

type Needs = { readonly storage: Storage; readonly spaces: Spaces; readonly clock: Clock };

const atOnce = 1_000;

/**
 * Sign-ins that are over by themselves, of application users and of people in browsers: what was kept of them goes, whether somebody comes
 * again or not. Over is what is so by the time that no start goes behind, so a clock that is set back finds them neither good nor gone too early.
 * A token that has expired stays for as long as its session is open: whoever shows it hears that it has, and renews it.
 */
export class PastSignIns {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** Called now and then. */
  async round(): Promise<void> {
    const { storage, clock } = this.#needs;
    const [mark] = await storage.maintain.call<{ at: string }>("raise_high_water", [clock.now()]);
    const by = Number(mark?.at ?? 0) as Instant; // a bigint column of ours
    for (const { org } of await storage.directory.call<{ org: string }>("all_orgs", [])) {
      try {
        await this.#in(idFrom("org", org), by);
      } catch (error) {
        // It was erased meanwhile.
        if (!isRefusal(error, "org.unknown")) throw error;
      }
    }
  }

  async #in(org: Id<"org">, by: Instant): Promise<void> {
    const { storage } = this.#needs;
    const allowed = asPlatform(await storage.scopeOf(org));
    for (let isMore = true; isMore;)
      isMore = await storage.note(allowed, async (unit) => {
        // Sessions first: what came of them is told by their being gone.
        if ((await sessionsIn(unit).removePast(by, atOnce)) === atOnce) return true;
        const gone = await authorityIn(unit).removePastSignIns(by, atOnce);
        forget(this.#needs, unit, gone);
        return gone.length === atOnce;
      });
  }
}
