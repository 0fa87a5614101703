import { associated, blindIndex, open, seal, unlessBroken } from "@holdfast/crypto";
import { idFrom, uuidOf, type Id, type Instant, type Random } from "@holdfast/kernel";
import type { InstanceUnit, Keyring } from "../storage/index.ts";

type Row = { digest: Uint8Array; person: string; seen_at: string; proof: Uint8Array };

/** Somebody has signed in from there. */
export type Known = { readonly person: Id<"person">; readonly seenAt: Instant };

/** From where people sign in. Found by a keyed digest; a row that was altered, or moved to somebody else, makes nothing known. */
export const knownBrowsersIn = (unit: InstanceUnit, { keys, random }: { keys: Keyring; random: Random }) => {
  const sealKey = keys.instanceKey("browser");
  const indexKey = keys.instanceKey("browser/secret");
  const digestOf = (text: string) => blindIndex(indexKey, text);
  const place = (digest: Uint8Array, person: Id<"person">) =>
    associated({ org: "instance", kind: "browser", row: `${digest.toHex()}|${person}`, version: 0 });
  const isOurs = ({ digest, proof }: Row, person: Id<"person">): boolean =>
    unlessBroken(() => open(sealKey, place(digest, person), proof)) !== undefined;
  return {
    async of(text: string): Promise<readonly Known[]> {
      const rows = await unit.query<Row>("select digest, person, seen_at, proof from known_browser where digest = $1", [
        digestOf(text),
      ]);
      return rows.flatMap((row) => {
        const person = idFrom("person", row.person);
        return isOurs(row, person) ? [{ person, seenAt: Number(row.seen_at) as Instant }] : []; // a bigint column of ours
      });
    },

    async isAny(person: Id<"person">): Promise<boolean> {
      return (await unit.query("select from known_browser where person = $1 limit 1", [uuidOf(person)])).length > 0;
    },

    async add(text: string, { person, seenAt }: Known): Promise<void> {
      const digest = digestOf(text);
      const proof = seal(sealKey, place(digest, person), new Uint8Array(), random);
      await unit.query(
        `insert into known_browser (digest, person, seen_at, proof) values ($1, $2, $3, $4)
         on conflict (digest, person) do update set seen_at = excluded.seen_at, proof = excluded.proof`,
        [digest, uuidOf(person), seenAt, proof],
      );
    },

    async remove(text: string): Promise<void> {
      await unit.query("delete from known_browser where digest = $1", [digestOf(text)]);
    },

    /** Those that she came from last. */
    async keepLast(person: Id<"person">, most: number): Promise<void> {
      await unit.query(
        `delete from known_browser where person = $1 and digest not in
           (select digest from known_browser where person = $1 order by seen_at desc, digest limit $2)`,
        [uuidOf(person), most],
      );
    },
  };
};
