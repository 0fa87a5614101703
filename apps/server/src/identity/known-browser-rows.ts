import { associated, blindIndex, open, seal, unlessBroken } from "@holdfast/crypto";
import { idFrom, uuidOf, type Id, type Instant, type Random } from "@holdfast/kernel";
import type { InstanceUnit, Keyring } from "../storage/index.ts";

type Row = { digest: Uint8Array; person: string; seen_at: string; proof: Uint8Array };

/** Somebody has signed in from there. `by`: by the word of these providers alone, which is good in their organisations and nowhere else. */
export type Known = {
  readonly person: Id<"person">;
  readonly seenAt: Instant;
  readonly by?: readonly Id<"provider">[] | undefined;
};

/** From where people sign in. Found by a keyed digest; a row that was altered, or moved to somebody else, makes nothing known. */
export const knownBrowsersIn = (unit: InstanceUnit, { keys, random }: { keys: Keyring; random: Random }) => {
  const sealKey = keys.instanceKey("browser");
  const indexKey = keys.instanceKey("browser/secret");
  const digestOf = (text: string) => blindIndex(indexKey, text);
  const place = (digest: Uint8Array, person: Id<"person">) =>
    associated({ org: "instance", kind: "browser", row: `${digest.toHex()}|${person}`, version: 0 });
  const knownOf = ({ digest, person: uuid, seen_at, proof }: Row): readonly Known[] => {
    const person = idFrom("person", uuid);
    const seenAt = Number(seen_at) as Instant; // a bigint column of ours
    const said = unlessBroken(() => new TextDecoder().decode(open(sealKey, place(digest, person), proof)));
    if (said === undefined) return [];
    return [{ person, seenAt, by: said === "" ? undefined : (JSON.parse(said) as Known["by"]) }]; // sealed by `add`
  };
  const columns = "digest, person, seen_at, proof";
  return {
    async of(text: string): Promise<readonly Known[]> {
      const rows = await unit.query<Row>(`select ${columns} from known_browser where digest = $1`, [digestOf(text)]);
      return rows.flatMap(knownOf);
    },

    async isAny(person: Id<"person">): Promise<boolean> {
      return (await unit.query("select from known_browser where person = $1 limit 1", [uuidOf(person)])).length > 0;
    },

    async add(text: string, { person, seenAt, by }: Known): Promise<void> {
      const digest = digestOf(text);
      const said = new TextEncoder().encode(by ? JSON.stringify(by) : "");
      const proof = seal(sealKey, place(digest, person), said, random);
      await unit.query(
        `insert into known_browser (digest, person, seen_at, proof) values ($1, $2, $3, $4)
         on conflict (digest, person) do update set seen_at = excluded.seen_at, proof = excluded.proof`,
        [digest, uuidOf(person), seenAt, proof],
      );
    },

    async remove(text: string): Promise<void> {
      await unit.query("delete from known_browser where digest = $1", [digestOf(text)]);
    },

    /** Those that she came from last: of those by providers as many, so that none of these pushes out one of her own. */
    async keepLast(person: Id<"person">, most: number): Promise<void> {
      const text = `select ${columns} from known_browser where person = $1 order by seen_at desc, digest`;
      const kept = { own: 0, brought: 0 };
      for (const row of await unit.query<Row>(text, [uuidOf(person)])) {
        const [known] = knownOf(row);
        const kind = known?.by ? "brought" : "own";
        kept[kind] += 1;
        if (!known || kept[kind] > most)
          await unit.query("delete from known_browser where digest = $1 and person = $2", [row.digest, row.person]);
      }
    },
  };
};
