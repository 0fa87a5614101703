import { z } from "zod";
import { cursor, duration, id, measured, noReply, pageOf, time, when } from "./shapes.ts";
import { liveEvents } from "./live.ts";
import { attributeName } from "./products.ts";
import { route } from "./route.ts";

const value = measured;
const mark = z
  .string()
  .optional()
  .describe("The code of what is wrong with the value, by the schema that the product has now.");
export const aggregates = ["avg", "min", "max", "count", "sum", "first", "last"] as const;
export type Aggregate = (typeof aggregates)[number];

const on = { path: "device" } as const;

export const sendTelemetry = route({
  method: "POST",
  path: "/v1/me/telemetry",
  summary: "A device delivers what it measured. Answered once it is durable.",
  needs: "telemetry.write",
  on: "me",
  body: "bytes",
  reply: z.object({ accepted: z.number().int() }),
});

export const sendTelemetryFor = route({
  method: "POST",
  path: "/v1/devices/{device}/telemetry",
  summary: "The same, by a program on behalf of a device.",
  needs: "telemetry.write",
  on,
  body: "bytes",
  reply: z.object({ accepted: z.number().int() }),
});

/** InfluxDB's names for what its times count. */
export const precisions = ["ns", "us", "ms", "s"] as const;

export const writeLines = route({
  method: "POST",
  path: "/api/v2/write",
  summary:
    "A device delivers line protocol, by a client of InfluxDB, with `Authorization: Token …` or any other header that shows its credential. Whose device it is says the credential: `org` and `bucket` are passed over. Refusals have our codes where InfluxDB's clients look for theirs.",
  needs: "telemetry.write",
  on: "me",
  query: z.object({
    precision: z.enum(precisions).default("ns"),
    org: z.string().optional(),
    orgID: z.string().optional(),
    bucket: z.string().optional(),
  }),
  body: "bytes",
  reply: noReply,
  status: 204,
  speaks: "influx",
});

export const readTelemetry = route({
  method: "GET",
  path: "/v1/devices/{device}/telemetry",
  summary:
    "The points of one attribute from `from` up to, not including, `to`, oldest first; with `every`, the aggregates (`avg` when none is named) of each step that has points. A page has `limit` points or steps, and `nextCursor` when there are more.",
  needs: "telemetry.read",
  pages: true,
  on,
  query: z
    .strictObject({
      attribute: attributeName,
      from: when.optional(),
      to: when.optional(),
      limit: z.coerce.number().int().min(1).max(10_000).default(1_000),
      cursor,
      every: duration.optional(),
      aggregate: z
        .string()
        .transform((text) => text.split(","))
        .pipe(z.array(z.enum(aggregates)).min(1))
        .optional(),
    })
    .refine(({ every, aggregate }) => aggregate === undefined || every !== undefined, {
      path: ["aggregate"],
      message: "goes with every: it says over how long to aggregate, for example every=1h",
    }),
  reply: pageOf(
    z.object({
      time,
      value: value.optional(),
      mark,
      avg: z.number().optional(),
      min: z.number().optional(),
      max: z.number().optional(),
      count: z.number().optional(),
      sum: z.number().optional(),
      first: value.optional(),
      last: value.optional(),
    } satisfies Record<"time" | "value" | "mark" | Aggregate, z.ZodType>),
  ),
});

export const readLatest = route({
  method: "GET",
  path: "/v1/devices/{device}/telemetry/latest",
  summary: "The newest point of each attribute of a device.",
  needs: "telemetry.read",
  pages: true,
  on,
  reply: z.object({ items: z.array(z.object({ attribute: z.string(), time, value, mark })) }),
});

const strangers = z
  .enum(["true", "false"])
  .optional()
  .describe("`true`: also who came from your address and is nobody's device, as whoever adds a device wants to know.");

/** As many as a dashboard names; more are watched by watching all. */
const mostWatched = 60;

const watched = z
  .string()
  .transform((text) => text.split(","))
  .pipe(z.array(id("device")).min(1).max(mostWatched))
  .optional()
  .describe("Up to 60, with commas between them.");

export const watch = route({
  method: "GET",
  path: "/v1/live",
  summary:
    "Server-sent events (or a WebSocket at the same path, with the name as `event` in each object): what is measured and refused, and who comes and goes, as it happens, of one device, of several or of all that the caller may read.",
  needs: "telemetry.read",
  on: "reach",
  pages: true,
  query: z.strictObject({
    device: id("device").optional(),
    devices: watched,
    strangers,
  }),
  reply: "stream",
  events: liveEvents,
});

/**
 * The first frame of a WebSocket at the same path that showed no credential in a header; from a browser whose cookie says who asks,
 * as a member of which organisation.
 */
export const watchHello = z.union([
  z.strictObject({ token: z.string().max(8_300), device: id("device").optional(), devices: watched, strangers }),
  z.strictObject({ org: id("org"), device: id("device").optional(), devices: watched, strangers }),
]);
