import { uuidOf, type Id, type Instant } from "@holdfast/kernel";
import type { Unit } from "../storage/index.ts";
import { endings, type Ending } from "./credential.ts";

/** Credentials of this party under this thing, or made with this credential, that were issued before `seq` are over. */
export type Mark = { readonly about: string; readonly ends: Ending; readonly seq: number };
type MarkRow = { about: string; ends: string; seq: string };

const marksOf = ({ about, ends, seq }: MarkRow): Mark[] =>
  endings.filter((one) => one === ends).map((one) => ({ about, ends: one, seq: Number(seq) }));

/** Revocations as PostgreSQL keeps them: one row for what was ended, of each kind of caller, whatever hangs on it. */
export const revocationsIn = (unit: Unit) => ({
  /** `until`: when all that it ends is over by itself. */
  async revoke(about: string, ends: readonly Ending[], seq: number, until?: Instant): Promise<void> {
    await unit.query(
      `insert into revocation (org, about, ends, seq, at, until) select $1, $2, unnest($3::text[]), $4, $5, $6
       on conflict (org, about, ends) do update set seq = greatest(revocation.seq, excluded.seq), at = excluded.at,
         until = excluded.until`,
      [uuidOf(unit.scope.org), about, ends, seq, unit.at, until ?? null],
    );
  },

  async pastRevocations(by: Instant, most: number): Promise<readonly Mark[]> {
    const text = "select about, ends, seq from revocation where until <= $1 order by until limit $2";
    return (await unit.query<MarkRow>(text, [by, most])).flatMap(marksOf);
  },

  async removeRevocations(marks: readonly Mark[]): Promise<void> {
    await unit.query(
      `delete from revocation r using unnest($1::text[], $2::text[], $3::bigint[]) as gone (about, ends, seq)
        where r.about = gone.about and r.ends = gone.ends and r.seq = gone.seq`,
      [marks.map(({ about }) => about), marks.map(({ ends }) => ends), marks.map(({ seq }) => seq)],
    );
  },

  /** Every device that has this tag, in one statement. Answers which those are. */
  async revokeTagged(tagIndex: Uint8Array, ends: readonly Ending[], seq: number): Promise<readonly Id<"device">[]> {
    const rows = await unit.query<{ about: string }>(
      `insert into revocation (org, about, ends, seq, at)
         select t.org, 'dev_' || replace(t.device::text, '-', ''), one, $3, $4
           from device_tag t cross join unnest($2::text[]) as one where t.tag_index = $1
       on conflict (org, about, ends) do update set seq = greatest(revocation.seq, excluded.seq), at = excluded.at
       returning about`,
      [tagIndex, ends, seq, unit.at],
    );
    return [...new Set(rows.map(({ about }) => about as Id<"device">))]; // just made of the device's own
  },

  /** What ended for one thing ends for the other too. Answers what was later than the other's own. */
  async inherit(about: string, from: string): Promise<readonly Mark[]> {
    const rows = await unit.query<MarkRow>(
      `insert into revocation as own (org, about, ends, seq, at)
         select org, $1, ends, seq, at from revocation where about = $2
       on conflict (org, about, ends) do update set seq = excluded.seq, at = excluded.at where own.seq < excluded.seq
       returning about, ends, seq`,
      [about, from],
    );
    return rows.flatMap(marksOf);
  },

  async revocations(): Promise<readonly Mark[]> {
    return (await unit.query<MarkRow>("select about, ends, seq from revocation", [])).flatMap(marksOf);
  },
});
