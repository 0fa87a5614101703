import { uuidOf } from "@holdfast/kernel";
import type { Unit } from "../storage/index.ts";

type Row = { readonly position: number; readonly body: Uint8Array };

/** Which frames were kept, as the committer wrote it. */
export const socketLogIn = (unit: Unit) => ({
  /** In order, behind `after`, at most so many. */
  async rows(after: number, most: number): Promise<readonly Row[]> {
    const text = "select pos as position, body from socket_log where pos > $1 order by pos limit $2";
    return unit.query(text, [after, most]);
  },

  /** In place of all up to there. */
  async replace({ position, at, body }: Row & { readonly at: number }): Promise<void> {
    await unit.query("delete from socket_log where pos <= $1", [position]);
    await unit.query("insert into socket_log (org, pos, at, body) values ($1, $2, $3, $4)", [
      uuidOf(unit.scope.org),
      position,
      at,
      body,
    ]);
  },
});
