import { isRefusal, uuidOf, type Instant, type Random } from "@holdfast/kernel";
import type { Unit } from "../storage/index.ts";
import type { Notice } from "./notices.ts";

type Row = { readonly id: string; readonly created_at: string; readonly body: Uint8Array };

/** A notice that waits; none where somebody has altered it. */
export type Waiting = { readonly id: string; readonly createdAt: Instant; readonly notice: Notice | undefined };

const place = (id: string, createdAt: number): string => `${id}|${createdAt}`;

/** What owners of devices have still to be told. */
export const noticesIn = (unit: Unit) => ({
  async add(notice: Notice, random: Random): Promise<void> {
    const id = random.bytes(16).toHex();
    const body = new TextEncoder().encode(JSON.stringify(notice));
    await unit.query("insert into claim_notice (org, id, created_at, due_at, body) values ($1, $2, $3, $3, $4)", [
      uuidOf(unit.scope.org),
      id,
      unit.at,
      unit.scope.seal("claim-notice", place(id, unit.at), body),
    ]);
  },

  /** Those whose turn it is, the oldest first. */
  async due(most: number): Promise<readonly Waiting[]> {
    const rows = await unit.query<Row>(
      "select id, created_at, body from claim_notice where due_at <= $1 order by created_at, id limit $2",
      [unit.at, most],
    );
    return rows.map((row) => {
      const id = row.id.replaceAll("-", "");
      const createdAt = Number(row.created_at) as Instant; // a bigint column of ours
      return { id, createdAt, notice: opened(unit, place(id, createdAt), row.body) };
    });
  },

  async again(id: string, dueAt: number): Promise<void> {
    await unit.query("update claim_notice set due_at = $2 where id = $1", [id, dueAt]);
  },

  async done(id: string): Promise<void> {
    await unit.query("delete from claim_notice where id = $1", [id]);
  },
});

function opened({ scope }: Unit, at: string, body: Uint8Array): Notice | undefined {
  try {
    return JSON.parse(new TextDecoder().decode(scope.open("claim-notice", at, body))) as Notice; // sealed by `add`, so it is one
  } catch (error) {
    if (isRefusal(error, "seal.broken")) return undefined;
    throw error;
  }
}
