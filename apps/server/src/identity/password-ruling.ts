import { isId, type Id, type Random, type Report } from "@holdfast/kernel";
import type { Journal } from "../authority/index.ts";
import type { Keyring, Storage } from "../storage/index.ts";
import { organisationsOf } from "./attempts.ts";
import { peopleIn } from "./postgres.ts";

const kind = "password";
const atOnce = 500;

/** She has another password: in the keyring's journal as well, with each of her organisations, because a person is of none. */
export async function notePassword(
  { storage, journal }: { readonly storage: Storage; readonly journal: Journal },
  person: Id<"person">,
  seq: number,
): Promise<void> {
  const orgs = await organisationsOf({ storage }, person);
  const rulings = orgs.map((org) => ({ org, about: person, kind, says: undefined, seq }));
  if (rulings.length > 0) journal.ruled(rulings, `that the password of ${person} is another one`);
}

type Needs = {
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly journal: Journal;
  readonly random: Random;
  readonly report: Report;
};

/**
 * At start. An older backup of the database brings back passwords of before, which somebody may have changed because another one knew them: they are
 * good for nothing, and she chooses a new one by a link.
 */
export async function reconcilePasswords({ storage, keys, journal, random, report }: Needs): Promise<void> {
  const last = new Map<Id<"person">, number>();
  for (const { about, seq } of await journal.book.rulings([kind])) {
    if (isId("person", about)) last.set(about, Math.max(seq, last.get(about) ?? 0));
  }
  const all = [...last];
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
