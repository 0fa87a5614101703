import { uuidOf } from "@holdfast/kernel";
import type { Unit } from "../storage/index.ts";
import { monthOf } from "./parts.ts";

/** A month of a series in which chunks are to be joined. */
export type Untidy = { readonly series: number; readonly month: number; readonly chunks: number };

/** So many chunks are worth joining at once; fewer wait until they have lain for a day. */
export const worthJoining = 8;
export const settlesAfter = 86_400_000;

/** What is to be joined, as the flushes left it. */
export const untidyIn = (unit: Unit) => ({
  /** In the transaction that leaves them. */
  async note(series: number, chunks: readonly { readonly first: number }[]): Promise<void> {
    const months = Map.groupBy(chunks, ({ first }) => monthOf(first).first);
    await Promise.all(
      [...months].map(([month, { length }]) =>
        unit.query(
          `insert into untidy (org, series, month, chunks, since) values ($1, $2, $3, $4, $5)
           on conflict (org, series, month) do update set chunks = untidy.chunks + excluded.chunks`,
          [uuidOf(unit.scope.org), series, month, length, unit.at],
        ),
      ),
    );
  },

  async due(most: number): Promise<readonly Untidy[]> {
    return unit.query<Untidy>(
      "select series, month, chunks from untidy where since <= $1 or chunks >= $2 order by since, series, month limit $3",
      [unit.at - settlesAfter, worthJoining, most],
    );
  },

  /** Unless more was left meanwhile. What is as it should be now may go to the object store, however late it came. */
  async done({ series, month, chunks }: Untidy): Promise<void> {
    await unit.query("update cold_mark set until = $1 where until > $1", [month]);
    await unit.query("delete from untidy where series = $1 and month = $2 and chunks = $3", [series, month, chunks]);
  },
});
