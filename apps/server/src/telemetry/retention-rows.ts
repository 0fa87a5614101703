import { idFrom, uuidOf, type Id } from "@holdfast/kernel";
import type { Unit } from "../storage/index.ts";
import { Kept, type Rule } from "./kept.ts";

type About = Id<"org"> | Id<"product">;

/** The version is in the seal: an older rule does not open in a newer row. */
const rowOf = (about: string, version: number): string => `${about}|${version}`;

/** What an organisation and its products say of how long readings are kept. */
export const retentionIn = (unit: Unit) => ({
  async fill(kept: Kept): Promise<void> {
    type Row = { about: string; version: number; body: Uint8Array };
    const rows = await unit.query<Row>("select about, version, body from retention", []);
    const read = new Kept();
    for (const { about: uuid, version, body } of rows) {
      const about = idFrom("org", uuid) === unit.scope.org ? unit.scope.org : idFrom("product", uuid);
      const plain = unit.scope.open("retention", rowOf(about, version), body);
      read.set(about, JSON.parse(new TextDecoder().decode(plain)) as Rule); // sealed below
    }
    kept.own = read.own;
    kept.products = read.products;
  },

  async put(about: About, rule: Rule): Promise<void> {
    const [row] = await unit.query<{ version: number }>("select version from retention where about = $1 for update", [
      uuidOf(about),
    ]);
    const version = (row?.version ?? 0) + 1;
    const body = new TextEncoder().encode(JSON.stringify(rule));
    await unit.query(
      `insert into retention (org, about, version, body) values ($1, $2, $3, $4)
       on conflict (org, about) do update set version = excluded.version, body = excluded.body`,
      [uuidOf(unit.scope.org), uuidOf(about), version, unit.scope.seal("retention", rowOf(about, version), body)],
    );
  },
});
