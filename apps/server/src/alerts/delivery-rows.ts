import { idFrom, uuidOf, type Id } from "@holdfast/kernel";
import type { Unit } from "../storage/index.ts";
import type { Rule } from "./rule.ts";

const events = ["raised", "cleared"] as const; // as the migration numbers them

/** Somebody who has still to be told of an alert. */
export type Delivery = {
  readonly id: string;
  readonly alert: Id<"alert">;
  readonly event: (typeof events)[number];
  readonly webhook: Id<"webhook"> | undefined;
  readonly person: Id<"person"> | undefined;
  readonly attempts: number;
};

type DeliveryRow = {
  id: string;
  alert: string;
  event: number;
  webhook: string | null;
  person: string | null;
  attempts: number;
};

export const deliveriesIn = (unit: Unit) => ({
  async add(
    alert: Id<"alert">,
    event: Delivery["event"],
    { people, webhooks }: Pick<Rule, "people" | "webhooks">,
  ): Promise<void> {
    const to = [...webhooks.map((one) => [uuidOf(one), null]), ...people.map((one) => [null, uuidOf(one)])];
    await unit.query(
      `insert into alert_delivery (org, id, alert, event, webhook, person, created_at, due_at, attempts)
         select $1, gen_random_uuid(), $2, $3, d.webhook, d.person, $4, $4, 0 from unnest($5::uuid[], $6::uuid[]) as d(webhook, person)`,
      [
        uuidOf(unit.scope.org),
        uuidOf(alert),
        events.indexOf(event),
        unit.at,
        to.map(([webhook]) => webhook),
        to.map(([, person]) => person),
      ],
    );
  },

  /** Those whose turn it is, in the order in which they came: of each webhook the oldest. */
  async due(most: number): Promise<readonly Delivery[]> {
    const rows = await unit.query<DeliveryRow>(
      `select distinct on (coalesce(webhook, id)) id, alert, event, webhook, person, attempts from alert_delivery
        where due_at <= $1 order by coalesce(webhook, id), created_at, event, id limit $2`,
      [unit.at, most],
    );
    return rows.map((row) => ({
      id: row.id.replaceAll("-", ""),
      alert: idFrom("alert", row.alert),
      event: events[row.event] ?? "raised",
      webhook: row.webhook === null ? undefined : idFrom("webhook", row.webhook),
      person: row.person === null ? undefined : idFrom("person", row.person),
      attempts: row.attempts,
    }));
  },

  async nextDue(): Promise<number> {
    const [row] = await unit.query<{ due: string | null }>("select min(due_at) as due from alert_delivery", []);
    return row?.due ? Number(row.due) : Number.POSITIVE_INFINITY;
  },

  async again(id: string, dueAt: number): Promise<void> {
    await unit.query("update alert_delivery set due_at = $2, attempts = attempts + 1 where id = $1", [id, dueAt]);
  },

  async done(id: string): Promise<void> {
    await unit.query("delete from alert_delivery where id = $1", [id]);
  },

  async giveUp(webhook: Id<"webhook">): Promise<void> {
    await unit.query("delete from alert_delivery where webhook = $1", [uuidOf(webhook)]);
  },
});
