import { because, isId, type Id, type Report } from "@holdfast/kernel";
import { authorityIn, type Journal } from "../authority/index.ts";
import type { Unit } from "../storage/index.ts";

type Turn = "suspended" | "resumed";
type Needs = { journal: Journal; report: Report };

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
    const { journal, report } = this.#needs;
    const seq = await authorityIn(unit).nextSeq();
    const { org } = unit.scope;
    unit.afterCommit(() => {
      journal
        .append({ org, about: device, ends: [turn], seq, at: unit.at })
        .catch((error: unknown) => report(`the keyring did not take that ${device} was ${turn}`, because(error)));
    });
    return seq;
  }

  /** What the journal takes for suspended, with the suspension's place. */
  async all(): Promise<ReadonlyMap<Id<"org">, ReadonlyMap<Id<"device">, number>>> {
    const last = { suspended: new Map<string, number>(), resumed: new Map<string, number>() };
    const found = new Map<Id<"org">, Map<Id<"device">, number>>();
    const entries = await this.#needs.journal.all();
    for (const { about, ends, seq } of entries) if (ends.includes("resumed")) last.resumed.set(about, seq);
    for (const { org, about, ends, seq } of entries) {
      if (!ends.includes("suspended") || !isId("device", about) || (last.resumed.get(about) ?? 0) > seq) continue;
      const ofOrg = found.get(org) ?? new Map<Id<"device">, number>();
      found.set(org, ofOrg.set(about, seq));
    }
    return found;
  }
}
