import { z } from "zod";
import { cursor, id, measured, namedBy, noReply, pageOf, tagKey, tagValue, time, when, whenSaid } from "./shapes.ts";
import { liveEvents } from "./live.ts";
import { attributeName } from "./products.ts";
import { route } from "./route.ts";
import { step, timeZone } from "./step.ts";

const value = measured;
const mark = z
  .string()
  .optional()
  .describe("The code of what is wrong with the value, by the schema that the product has now.");
/** Of points that can be put in an order of size: the least value that so many of a hundred are not above. */
export const percentiles = ["p50", "p90", "p95", "p99"] as const;
export const aggregates = ["avg", "min", "max", "count", "sum", "first", "last", ...percentiles] as const;
export type Aggregate = (typeof aggregates)[number];

const aggregated = {
  avg: z.number().nullish(),
  min: z.number().nullish(),
  max: z.number().nullish(),
  count: z.number().optional(),
  sum: z.number().nullish(),
  first: value.nullish(),
  last: value.nullish(),
  p50: z.number().nullish(),
  p90: z.number().nullish(),
  p95: z.number().nullish(),
  p99: z.number().nullish(),
} satisfies Record<Aggregate, z.ZodType>;
/** Where nothing was filled, nothing is null. */
const known = {
  avg: z.number().optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  count: z.number().optional(),
  sum: z.number().optional(),
  first: value.optional(),
  last: value.optional(),
  p50: z.number().optional(),
  p90: z.number().optional(),
  p95: z.number().optional(),
  p99: z.number().optional(),
} satisfies Record<Aggregate, z.ZodType>;

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
      every: step.optional(),
      timezone: timeZone.optional().describe("Where days and months begin, and hours too; UTC when nobody says."),
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
  reply: pageOf(z.object({ time, value: value.optional(), mark, ...known })),
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

/** Which devices: all that is said has to hold, and nothing said is all that the caller may read. */
const which = {
  devices: z.array(id("device")).min(1).max(1_000).optional(),
  application: id("application").optional(),
  product: id("product").optional(),
  tags: namedBy(tagKey, tagValue).optional().describe("All of these, with these values."),
};
const attributes = z.array(attributeName).min(1).max(32);

/** What stands where a step has no points: nothing, `null`, what stood before, what lies between its neighbours, or 0. */
export const fills = ["none", "null", "previous", "linear", "zero"] as const;
export type Fill = (typeof fills)[number];

const askedBody = z.strictObject({
  ...which,
  attributes,
  from: whenSaid,
  to: whenSaid.optional().describe("Now, when nobody says."),
  every: step.optional(),
  aggregates: z.array(z.enum(aggregates)).min(1).optional().describe("Of each step; `avg` when none is named."),
  fill: z.enum(fills).default("none"),
  timezone: timeZone.optional().describe("Where days and months begin, and hours too; UTC when nobody says."),
  by: z
    .enum(["device", "attribute"])
    .default("device")
    .describe("A series for each device and attribute, or all devices of an attribute together."),
  width: z
    .number()
    .int()
    .min(10)
    .max(4_000)
    .optional()
    .describe("In place of every, for a chart so many pixels wide: at most four points for each, and no peak is lost."),
});

export const queryTelemetry = route({
  method: "POST",
  path: "/v1/telemetry/query",
  summary:
    "Several devices and attributes at once: the aggregates of each step with `every`, points for a chart with `width`, else the points themselves. Only what the caller may read is answered. What is too much for one question is refused with a narrower one.",
  needs: "telemetry.read",
  on: "reach",
  pages: true,
  body: askedBody
    .refine(({ every, aggregates: named }) => named === undefined || every !== undefined, {
      path: ["aggregates"],
      message: 'goes with every, for example "every": "1h"',
    })
    .refine(({ every, fill }) => fill === "none" || every !== undefined, {
      path: ["fill"],
      message: "goes with every: points have no gaps of a known length",
    })
    .refine(({ every, by }) => by === "device" || every !== undefined, {
      path: ["by"],
      message: "devices are put together by aggregates: it goes with every",
    })
    .refine(({ every, width }) => every === undefined || width === undefined, {
      path: ["width"],
      message: "stands in place of every",
    }),
  reply: z.object({
    series: z.array(
      z.object({
        device: id("device").optional(),
        attribute: z.string(),
        type: z.string(),
        items: z.array(z.object({ time, value: value.optional(), mark, ...aggregated })),
      }),
    ),
  }),
});

export const readLatestOfMany = route({
  method: "POST",
  path: "/v1/telemetry/latest",
  summary:
    "The newest point of each of these attributes, or of all, of each of these devices that the caller may read.",
  needs: "telemetry.read",
  on: "reach",
  pages: true,
  body: z.strictObject({ ...which, attributes: attributes.optional() }),
  reply: z.object({ items: z.array(z.object({ device: id("device"), attribute: z.string(), time, value, mark })) }),
});

export const exportFormats = ["csv", "ndjson", "parquet"] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** Of an answer that is an export: how many points there were when it began. */
export const exportPointsHeader = "Holdfast-Points";

export const exportTelemetry = route({
  method: "POST",
  path: "/v1/telemetry/export",
  summary: `Every point of these attributes, or of all, as a file that is written while it is read: one series behind the other, each oldest first. \`${exportPointsHeader}\` says about how many there are. One that is cut off was not finished, for whatever reason.`,
  needs: "telemetry.read",
  on: "reach",
  pages: true,
  body: z.strictObject({
    ...which,
    attributes: attributes.optional(),
    from: whenSaid,
    to: whenSaid.optional().describe("Now, when nobody says."),
    format: z.enum(exportFormats),
  }),
  reply: "download",
  media: ["text/csv", "application/x-ndjson", "application/vnd.apache.parquet"],
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
