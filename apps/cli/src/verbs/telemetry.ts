import { measuredText, type Reply } from "@holdfast/client";
import { rfc3339 } from "@holdfast/kernel";
import {
  aggregates,
  exportFormats,
  exportPointsHeader,
  fills,
  routes,
  step as stepShape,
  timeZone,
} from "@holdfast/protocol";
import { Misuse } from "../failure.ts";
import { parseMoment } from "../moment.ts";
import { allPages, paging } from "../pages.ts";
import {
  any,
  count,
  idOf,
  oneOf,
  optional,
  pair,
  required,
  some,
  text,
  type Given,
  type Reader,
} from "../parameter.ts";
import { keep } from "../keeping.ts";
import { ParquetRows } from "../parquet-rows.ts";
import type { World } from "../world.ts";
import { verb } from "../verb.ts";

type Point = Reply<typeof routes.readTelemetry>["items"][number];
type Latest = Reply<typeof routes.readLatest>["items"][number];
type LatestOfMany = Reply<typeof routes.readLatestOfMany>["items"][number];

const one = { device: required(idOf("device"), "which device") } as const;
const moment = text("TIME");

const aggregateList: Reader<string> = {
  hint: "avg,min,…",
  read: (given) =>
    given
      .split(",")
      .map(oneOf(...aggregates).read)
      .join(","),
};

/** Passed on as it was written. */
const step: Reader<string> = { hint: "1h", read: (given) => checked(given, stepShape.safeParse(given)) };
const zone: Reader<string> = { hint: "Europe/Zurich", read: (given) => checked(given, timeZone.safeParse(given)) };

function checked(
  given: string,
  { error }: { readonly error?: { readonly issues: readonly { message: string }[] } | undefined },
) {
  if (error) throw new Misuse(`"${given}": ${error.issues[0]?.message ?? "not understood"}`);
  return given;
}

/** What JSON writes: a number, true or false, text in quotes, an object or an array; else the text as it stands. */
function valueOf(written: string): unknown {
  try {
    const value: unknown = JSON.parse(written);
    if (value !== null) return value;
  } catch {
    return written; // what is not JSON is text
  }
  throw new Misuse("null is no value: leave out what was not measured.");
}

/** A column for each value or aggregate that there is. */
const valuesOf = <Row extends object>(rows: readonly Row[]) =>
  ["value", "mark", ...aggregates]
    .filter((name) => rows.some((row) => name in row))
    .map((name) => ({
      title: name.toUpperCase(),
      cell: (row: Row) => shown(Object.entries(row).find(([key]) => key === name)?.[1]),
      align: "right" as const,
    }));

const instant = (written: string | undefined, { clock }: World): string | undefined =>
  written === undefined ? undefined : rfc3339(parseMoment(written, clock.now()));

const shown = (value: unknown): string => (value === undefined ? "" : measuredText(value));

/** Which devices are meant: all that is said has to hold. */
const several = {
  devices: any(idOf("device"), "which devices; without them all that the flags say, or that you may read"),
} as const;
const which = {
  application: optional(idOf("application"), "only of this application"),
  product: optional(idOf("product"), "only of this product"),
  tag: any(pair, "only with this tag; all that are given have to be there"),
} as const;
type Which = Given<typeof several> & Given<typeof which>;
const whichOf = ({ devices, application, product, tag }: Which) => ({
  ...(devices.length > 0 && { devices: [...devices] }),
  ...(application && { application }),
  ...(product && { product }),
  ...(tag.length > 0 && { tags: Object.fromEntries(tag) }),
});

export const telemetryVerbs = [
  verb({
    name: "telemetry get",
    summary: "Read what a device measured, oldest first",
    arguments: one,
    flags: {
      attribute: required(text("ATTRIBUTE"), "what was measured"),
      from: optional(moment, "from this time on: 2026-01-31T12:00:00Z, or -24h"),
      to: optional(moment, "up to, not including, this time; now is a time too"),
      every: optional(step, "one aggregate for every so long: 15m, 1h, 1d, 1w, 1mo, 1y"),
      aggregate: optional(aggregateList, `with --every: ${aggregates.join(", ")}`),
      timezone: optional(zone, "where days and months begin; UTC when nobody says"),
      ...paging,
    },
    examples: ["telemetry get dev_… --attribute temperature --from -24h --every 1h --aggregate avg,max"],
    async run({ device, attribute, from, to, every, aggregate, timezone, ...given }, tools) {
      const { print, world } = tools;
      if (aggregate !== undefined && every === undefined)
        throw new Misuse("--aggregate goes with --every, for example --every 1h.");
      const client = await tools.client();
      const range = { attribute, from: instant(from, world), to: instant(to, world), every, aggregate, timezone };
      const page = await allPages(
        given,
        print,
        (asked) => client.call(routes.readTelemetry, { params: { device }, query: { ...range, ...asked } }),
        { most: 100_000, perPage: 10_000 },
      );
      const columns = [{ title: "TIME", cell: ({ time }: Point) => time }, ...valuesOf(page.items)];
      print.list(page, columns, "Nothing was measured then.");
    },
  }),
  verb({
    name: "telemetry query",
    summary: "Ask about several devices and attributes at once",
    arguments: several,
    flags: {
      ...which,
      attribute: some(text("ATTRIBUTE"), "what was measured"),
      from: required(moment, "from this time on: 2026-01-31T12:00:00Z, or -24h"),
      to: optional(moment, "up to, not including, this time; now when nobody says otherwise"),
      every: optional(step, "one aggregate for every so long: 15m, 1h, 1d, 1w, 1mo, 1y"),
      aggregate: optional(aggregateList, `with --every: ${aggregates.join(", ")}`),
      fill: optional(oneOf(...fills), "with --every: what stands where nothing was measured"),
      timezone: optional(zone, "where days and months begin; UTC when nobody says"),
      by: optional(oneOf("device", "attribute"), "a series for each device, or one of all devices for each attribute"),
      width: optional(count, "points for a chart so many pixels wide, with every peak"),
    },
    examples: [
      "telemetry query --tag site=north --attribute temperature --from -30d --every 1d --timezone Europe/Zurich --aggregate avg,p95",
    ],
    async run({ attribute, from, to, every, aggregate, fill, timezone, by, width, ...devices }, tools) {
      const { print, world } = tools;
      const client = await tools.client();
      const reply = await client.call(routes.queryTelemetry, {
        body: {
          ...whichOf(devices),
          attributes: [...attribute],
          from: rfc3339(parseMoment(from, world.clock.now())),
          to: instant(to, world),
          every,
          aggregates: aggregate?.split(",").map(oneOf(...aggregates).read),
          fill,
          timezone,
          by,
          width,
        },
      });
      if (print.isJson) return print.thing(reply, []);
      const rows = reply.series.flatMap(({ device = "", attribute: name, items }) =>
        items.map((item) => ({ device, name, ...item })),
      );
      const columns = [
        { title: "TIME", cell: ({ time }: (typeof rows)[number]) => time },
        { title: "DEVICE", cell: ({ device }: (typeof rows)[number]) => device },
        { title: "ATTRIBUTE", cell: ({ name }: (typeof rows)[number]) => name },
        ...valuesOf(rows),
      ];
      print.list({ items: rows }, columns, "Nothing was measured then, or nothing that you may read.");
    },
  }),
  verb({
    name: "telemetry export",
    summary: "Write every point to a file, while it is read",
    arguments: several,
    flags: {
      ...which,
      attribute: any(text("ATTRIBUTE"), "what was measured; all when nobody says otherwise"),
      from: required(moment, "from this time on: 2026-01-31T12:00:00Z, or -30d"),
      to: optional(moment, "up to, not including, this time; now when nobody says otherwise"),
      format: optional(oneOf(...exportFormats), "csv when nobody says otherwise"),
      output: optional(text("FILE"), "where to; without it to where the answer goes"),
    },
    examples: ["telemetry export dev_… --from -30d --format parquet --output pump.parquet"],
    async run({ attribute, from, to, format = "csv", output, ...devices }, tools) {
      const { print, world } = tools;
      const client = await tools.client();
      const body = {
        ...whichOf(devices),
        ...(attribute.length > 0 && { attributes: [...attribute] }),
        from: rfc3339(parseMoment(from, world.clock.now())),
        to: instant(to, world),
        format,
      };
      let points = "";
      const chunks = client.download(routes.exportTelemetry, { body }, (header) => {
        points = header(exportPointsHeader.toLowerCase()) ?? "";
      });
      let bytes = 0;
      let lines = 0;
      const rows = new ParquetRows();
      const done = (): string => {
        const total = Number(points).toLocaleString("en");
        const size = `${(bytes / 1e6).toLocaleString("en", { maximumFractionDigits: 1 })} MB`;
        if (Number(points) === 0) return `Exporting, ${size}`;
        const written = format === "parquet" ? rows.count : lines;
        return `Exporting, ${Math.min(99, Math.floor((100 * written) / Number(points)))} % of about ${total} points, ${size}`;
      };
      const counted = async function* () {
        for await (const chunk of chunks) {
          bytes += chunk.length;
          if (format === "parquet") rows.add(chunk);
          else for (const byte of chunk) if (byte === 0x0a) lines += 1;
          yield chunk;
        }
      };
      await print.progress.during(done, keep(counted(), output, world.out));
      if (output !== undefined)
        print.thing({ file: output, bytes }, [
          ["file", output],
          ["bytes", String(bytes)],
        ]);
    },
  }),
  verb({
    name: "telemetry latest",
    summary: "Show the newest value of each attribute of devices",
    arguments: several,
    flags: { ...which, attribute: any(text("ATTRIBUTE"), "what was measured; all when nobody says otherwise") },
    examples: ["telemetry latest dev_…", "telemetry latest --tag site=north --attribute temperature"],
    async run({ attribute, ...devices }, tools) {
      const { print } = tools;
      const client = await tools.client();
      const columns = [
        { title: "ATTRIBUTE", cell: ({ attribute: name }: Latest) => name },
        { title: "VALUE", cell: ({ value }: Latest) => shown(value), align: "right" as const },
        { title: "MARK", cell: ({ mark }: Latest) => mark ?? "" },
        { title: "TIME", cell: ({ time }: Latest) => time },
        { title: "WHEN", cell: ({ time }: Latest) => print.ago(time) },
      ];
      const asked = whichOf(devices);
      const [device] = devices.devices;
      // One by its id is told apart from none: who may not read it hears so.
      if (device && devices.devices.length === 1 && Object.keys(asked).length === 1 && attribute.length === 0)
        return print.list(
          await client.call(routes.readLatest, { params: { device } }),
          columns,
          "It has not measured anything yet.",
        );
      const body = { ...asked, ...(attribute.length > 0 && { attributes: [...attribute] }) };
      print.list(
        await client.call(routes.readLatestOfMany, { body }),
        [{ title: "DEVICE", cell: (row: LatestOfMany) => row.device }, ...columns],
        "Nothing was measured yet, or nothing that you may read.",
      );
    },
  }),
  verb({
    name: "telemetry send",
    summary: "Send a reading on behalf of a device",
    arguments: { ...one, values: some(pair, "what was measured, as NAME=VALUE") },
    flags: { time: optional(moment, "when it was measured; now when nobody says otherwise") },
    examples: [
      "telemetry send dev_… temperature=21.5 running=true",
      `telemetry send dev_… 'position={"latitude": 47.4, "longitude": 8.5}'`,
    ],
    async run({ device, values, time }, tools) {
      const reading = Object.fromEntries(values.map(([name, written]) => [name, valueOf(written)]));
      const at = instant(time, tools.world);
      const content = JSON.stringify(at === undefined ? { values: reading } : { time: at, values: reading });
      const body = { contentType: "application/json", content };
      const reply = await (await tools.client()).call(routes.sendTelemetryFor, { params: { device }, body });
      tools.print.thing(reply, [["accepted", String(reply.accepted)]]);
    },
  }),
];
