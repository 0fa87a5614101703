import { associated, open, seal } from "@holdfast/crypto";
import { isId, Refusal, type Id, type Random, type Report } from "@holdfast/kernel";
import type { Journal } from "../authority/index.ts";
import type { InstanceUnit, Keyring, Ruled, Storage } from "../storage/index.ts";
import { organisationsOf } from "./attempts.ts";
import { factorsIn, type FactorState } from "./factor-rows.ts";

type Needs = {
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly journal: Journal;
  readonly random: Random;
  readonly report: Report;
};

const kind = "factors";
const atOnce = 500;

/**
 * Within the unit that changes what she has: all of it, sealed, goes into the keyring's journal, too, with each of her organisations, because a
 * person is of none. After an older backup of the database her password alone lets nobody in, and no recovery code is good twice.
 */
export async function noteFactors(
  needs: Needs,
  unit: InstanceUnit,
  person: Id<"person">,
  orgs: readonly Id<"org">[],
): Promise<void> {
  const rows = factorsIn(unit, needs);
  const seq = await rows.mark(person);
  const rulings = rulingsOf(needs, { person, seq, orgs }, await rows.state(person));
  const what = `what ${person} signs in with beside her password`;
  if (rulings.length > 0) unit.afterCommit(() => needs.journal.ruled(rulings, what));
}

/** At start, before anybody is let in: of the database and the journal the later holds. */
export async function reconcileFactors(needs: Needs): Promise<void> {
  const { storage, journal, report } = needs;
  const said = latest(await journal.book.rulings([kind]));
  const kept = await storage.instance.read((unit) => factorsIn(unit, needs).marks());
  const missed = [...kept].filter(([person, seq]) => seq > (said.get(person)?.seq ?? 0));
  for (const [person, seq] of missed) {
    const state = await storage.instance.read((unit) => readable(needs, () => factorsIn(unit, needs).state(person)));
    const orgs = await organisationsOf(needs, person);
    if (state && orgs.length > 0) await journal.book.rule(rulingsOf(needs, { person, seq, orgs }, state));
  }
  const lost = [...said].filter(([person, { seq }]) => seq > (kept.get(person) ?? 0));
  let restored = 0;
  for (let from = 0; from < lost.length; from += atOnce)
    restored += await storage.instance.change(async (unit) => {
      let count = 0;
      for (const [person, ruled] of lost.slice(from, from + atOnce)) {
        const state = await readable(needs, async () => stateIn(needs, person, ruled));
        if (state && (await factorsIn(unit, needs).restore(person, state, ruled.seq))) count += 1;
      }
      return count;
    });
  if (restored > 0)
    report(
      `The database had lost what ${restored} people sign in with beside their passwords, as after restoring an older backup. It holds again.`,
      { level: "warning" },
    );
}

function latest(all: readonly Ruled[]): ReadonlyMap<Id<"person">, Ruled> {
  const last = new Map<Id<"person">, Ruled>();
  for (const one of all)
    if (isId("person", one.about) && one.seq > (last.get(one.about)?.seq ?? 0)) last.set(one.about, one);
  return last;
}

const place = (person: Id<"person">, seq: number) =>
  associated({ org: "instance", kind: "factorRuling", row: `${person}|${seq}`, version: 0 });

type Said = { readonly person: Id<"person">; readonly seq: number; readonly orgs: readonly Id<"org">[] };
type Plain = Pick<FactorState, "createdAt" | "passkeys"> & {
  readonly secret?: string;
  readonly codes: readonly string[];
};

function rulingsOf(
  { keys, random }: Needs,
  { person, seq, orgs }: Said,
  { secret, createdAt, codes, passkeys }: FactorState,
): readonly Ruled[] {
  const plain: Plain = {
    ...(secret && createdAt !== undefined && { secret: secret.toBase64(), createdAt }),
    codes: codes.map((digest) => digest.toHex()),
    passkeys,
  };
  const bytes = new TextEncoder().encode(JSON.stringify(plain));
  const says = seal(keys.instanceKey("factors/ruling"), place(person, seq), bytes, random).toBase64();
  return orgs.map((org) => ({ org, about: person, kind, says, seq }));
}

/** @throws Refusal `seal.broken` */
function stateIn({ keys }: Needs, person: Id<"person">, { says = "", seq }: Ruled): FactorState {
  const bytes = open(keys.instanceKey("factors/ruling"), place(person, seq), Buffer.from(says, "base64"));
  const { secret, createdAt, codes, passkeys } = JSON.parse(new TextDecoder().decode(bytes)) as Plain; // sealed above
  return {
    ...(secret !== undefined && createdAt !== undefined && { secret: Uint8Array.fromBase64(secret), createdAt }),
    codes: codes.map((digest) => Uint8Array.fromHex(digest)),
    // What is absent has no place in JSON.
    passkeys: passkeys.map((one) => ({ ...one, lastUsedAt: one.lastUsedAt, clonedAt: undefined })),
  };
}

/** Whoever can alter what is kept can remove it as well: a start that fails would stop nobody but the operator. */
async function readable<T>({ report }: Needs, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const what = "What somebody signs in with beside her password was altered where it is kept, so it is passed over.";
    report(what, { level: "error", code: error.code });
    return undefined;
  }
}
