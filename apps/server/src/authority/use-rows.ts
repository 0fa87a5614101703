import { idFrom, uuidOf, type CredentialId } from "@holdfast/kernel";
import type { Unit } from "../storage/index.ts";
import { dayOf, withUse, type KeptUse, type Use } from "./uses.ts";

/** How credentials are used, as PostgreSQL keeps it: one sealed row for each that was. */
export const usesIn = (unit: Unit) => ({
  async of(ids: readonly CredentialId[]): Promise<ReadonlyMap<string, KeptUse>> {
    const rows = await unit.query<{ credential: string; body: Uint8Array }>(
      "select credential, body from credential_use where credential = any($1::uuid[])",
      [ids.map(uuidOf)],
    );
    return new Map(
      rows.map(({ credential, body }) => {
        const id = uuidOf(idFrom("key", credential)); // of whichever kind: as the others write it
        return [id, opened(unit, id, body)];
      }),
    );
  },

  /** Rows that would say nothing new are not written. */
  async add(uses: ReadonlyMap<CredentialId, Use>): Promise<void> {
    const kept = await this.of([...uses.keys()]);
    const changed = [...uses].flatMap(([id, use]) => {
      const before = kept.get(uuidOf(id));
      const next = withUse(before, use, dayOf(unit.at));
      return next === before ? [] : [{ row: uuidOf(id), body: sealed(unit, uuidOf(id), next) }];
    });
    if (changed.length === 0) return;
    // A credential whose row went meanwhile is not used any more.
    await unit.query(
      `insert into credential_use (org, credential, body)
         select c.org, c.id, used.body from unnest($1::uuid[], $2::bytea[]) as used(id, body)
           join credential c on c.id = used.id
       on conflict (org, credential) do update set body = excluded.body`,
      [changed.map(({ row }) => row), changed.map(({ body }) => body)],
    );
  },
});

const sealed = (unit: Unit, row: string, use: KeptUse): Uint8Array =>
  unit.scope.seal("credentialUse", row, new TextEncoder().encode(JSON.stringify(use)));

const opened = (unit: Unit, row: string, body: Uint8Array): KeptUse =>
  JSON.parse(new TextDecoder().decode(unit.scope.open("credentialUse", row, body))) as KeptUse; // sealed by `add`, so it is one
