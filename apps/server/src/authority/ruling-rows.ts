import type { Instant } from "@holdfast/kernel";
import { uuidOf } from "@holdfast/kernel";
import type { Unit } from "../storage/index.ts";

/** Which ruling it is, and where it stands in the deployment's sequence. */
export type Stood = { readonly about: string; readonly kind: string; readonly seq: number };

type Row = { about: string; kind: string; seq: string };
const stood = ({ about, kind, seq }: Row): Stood => ({ about, kind, seq: Number(seq) }); // a bigint column of ours

/** Rulings as PostgreSQL keeps them: about what and in which order is readable, what they say is sealed. */
export const rulingsIn = (unit: Unit) => ({
  async all(): Promise<readonly Stood[]> {
    return (await unit.query<Row>("select about, kind, seq from ruling", [])).map(stood);
  },

  /** What these say, as it is sealed. */
  async some(wanted: readonly Stood[]): Promise<readonly (Stood & { readonly body: Uint8Array })[]> {
    const rows = await unit.query<Row & { body: Uint8Array }>(
      `select about, kind, seq, body from ruling
         join unnest($1::text[], $2::text[]) as wanted (about, kind) using (about, kind)`,
      [wanted.map(({ about }) => about), wanted.map(({ kind }) => kind)],
    );
    return rows.map((row) => ({ ...stood(row), body: row.body }));
  },

  /** In place of the one before. */
  async keep({ about, kind, seq }: Stood, body: Uint8Array, until: Instant | undefined): Promise<void> {
    await unit.query(
      `insert into ruling (org, about, kind, seq, until, body) values ($1, $2, $3, $4, $5, $6)
       on conflict (org, about, kind) do update set seq = excluded.seq, until = excluded.until, body = excluded.body`,
      [uuidOf(unit.scope.org), about, kind, seq, until ?? null, body],
    );
  },

  /** Those whose thing is over by then. */
  async past(by: Instant, most: number): Promise<readonly Stood[]> {
    const text = "select about, kind, seq from ruling where until <= $1 order by until limit $2";
    return (await unit.query<Row>(text, [by, most])).map(stood);
  },

  async removeAbout(about: string): Promise<readonly Stood[]> {
    return (await unit.query<Row>("delete from ruling where about = $1 returning about, kind, seq", [about])).map(
      stood,
    );
  },

  async remove(some: readonly Stood[]): Promise<void> {
    await unit.query(
      `delete from ruling r using unnest($1::text[], $2::text[], $3::bigint[]) as gone (about, kind, seq)
        where r.about = gone.about and r.kind = gone.kind and r.seq = gone.seq`,
      [some.map(({ about }) => about), some.map(({ kind }) => kind), some.map(({ seq }) => seq)],
    );
  },
});
