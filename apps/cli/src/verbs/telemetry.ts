import { measuredText, type Reply } from "@holdfast/client";
import { rfc3339 } from "@holdfast/kernel";
import { aggregates, routes } from "@holdfast/protocol";
import { Misuse } from "../failure.ts";
import { parseMoment } from "../moment.ts";
import { allPages, paging } from "../pages.ts";
import { duration, idOf, oneOf, optional, pair, required, some, text, type Reader } from "../parameter.ts";
import type { World } from "../world.ts";
import { verb } from "../verb.ts";

type Point = Reply<typeof routes.readTelemetry>["items"][number];
type Latest = Reply<typeof routes.readLatest>["items"][number];

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

const instant = (written: string | undefined, { clock }: World): string | undefined =>
  written === undefined ? undefined : rfc3339(parseMoment(written, clock.now()));

const shown = (value: unknown): string => (value === undefined ? "" : measuredText(value));

export const telemetryVerbs = [
  verb({
    name: "telemetry get",
    summary: "Read what a device measured, oldest first",
    arguments: one,
    flags: {
      attribute: required(text("ATTRIBUTE"), "what was measured"),
      from: optional(moment, "from this time on: 2026-01-31T12:00:00Z, or -24h"),
      to: optional(moment, "up to, not including, this time; now is a time too"),
      every: optional(duration, "one aggregate for every so long"),
      aggregate: optional(aggregateList, `with --every: ${aggregates.join(", ")}`),
      ...paging,
    },
    examples: ["telemetry get dev_… --attribute temperature --from -24h --every 1h --aggregate avg,max"],
    async run({ device, attribute, from, to, every, aggregate, ...given }, tools) {
      const { print, world } = tools;
      if (aggregate !== undefined && every === undefined)
        throw new Misuse("--aggregate goes with --every, for example --every 1h.");
      const client = await tools.client();
      const range = { attribute, from: instant(from, world), to: instant(to, world), every, aggregate };
      const page = await allPages(
        given,
        print,
        (asked) => client.call(routes.readTelemetry, { params: { device }, query: { ...range, ...asked } }),
        { most: 100_000, perPage: 10_000 },
      );
      const names = ["value", "mark", ...aggregates].filter((name) => page.items.some((point) => name in point));
      const columns = [
        { title: "TIME", cell: ({ time }: Point) => time },
        ...names.map((name) => ({
          title: name.toUpperCase(),
          cell: (point: Point) => shown(Object.entries(point).find(([key]) => key === name)?.[1]),
          align: "right" as const,
        })),
      ];
      print.list(page, columns, "Nothing was measured then.");
    },
  }),
  verb({
    name: "telemetry latest",
    summary: "Show the newest value of each attribute of a device",
    arguments: one,
    async run(params, tools) {
      const { print } = tools;
      const client = await tools.client();
      const columns = [
        { title: "ATTRIBUTE", cell: ({ attribute }: Latest) => attribute },
        { title: "VALUE", cell: ({ value }: Latest) => shown(value), align: "right" as const },
        { title: "MARK", cell: ({ mark }: Latest) => mark ?? "" },
        { title: "TIME", cell: ({ time }: Latest) => time },
        { title: "WHEN", cell: ({ time }: Latest) => print.ago(time) },
      ];
      print.list(await client.call(routes.readLatest, { params }), columns, "It has not measured anything yet.");
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
