import { uuidOf } from "@holdfast/kernel";
import type { Unit } from "../storage/index.ts";

/** What goes over all of an organisation's chunks, again and again. */
export type Job = "retention" | "cold";

/** A pass under way began at `began` and has done what comes up to `reached`; the one before was over at `done`. */
export type Progress = {
  readonly began: number | undefined;
  readonly reached: number;
  readonly done: number | undefined;
};

export const jobsIn = (unit: Unit) => ({
  async find(job: Job): Promise<Progress | undefined> {
    type Row = { began_at: number | null; reached: number; done_at: number | null };
    const [row] = await unit.query<Row>("select began_at, reached, done_at from chunk_job where job = $1", [job]);
    return row && { began: row.began_at ?? undefined, reached: row.reached, done: row.done_at ?? undefined };
  },

  async reach(job: Job, began: number, reached: number): Promise<void> {
    await unit.query(
      `insert into chunk_job (org, job, began_at, reached) values ($1, $2, $3, $4)
       on conflict (org, job) do update set began_at = excluded.began_at, reached = excluded.reached`,
      [uuidOf(unit.scope.org), job, began, reached],
    );
  },

  async done(job: Job, at: number): Promise<void> {
    await unit.query(
      `insert into chunk_job (org, job, reached, done_at) values ($1, $2, 0, $3)
       on conflict (org, job) do update set began_at = null, reached = 0, done_at = excluded.done_at`,
      [uuidOf(unit.scope.org), job, at],
    );
  },
});
