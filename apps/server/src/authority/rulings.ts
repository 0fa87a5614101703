import { isDeepStrictEqual } from "node:util";
import { Refusal, type Id, type Instant, type Report } from "@holdfast/kernel";
import type { OrgScope, Ruled, Storage, Unit } from "../storage/index.ts";
import type { Journal } from "./journal.ts";
import { authorityIn } from "./postgres.ts";
import { rulingsIn, type Stood } from "./ruling-rows.ts";
import { asPlatform } from "./spaces.ts";

/** A kind of ruling. `State` is plain JSON: all of what was decided, so that the last ruling is enough. */
type Way<State> = {
  readonly kind: string;
  /** As the database has it; `undefined` where it has no such thing. */
  find(unit: Unit, about: string): Promise<State | undefined>;
  /** What holds where the database is older than what was said: no more than it has, and what was said, where that is less. */
  narrowest(found: State, said: State, unit: Unit): State | Promise<State>;
  save(unit: Unit, about: string, state: State): Promise<void>;
  /** When the thing is over by itself. */
  until?(unit: Unit, about: string): Promise<Instant | undefined>;
};

/** A kind of ruling, whatever it is about. */
export type Kind = {
  readonly kind: string;
  heed(unit: Unit, about: string, said: unknown): Promise<Heeded | undefined>;
};

type Heeded = { readonly state: unknown; readonly isNew: boolean; readonly until: Instant | undefined };

export const kindOf = <State>(way: Way<State>): Kind => ({
  kind: way.kind,
  async heed(unit, about, said) {
    const found = await way.find(unit, about);
    if (found === undefined) return undefined;
    const state = await way.narrowest(found, said as State, unit); // sealed by whoever keeps this kind
    const isNew = !isDeepStrictEqual(plain(found), plain(state));
    if (isNew) await way.save(unit, about, state);
    return { state, isNew, until: await way.until?.(unit, about) };
  },
});

type Needs = { readonly storage: Storage; readonly journal: Journal; readonly report: Report };

/**
 * What was decided last about whatever keeps somebody out: doors, lists, demands, secrets. Each stands in a row and, sealed alike, in the
 * keyring's journal: after an older backup of the database was restored, what was decided since still keeps out whom it kept out.
 */
export class Rulings {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** Within the unit that decides it. `until`: when what it is about is over by itself. */
  async note(unit: Unit, kind: string, about: string, state: unknown, until?: Instant): Promise<void> {
    const { scope } = unit;
    const stood: Stood = { about, kind, seq: await authorityIn(unit).nextSeq() };
    const body = scope.seal("ruling", nameOf(stood), new TextEncoder().encode(JSON.stringify(state)));
    await rulingsIn(unit).keep(stood, body, until);
    unit.afterCommit(() => this.#needs.journal.ruled([ruledOf(scope, stood, body)], `the ${kind} of ${about}`));
  }

  /** Within the unit that ends the thing for good. */
  async forget(unit: Unit, about: string): Promise<void> {
    const { journal } = this.#needs;
    const gone = await rulingsIn(unit).removeAbout(about);
    const rulings = gone.map((one) => ({ org: unit.scope.org, ...one }));
    if (gone.length > 0) unit.afterCommit(() => journal.letGo({ revocations: [], rulings, by: 0 as Instant }, about));
  }

  /**
   * At start. The database learns what only the journal knows (an older backup was restored), as far as that keeps somebody out; the
   * journal learns what it missed. Answers the kinds of what was lost, one for each.
   */
  async reconcile(orgs: readonly Id<"org">[], kinds: readonly Kind[]): Promise<readonly string[]> {
    const { storage, journal } = this.#needs;
    const ways = new Map(kinds.map((one) => [one.kind, one]));
    const byOrg = Map.groupBy(await journal.book.rulings([...ways.keys()]), ({ org }) => org);
    const lost: string[] = [];
    for (const org of orgs) {
      const allowed = asPlatform(await storage.scopeOf(org));
      const journaled = byOrg.get(org) ?? [];
      const kept = await storage.read(allowed, (unit) => rulingsIn(unit).all());
      const newer = newerThan(kept, journaled);
      const missed =
        newer.length > 0 ? await storage.read(allowed, (unit) => this.#readable(unit, newer)) : ([] as const);
      if (missed.length > 0) await journal.book.rule(missed);
      const unheeded = newerThan(
        newerThan(journaled, missed),
        kept.filter((one) => !newer.includes(one)),
      );
      if (unheeded.length > 0) lost.push(...(await storage.note(allowed, (unit) => this.#heed(unit, unheeded, ways))));
    }
    return lost;
  }

  /** As the journal keeps them. A row that was altered is no later ruling than the journal's. */
  async #readable(unit: Unit, some: readonly Stood[]): Promise<readonly Ruled[]> {
    const rows = await rulingsIn(unit).some(some);
    const ruled = rows.map((one) => ruledOf(unit.scope, one, one.body));
    return ruled.filter((one) => this.#open(unit.scope, one, "the database") !== undefined);
  }

  async #heed(unit: Unit, all: readonly Ruled[], ways: ReadonlyMap<string, Kind>): Promise<readonly string[]> {
    const restored: string[] = [];
    for (const one of all) {
      const said = this.#open(unit.scope, one, "the keyring's journal");
      const heeded = said && (await ways.get(one.kind)?.heed(unit, one.about, said.state));
      if (!heeded) continue;
      await this.note(unit, one.kind, one.about, heeded.state, heeded.until);
      if (!heeded.isNew) continue;
      unit.audit({ what: "ruling.restored", about: one.about, facts: { of: one.kind } });
      restored.push(one.kind);
    }
    return restored;
  }

  #open(scope: OrgScope, ruled: Ruled, where: string): { readonly state: unknown } | undefined {
    try {
      // Of what is no base64 Buffer makes what it can, and that does not open either.
      const plain = scope.open("ruling", nameOf(ruled), Buffer.from(ruled.says ?? "", "base64"));
      return { state: JSON.parse(new TextDecoder().decode(plain)) };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      // Whoever can write there can remove it as well: a start that fails would stop nobody but the operator.
      const what = `What ${where} has of the ${ruled.kind} of ${ruled.about} was altered, so it is passed over.`;
      this.#needs.report(what, { level: "error", code: error.code });
      return undefined;
    }
  }
}

const nameOf = ({ about, kind, seq }: Stood): string => [kind, about, seq].join("|");

const ruledOf = ({ org }: OrgScope, { about, kind, seq }: Stood, body: Uint8Array): Ruled => ({
  org,
  about,
  kind,
  says: body.toBase64(),
  seq,
});

function newerThan<T extends Stood>(some: readonly T[], others: readonly Stood[]): readonly T[] {
  const name = ({ kind, about }: Stood) => `${kind} ${about}`;
  const known = new Map(others.map((one) => [name(one), one.seq]));
  return some.filter((one) => one.seq > (known.get(name(one)) ?? 0));
}

const plain = (state: unknown): unknown => JSON.parse(JSON.stringify(state));
