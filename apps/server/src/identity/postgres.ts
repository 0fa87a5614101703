import { associated, blindIndex, open, seal } from "@holdfast/crypto";
import { idFrom, uuidOf, type Id, type Random } from "@holdfast/kernel";
import type { InstanceUnit, Keyring } from "../storage/index.ts";
import { normalEmail, type Person } from "./person.ts";

/** People belong to no organisation: their rows are sealed under the instance's key, and found by a keyed digest of the e-mail. */
export const peopleIn = (unit: InstanceUnit, needs: { keys: Keyring; random: Random }) => {
  const sealKey = needs.keys.instanceKey("person");
  const indexKey = needs.keys.instanceKey("person/email");
  const place = (id: Id<"person">) => associated({ org: "instance", kind: "person", row: id, version: 0 });
  const personOf = (row: { id: string; body: Uint8Array }): Person => {
    const id = idFrom("person", row.id);
    return JSON.parse(new TextDecoder().decode(open(sealKey, place(id), row.body))) as Person; // sealed by `add`
  };
  return {
    async byEmail(email: string): Promise<Person | undefined> {
      const [row] = await unit.query<{ id: string; body: Uint8Array }>(
        "select id, body from person where email_index = $1",
        [blindIndex(indexKey, normalEmail(email))],
      );
      return row && personOf(row);
    },

    async any(): Promise<boolean> {
      const rows = await unit.query("select 1 from person limit 1", []);
      return rows.length > 0;
    },

    /** Only while there is no organisation. */
    async removeAll(): Promise<void> {
      await unit.query("delete from person", []);
    },

    async add(person: Person): Promise<void> {
      const body = seal(sealKey, place(person.id), new TextEncoder().encode(JSON.stringify(person)), needs.random);
      await unit.query("insert into person (id, email_index, body, created_at) values ($1, $2, $3, $4)", [
        uuidOf(person.id),
        blindIndex(indexKey, normalEmail(person.email)),
        body,
        person.createdAt,
      ]);
    },
  };
};

/** The one-time link that makes the first person. Only a digest of its secret is kept. */
export const setupIn = (unit: InstanceUnit) => ({
  async offer(digest: Uint8Array, expiresAt: number): Promise<void> {
    await unit.query("delete from setup where taken_at is null", []);
    await unit.query("insert into setup (digest, expires_at) values ($1, $2)", [digest, expiresAt]);
  },

  async isOffered(digest: Uint8Array): Promise<boolean> {
    const rows = await unit.query("select 1 from setup where digest = $1 and taken_at is null and expires_at > $2", [
      digest,
      unit.at,
    ]);
    return rows.length > 0;
  },

  async giveBack(digest: Uint8Array): Promise<void> {
    await unit.query("update setup set taken_at = null where digest = $1", [digest]);
  },

  /** At most one caller is ever answered `true`: the row is updated by whoever comes first. */
  async take(digest: Uint8Array): Promise<boolean> {
    const rows = await unit.query(
      "update setup set taken_at = $2 where digest = $1 and taken_at is null and expires_at > $2 returning 1",
      [digest, unit.at],
    );
    return rows.length > 0;
  },
});
