import { quotaNames } from "@holdfast/protocol";
import type { InstanceUnit } from "../storage/index.ts";
import type { Quotas } from "./quota.ts";

/** Plans belong to the deployment, as organisations do: rows without one. */
export const plansIn = (unit: InstanceUnit) => ({
  async all(): Promise<ReadonlyMap<string, Quotas>> {
    const rows = await unit.query<{ name: string; quotas: Record<string, number> }>(
      "select name, quotas from plan order by name",
      [],
    );
    return new Map(rows.map(({ name, quotas }) => [name, quotasIn(quotas)]));
  },

  async save(name: string, quotas: Quotas): Promise<void> {
    await unit.query(
      "insert into plan (name, quotas) values ($1, $2) on conflict (name) do update set quotas = excluded.quotas",
      [name, JSON.stringify(quotas)],
    );
  },

  async remove(name: string): Promise<void> {
    await unit.query("delete from plan where name = $1", [name]);
  },
});

/** A later platform may bound what this one does not count. */
const quotasIn = (kept: Readonly<Record<string, number>>): Quotas =>
  Object.fromEntries(quotaNames.flatMap((name) => (kept[name] === undefined ? [] : [[name, kept[name]]])));
