import { isId, Refusal, rfc3339 } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { on, type Handler } from "../authority/index.ts";
import type { Plans } from "./plans.ts";
import type { UsageRow } from "./postgres.ts";
import type { Quotas } from "./quota.ts";
import type { Shown, Usage } from "./usage.ts";

type Needs = { readonly usage: Usage; readonly plans: Plans };

export const accountingRoutes = ({ usage, plans }: Needs): Handler[] => [
  on(routes.readUsage, async ({ permit, query }) => pageReply(await usage.steps(permit, query), usageReply)),
  on(routes.listConnections, async ({ permit, query: { open, ...asked } }) =>
    pageReply(
      await usage.connections(permit, { ...asked, ...(open !== undefined && { open: open === "true" }) }),
      connectionReply,
    ),
  ),
  on(routes.readQuotas, async ({ permit }) => {
    const { plan, from, to, items } = await usage.quotas(permit);
    return { ...(plan !== undefined && { plan }), from: rfc3339(from), to: rfc3339(to), items: [...items] };
  }),

  on(routes.listPlans, async ({ permit }) => ({ items: [...(await plans.all(permit))] })),
  on(routes.savePlan, async ({ permit, body }) => {
    const quotas = quotasIn(body.quotas);
    await plans.save(permit, body.name, quotas);
    return { name: body.name, quotas };
  }),
  on(routes.removePlan, async ({ permit, params }) => {
    await plans.remove(permit, params["plan"] ?? "");
    return {};
  }),
  on(routes.givePlan, async ({ permit, params, body }) => {
    const org = params["org"] ?? "";
    if (!isId("org", org)) throw new Refusal("org.unknown");
    await plans.give(permit, org, body.plan ?? undefined);
    return {};
  }),
];

/** What was left out is not bounded. */
const quotasIn = (written: Readonly<Record<string, number | undefined>>): Quotas =>
  Object.fromEntries(Object.entries(written).filter(([, limit]) => limit !== undefined));

const pageReply = <T, R>(page: { items: readonly T[]; nextCursor: string | undefined }, reply: (item: T) => R) => ({
  items: page.items.map(reply),
  ...(page.nextCursor !== undefined && { nextCursor: page.nextCursor }),
});

const usageReply = ({ at, about, counts }: UsageRow) => ({
  time: rfc3339(at),
  ...(about !== undefined && { about }),
  ...counts,
});

const connectionReply = ({ beganAt, ended, ...rest }: Shown) => ({
  ...rest,
  beganAt: rfc3339(beganAt),
  ...(ended && { endedAt: rfc3339(ended.at), cause: ended.cause }),
});
