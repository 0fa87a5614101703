import { rfc3339, type Id, type Instant } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import type { Accounts, Meter } from "../accounting/index.ts";
import { on, type Caller, type Handler } from "../authority/index.ts";
import type { TelemetryQueries } from "./query.ts";
import type { Telemetry } from "./telemetry.ts";

export const telemetryRoutes = ({
  telemetry,
  queries,
  accounts,
}: {
  telemetry: Telemetry;
  queries: TelemetryQueries;
  accounts: Accounts;
}): Handler[] => [
  on(routes.sendTelemetry, async ({ permit, caller, body }) => ({
    accepted: await telemetry.send(permit, body.bytes, body.contentType, await deliveryOf(accounts, caller, permit.on)),
  })),
  on(routes.sendTelemetryFor, async ({ permit, caller, body }) => ({
    accepted: await telemetry.send(permit, body.bytes, body.contentType, await deliveryOf(accounts, caller, permit.on)),
  })),
  on(routes.readTelemetry, async ({ permit, query }) => {
    const { attribute, from, to, limit, cursor, every, aggregate } = query;
    const range = { attribute, from, to, limit, cursor };
    const { items, nextCursor } =
      every === undefined
        ? await queries.points(permit, range)
        : await queries.aggregate(permit, { ...range, every, aggregates: aggregate ?? ["avg"] });
    return { items: items.map(timed), ...(nextCursor !== undefined && { nextCursor }) };
  }),
  on(routes.readLatest, async ({ permit }) => ({
    items: (await queries.latest(permit)).map(({ attribute, point }) => ({ attribute, ...timed(point) })),
  })),
  // The listener gives it the connection.
  on(routes.watch, async () => ({ watch: true }) as const),
];

/** Where it is counted. @throws Refusal `quota.exceeded` */
async function deliveryOf(accounts: Accounts, { space, credential }: Caller, device: Id<"device">): Promise<Meter> {
  const account = await accounts.ready(space);
  const refusal = account.deliveryRefusal();
  if (refusal) throw refusal;
  return account.meter("http", credential, device);
}

const timed = <T extends { readonly time: Instant }>(item: T) => ({ ...item, time: rfc3339(item.time) });
