import { rfc3339, type Id } from "@holdfast/kernel";
import { routes, type Aggregate } from "@holdfast/protocol";
import type { Accounts } from "../accounting/index.ts";
import { on, type Bounds, type Caller, type Handler, type Raw } from "../authority/index.ts";
import type { Asking } from "./asking.ts";
import { lineProtocol } from "./body.ts";
import type { Bucket } from "./buckets.ts";
import type { Filled } from "./filling.ts";
import { keptRoutes } from "./kept-routes.ts";
import type { Point } from "./points.ts";
import type { Item } from "./questions.ts";
import type { Retention } from "./retention.ts";
import { violationOf } from "./schema.ts";
import { mapInStints, Stint } from "./stint.ts";
import type { Telemetry } from "./telemetry.ts";
import { plainOf, type Value } from "./value.ts";

export const telemetryRoutes = ({
  telemetry,
  retention,
  accounts,
  asking: { queries, questions, exports },
}: {
  telemetry: Telemetry;
  retention: Retention;
  accounts: Accounts;
  asking: Asking;
}): Handler[] => [
  on(routes.sendTelemetry, async ({ permit, caller, body }) => ({
    accepted: await telemetry.send(permit, body.bytes, kindOf(body), await deliveryOf(accounts, caller, permit.on)),
  })),
  on(routes.sendTelemetryFor, async ({ permit, caller, body }) => ({
    accepted: await telemetry.send(permit, body.bytes, kindOf(body), await deliveryOf(accounts, caller, permit.on)),
  })),
  on(routes.writeLines, async ({ permit, caller, body, query: { precision } }) => {
    const kind = { ...kindOf(body), contentType: lineProtocol, precision };
    await telemetry.send(permit, body.bytes, kind, await deliveryOf(accounts, caller, permit.on));
    return {};
  }),
  on(routes.readTelemetry, async ({ permit, caller, query }) => {
    const { attribute, from, to, limit, cursor, every, timezone, aggregate } = query;
    const range = { attribute, from, to, limit, cursor };
    const next = (nextCursor: string | undefined) => (nextCursor === undefined ? {} : { nextCursor });
    if (every !== undefined) {
      const page = await queries.aggregate(permit, { ...range, every, timezone, aggregates: aggregate ?? ["avg"] });
      return { items: await mapInStints(page.items, bucketReply), ...next(page.nextCursor) };
    }
    const { items, nextCursor } = await queries.points(permit, range);
    const bounds = boundsOf(caller, permit.on)?.get(attribute);
    return { items: await mapInStints(items, (point) => pointReply(point, bounds)), ...next(nextCursor) };
  }),
  on(routes.readLatest, async ({ permit, caller }) => {
    const latest = await queries.latest(permit);
    const bounds = boundsOf(caller, permit.on);
    return {
      items: latest.map(({ attribute, point }) => ({ attribute, ...pointReply(point, bounds?.get(attribute)) })),
    };
  }),
  on(routes.queryTelemetry, async ({ reach, caller, body }) => {
    const { devices, application, product, tags, ...question } = body;
    const answers = await questions.ask(reach, { devices, application, product, tags }, question);
    const stint = new Stint();
    const series = [];
    for (const { device, attribute, type, items } of answers) {
      const bounds = device && boundsOf(caller, device)?.get(attribute);
      const replyOf = (item: Item) => ("value" in item ? pointReply(item, bounds) : filledReply(item));
      series.push({ ...(device && { device }), attribute, type, items: await mapInStints(items, replyOf, stint) });
    }
    return { series };
  }),
  on(routes.readLatestOfMany, async ({ reach, caller, body: { attributes, ...which } }) => ({
    items: (await questions.latest(reach, which, attributes)).map(({ device, attribute, point }) => ({
      device,
      attribute,
      ...pointReply(point, boundsOf(caller, device)?.get(attribute)),
    })),
  })),
  on(routes.exportTelemetry, async ({ reach, body: { attributes, from, to, format, ...which } }) =>
    exports.begin(reach, which, { attributes, from, to, format }),
  ),
  ...keptRoutes(retention, telemetry.erasures),
  // The listener gives it the connection.
  on(routes.watch, async () => ({ watch: true }) as const),
];

/** Where it is counted. @throws Refusal `quota.exceeded` */
async function deliveryOf(accounts: Accounts, { space, credential, circumstances }: Caller, device: Id<"device">) {
  const account = await accounts.ready(space);
  const refusal = account.deliveryRefusal();
  if (refusal) throw refusal;
  const isItself = credential.device === device;
  const { tls, group } = circumstances ?? {};
  return { meter: account.meter("http", credential, device), ...(isItself && { came: { tls, group } }) };
}

const kindOf = ({ contentType, encoding }: Raw) => ({ contentType, encoding });

/** What the product of a device says that values may be. */
function boundsOf({ space }: Caller, device: Id<"device">): ReadonlyMap<string, Bounds> | undefined {
  const product = space.device(device)?.product;
  return product && space.product(product)?.bounds;
}

/** What is out of the bounds that its product has now is shown with its mark, whichever they were when it came. */
function pointReply({ time, value }: Point, bounds: Bounds | undefined) {
  const mark = bounds && violationOf(bounds, value);
  return { time: rfc3339(time), value: shown(value), ...(mark !== undefined && { mark }) };
}

function filledReply({ time, first, last, ...numbers }: Bucket | Filled) {
  const end = (value: Value | null) => (value === null ? null : shown(value));
  return {
    time: rfc3339(time),
    ...numbers,
    ...(first !== undefined && { first: end(first) }),
    ...(last !== undefined && { last: end(last) }),
  };
}

function bucketReply({ time, first, last, ...numbers }: Bucket) {
  return {
    time: rfc3339(time),
    ...(numbers as Numbers),
    ...(first !== undefined && { first: shown(first) }),
    ...(last !== undefined && { last: shown(last) }),
  };
}

/** All aggregates but the first and the last value are numbers. */
type Numbers = Partial<Record<Exclude<Aggregate, "first" | "last">, number>>;

type Shown = number | boolean | string | unknown[] | Record<string, unknown>;
const shown = (value: Value): Shown => plainOf(value) as Shown; // JSON and locations are plain objects
