import { z } from "zod";
import { attributeName } from "./products.ts";
import { route } from "./route.ts";
import { duration, id, name, noReply, role, tagKey, tagValue, time, version } from "./shapes.ts";
import { aggregates, percentiles } from "./telemetry.ts";

/** Cells across; on a narrow screen widgets stand below each other in the order of their places. */
export const dashboardColumns = 12;
const mostRows = 400;
export const mostWidgets = 40;
export const mostDevicesInSource = 20;
const mostLines = 12;

const text = (most: number) =>
  z
    .string()
    .max(most)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, "a character that cannot be shown");

const cell = z.number().int();
const place = z
  .strictObject({
    x: cell.min(0).max(dashboardColumns - 1),
    y: cell.min(0).max(mostRows),
    w: cell.min(1).max(dashboardColumns),
    h: cell.min(1).max(24),
  })
  .refine(({ x, w }) => x + w <= dashboardColumns, `reaches beyond the ${dashboardColumns} columns`);

/** Whose readings: of devices by name, or of all that have a tag or are of a product, today and later. */
const source = z.union([
  z.strictObject({ devices: z.array(id("device")).min(1).max(mostDevicesInSource) }),
  z.strictObject({ tag: z.strictObject({ key: tagKey, value: tagValue }) }),
  z.strictObject({ product: id("product") }),
]);
export type DashboardSource = z.infer<typeof source>;

export const dashboardRanges = ["15m", "1h", "24h", "7d", "30d"] as const;
const range = z.enum(dashboardRanges).default("1h");
/** Those that are put together from steps: percentiles are not. */
const aggregate = z.enum(aggregates).exclude(percentiles);
const unit = text(32).optional();
const decimals = z.number().int().min(0).max(6).optional();
const finite = z.number();

/** What a number means. The word stands beside the colour. */
const band = z.strictObject({
  from: finite,
  to: finite,
  level: z.enum(["good", "warn", "bad"]),
  label: text(40).optional(),
});

const common = {
  id: z
    .string()
    .regex(/^[a-z0-9]{1,16}$/, "1 to 16 small letters and digits")
    .describe("Its name within the dashboard, for whoever changes it."),
  title: text(120).default(""),
  place,
};
const one = { device: id("device"), attribute: attributeName };

const line = z.strictObject({
  ...common,
  type: z.literal("line"),
  lines: z
    .array(z.strictObject({ of: source, attribute: attributeName, label: text(80).optional(), unit }))
    .min(1)
    .max(mostLines),
  range,
  aggregate: z.enum(["avg", "min", "max", "sum", "count"]).default("avg"),
});

const value = z.strictObject({
  ...common,
  type: z.literal("value"),
  ...one,
  unit,
  decimals,
  range,
  aggregate: aggregate.default("last"),
  compare: z.boolean().default(false).describe("With the same span of time before, as a difference in words."),
});

const gauge = z
  .strictObject({
    ...common,
    type: z.literal("gauge"),
    ...one,
    unit,
    decimals,
    min: finite,
    max: finite,
    bands: z.array(band).max(8).default([]),
  })
  .refine(({ min, max }) => min < max, { path: ["max"], message: "more than min" });

const table = z.strictObject({
  ...common,
  type: z.literal("table"),
  of: source,
  attributes: z.array(attributeName).min(1).max(8),
});

/** Where a device is: by one attribute that is a location, or by two numbers. */
const position = z.union([
  z.strictObject({ location: attributeName }),
  z.strictObject({ latitude: attributeName, longitude: attributeName }),
]);

const map = z.strictObject({
  ...common,
  type: z.literal("map"),
  of: source,
  at: position,
  attributes: z.array(attributeName).max(4).default([]).describe("What is said of each device there."),
});

const status = z.strictObject({ ...common, type: z.literal("status"), of: source });

const widget = z.discriminatedUnion("type", [line, value, gauge, table, map, status]);
export type Widget = z.infer<typeof widget>;

const widgets = z
  .array(widget)
  .max(mostWidgets, `at most ${mostWidgets} widgets`)
  .refine((all) => new Set(all.map((each) => each.id)).size === all.length, "two widgets have one id");
const roles = z
  .array(role)
  .min(1)
  .max(32)
  .describe("Who sees it: these roles, and whoever may share dashboards. None: all with `dashboard.read`.");

/** What is exported and imported: a file of this form makes the same pictures elsewhere. */
export const dashboardFile = z.strictObject({
  format: z.literal("holdfast-dashboard/1"),
  name,
  description: text(400).optional(),
  widgets,
});
export type DashboardFile = z.infer<typeof dashboardFile>;

const shown = {
  id: id("dashboard"),
  name: z.string(),
  description: z.string().optional(),
  roles: roles.optional(),
  createdAt: time,
  updatedAt: time,
  version,
};
const dashboard = z.object({ ...shown, widgets });
const on = { path: "dashboard" } as const;

export const createDashboard = route({
  method: "POST",
  path: "/v1/dashboards",
  summary: "Makes a dashboard. At most 200 of an organisation, each of 40 widgets and 64 KiB.",
  needs: "dashboard.create",
  on: "own",
  body: z.strictObject({
    name,
    description: text(400).optional(),
    widgets: widgets.default([]),
    roles: roles.optional(),
  }),
  reply: dashboard,
  status: 201,
  location: "/v1/dashboards/{id}",
  versioned: true,
});

export const listDashboards = route({
  method: "GET",
  path: "/v1/dashboards",
  summary: "The dashboards that the caller may see, by name; how many widgets each has, without them.",
  needs: "dashboard.read",
  on: "reach",
  reply: z.object({ items: z.array(z.object({ ...shown, widgets: z.number().int() })) }),
});

export const readDashboard = route({
  method: "GET",
  path: "/v1/dashboards/{dashboard}",
  summary: "One dashboard, with its widgets.",
  needs: "dashboard.read",
  on,
  reply: dashboard,
  versioned: true,
});

export const updateDashboard = route({
  method: "PATCH",
  path: "/v1/dashboards/{dashboard}",
  summary:
    "Changes a dashboard. While links to it are open, a change that shows more needs `dashboard.share` too, and telemetry.read of what is added.",
  needs: "dashboard.update",
  on,
  body: z.strictObject({
    name: name.optional(),
    description: text(400).optional(),
    widgets: widgets.optional(),
    roles: roles.nullable().optional().describe("`null`: everybody with `dashboard.read` from now on."),
  }),
  reply: dashboard,
  versioned: true,
});

export const deleteDashboard = route({
  method: "DELETE",
  path: "/v1/dashboards/{dashboard}",
  summary: "Ends a dashboard, and every link to it.",
  needs: "dashboard.delete",
  on,
  reply: noReply,
  versioned: true,
});

const state = z.enum(["online", "offline"]);

const picture = z.object({
  devices: z.array(
    z.object({
      id: id("device"),
      name: z.string(),
      presence: z.object({ state, since: time.optional() }).optional(),
      latest: z.array(z.object({ attribute: z.string(), time, value: z.unknown() })),
    }),
  ),
  /** Of each widget, by its id and by the place of the source in it. */
  widgets: z.array(z.object({ id: z.string(), sources: z.array(z.array(id("device"))) })),
  omitted: z.number().int(),
  /** Of the dashboard: whoever looks at an older one asks for it again. */
  version,
});

export const readDashboardDevices = route({
  method: "GET",
  path: "/v1/dashboards/{dashboard}/devices",
  summary:
    "What the widgets of a dashboard show now, as far as the caller may read it: which devices each is about, what they are called, the newest point of each attribute that is shown, and who of them is connected where a widget says so. At most 500 devices; `omitted` counts the others.",
  needs: "dashboard.read",
  on,
  reply: picture,
});

export const previewDashboard = route({
  method: "POST",
  path: "/v1/dashboards/{dashboard}/devices",
  summary: "The same of widgets that are not saved yet. Nothing is changed.",
  needs: "dashboard.update",
  on,
  body: z.strictObject({ widgets }),
  reply: picture,
});

const link = z.object({
  id: id("key"),
  name: z.string(),
  state: z.enum(["active", "revoked", "expired"]),
  /** Whose grants bound it. */
  person: id("person").optional(),
  createdAt: time,
  expiresAt: time.optional(),
  /** How often the page was opened with it. */
  uses: z.number().int(),
  lastUsedAt: time.optional(),
});

const hour = 3_600_000; // milliseconds
const year = 365 * 24 * hour;

export const createDashboardLink = route({
  method: "POST",
  path: "/v1/dashboards/{dashboard}/links",
  summary:
    "Makes a link that shows this dashboard to whoever has it, and nothing else: a credential of the kind `dashboardLink`, shown this once. The link is the address of the platform, `path`, `#` and `secret`: the fragment is what browsers send to nobody.",
  needs: "dashboard.share",
  on,
  body: z.strictObject({
    name,
    expiresIn: duration.refine((lasts) => lasts >= hour && lasts <= year, "from 1h to 365d"),
  }),
  reply: z.object({ id: id("key"), secret: z.string().optional(), path: z.string(), expiresAt: time }),
  status: 201,
  location: "/v1/credentials/{id}",
  mints: "secret",
  isConfirmed: true,
});

export const listDashboardLinks = route({
  method: "GET",
  path: "/v1/dashboards/{dashboard}/links",
  summary: "The links to a dashboard, newest first; never a secret.",
  needs: "dashboard.share",
  on,
  reply: z.object({ items: z.array(link) }),
});

export const endDashboardLink = route({
  method: "DELETE",
  path: "/v1/dashboards/{dashboard}/links/{link}",
  summary: "Ends a link at once: whoever looks at the page sees that it is over.",
  needs: "dashboard.share",
  on,
  reply: noReply,
});
