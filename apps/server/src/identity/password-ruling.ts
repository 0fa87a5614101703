import { isId, type Id, type Random, type Report } from "@holdfast/kernel";
import type { Journal } from "../authority/index.ts";
import type { InstanceUnit, Keyring, Ruled, Storage } from "../storage/index.ts";
import { organisationsOf } from "./attempts.ts";
import { peopleIn } from "./postgres.ts";

const kind = "password";
const atOnce = 500;

/** Within the unit that gives her another password: in the keyring's journal as well, with each of her organisations, because a person is of none. */
export function notePassword(
  { journal }: { readonly journal: Journal },
  unit: InstanceUnit,
  { person, orgs, seq }: Said,
): void {
  const rulings = rulingsOf({ person, orgs, seq });
  if (rulings.length > 0)
    unit.afterCommit(() => journal.ruled(rulings, `that the password of ${person} is another one`));
}

type Said = { readonly person: Id<"person">; readonly orgs: readonly Id<"org">[]; readonly seq: number };

const rulingsOf = ({ person, orgs, seq }: Said): readonly Ruled[] =>
  orgs.map((org) => ({ org, about: person, kind, says: undefined, seq }));

type Needs = {
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly journal: Journal;
  readonly random: Random;
  readonly report: Report;
};

/**
 * At start. An older backup of the database brings back passwords of before, which somebody may have changed because another one knew them: they are
 * good for nothing, and she chooses a new one by a link. And what the journal missed it learns: the server may have been killed after the commit.
 */
export async function reconcilePasswords({ storage, keys, journal, random, report }: Needs): Promise<void> {
  const last = new Map<Id<"person">, number>();
  for (const { about, seq } of await journal.book.rulings([kind])) {
    if (isId("person", about)) last.set(about, Math.max(seq, last.get(about) ?? 0));
  }
  const kept = await storage.instance.read((unit) => peopleIn(unit, { keys, random }).passwordSeqs());
  let altered = 0;
  for (const [person, seq] of kept) {
    if (seq === undefined) altered += 1;
    else if (seq > (last.get(person) ?? 0)) {
      const rulings = rulingsOf({ person, orgs: await organisationsOf({ storage }, person), seq });
      if (rulings.length > 0) await journal.book.rule(rulings);
    }
  }
  if (altered > 0) {
    const what = `The rows of ${altered} people were altered in the database, so they are passed over.`;
    report(what, { level: "error", code: "seal.broken" });
  }
  const all = [...last].filter(([person, seq]) => seq > (kept.get(person) ?? seq));
  let lost = 0;
  for (let from = 0; from < all.length; from += atOnce) {
    const some = all.slice(from, from + atOnce);
    lost += await storage.instance.change(async (unit) => {
      const rows = peopleIn(unit, { keys, random });
      const people = await rows.all(some.map(([id]) => id));
      const older = some.flatMap(([id, seq]) => {
        const person = people.get(id);
        return person && (person.passwordSeq ?? 0) < seq
          ? [{ ...person, passwordHash: undefined, passwordSeq: seq }]
          : [];
      });
      for (const person of older) await rows.save(person);
      return older.length;
    });
  }
  if (lost > 0)
    report(
      `The database had lost the last passwords of ${lost} people, as after restoring an older backup. They choose new ones, by “Forgot your password?”.`,
      { level: "warning" },
    );
}
