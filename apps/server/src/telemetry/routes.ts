import { rfc3339, type Instant } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { on, type Handler } from "../authority/index.ts";
import type { TelemetryQueries } from "./query.ts";
import type { Telemetry } from "./telemetry.ts";

export const telemetryRoutes = ({
  telemetry,
  queries,
}: {
  telemetry: Telemetry;
  queries: TelemetryQueries;
}): Handler[] => [
  on(routes.sendTelemetry, async ({ permit, body }) => ({
    accepted: await telemetry.send(permit, body.bytes, body.contentType),
  })),
  on(routes.sendTelemetryFor, async ({ permit, body }) => ({
    accepted: await telemetry.send(permit, body.bytes, body.contentType),
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

const timed = <T extends { readonly time: Instant }>(item: T) => ({ ...item, time: rfc3339(item.time) });
