import type { Id, Instant } from "@holdfast/kernel";
import type { Query } from "./connections.ts";
import type { DataBackup, Past, Revocation, Ruling } from "./store.ts";

// The journal of a keyring that is kept in PostgreSQL, and which backups of the data it has heard of.

export async function revokedIn(query: Query, revocations: readonly Revocation[]): Promise<void> {
  const text = `INSERT INTO holdfast_keyring.revocation AS r VALUES ($1, $2, $3, $4, $5) ON CONFLICT (org, about, party)
    DO UPDATE SET seq = excluded.seq, at = excluded.at WHERE excluded.seq > r.seq`;
  for (const { org, about, ends, seq, at } of revocations) {
    for (const party of ends) await query(text, [org, about, party, seq, at]);
  }
}

export async function revocationsIn(query: Query, about?: string): Promise<readonly Revocation[]> {
  type Row = { org: Id<"org">; about: string; party: string; seq: string; at: string };
  const text = `SELECT * FROM holdfast_keyring.revocation WHERE $1::text IS NULL OR about = $1
    ORDER BY seq, org, about, party`;
  const rows = await query<Row>(text, [about ?? null]);
  return rows.map(({ org, about, party, seq, at }) => ({
    org,
    about,
    ends: [party],
    seq: Number(seq),
    at: instant(at),
  }));
}

export async function ruledIn(query: Query, rulings: readonly Ruling[]): Promise<void> {
  const text = `INSERT INTO holdfast_keyring.ruling AS r VALUES ($1, $2, $3, $4, $5) ON CONFLICT (org, about, kind)
    DO UPDATE SET says = excluded.says, seq = excluded.seq WHERE excluded.seq > r.seq`;
  for (const { org, about, kind, says, seq } of rulings) await query(text, [org, about, kind, says ?? null, seq]);
}

export async function rulingsIn(query: Query, kinds?: readonly string[]): Promise<readonly Ruling[]> {
  type Row = { org: Id<"org">; about: string; kind: string; says: string | null; seq: string };
  const text = `SELECT * FROM holdfast_keyring.ruling WHERE $1::text[] IS NULL OR kind = any($1)
    ORDER BY seq, org, about, kind`;
  const rows = await query<Row>(text, [kinds ?? null]);
  return rows.map(({ says, seq, ...row }) => ({ ...row, says: says ?? undefined, seq: Number(seq) }));
}

export async function lastSeqIn(query: Query): Promise<number> {
  const all = "SELECT seq FROM holdfast_keyring.revocation UNION ALL SELECT seq FROM holdfast_keyring.ruling";
  const [row] = await query<{ last: string | null }>(`SELECT max(seq) AS last FROM (${all}) AS every`);
  return Number(row?.last ?? 0);
}

export async function letGoIn(query: Query, { revocations, rulings, by }: Past): Promise<void> {
  const text = `INSERT INTO holdfast_keyring.let_go AS l VALUES (1, $1)
    ON CONFLICT (one) DO UPDATE SET by = greatest(l.by, excluded.by)`;
  await query(text, [by]);
  const ended = revocations.flatMap((one) => one.ends.map((kind) => ({ ...one, kind })));
  await removeIn(query, "revocation", "party", ended);
  await removeIn(query, "ruling", "kind", rulings);
}

export async function forgetOrgsIn(query: Query, orgs: readonly string[]): Promise<void> {
  if (orgs.length === 0) return;
  for (const table of ["revocation", "ruling"])
    await query(`DELETE FROM holdfast_keyring.${table} WHERE org = any($1)`, [orgs]);
}

export async function letGoneIn(query: Query): Promise<Instant> {
  const [row] = await query<{ by: string }>("SELECT by FROM holdfast_keyring.let_go");
  return instant(row?.by ?? "0");
}

const removeIn = (
  query: Query,
  table: "revocation" | "ruling",
  column: "party" | "kind",
  entries: readonly { readonly org: Id<"org">; readonly about: string; readonly kind: string; readonly seq: number }[],
) =>
  query(
    `DELETE FROM holdfast_keyring.${table} j
      USING unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS n (org, about, kind, seq)
      WHERE j.org = n.org AND j.about = n.about AND j.${column} = n.kind AND j.seq <= n.seq`,
    [
      entries.map(({ org }) => org),
      entries.map(({ about }) => about),
      entries.map(({ kind }) => kind),
      entries.map(({ seq }) => seq),
    ],
  );

const instant = (stored: string): Instant => Number(stored) as Instant; // written from an Instant; `pg` gives bigint as text

export async function noteDataIn(query: Query, { id, at, isGood }: DataBackup): Promise<void> {
  const text = `INSERT INTO holdfast_keyring.data_backup VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET good = excluded.good`;
  await query(text, [id, at, isGood]);
}

export async function dataBackupsIn(query: Query): Promise<readonly DataBackup[]> {
  type Row = { id: string; at: string; good: boolean };
  const rows = await query<Row>("SELECT * FROM holdfast_keyring.data_backup");
  return rows.map(({ id, at, good }) => ({ id, at: instant(at), isGood: good }));
}
