import type { Client, Reply } from "@holdfast/client";
import { isId, parseId, Refusal, type Id } from "@holdfast/kernel";
import { dashboardFileOf, devicesNamed, readDashboardFile, routes } from "@holdfast/protocol";
import { Misuse } from "../failure.ts";
import { readWhole } from "../own-files.ts";
import { duration, file, optional, required, text } from "../parameter.ts";
import type { Tools } from "../tools.ts";
import { verb } from "../verb.ts";

type Shown = Reply<typeof routes.readDashboard>;
type Listed = Reply<typeof routes.listDashboards>["items"][number];
type Link = Reply<typeof routes.listDashboardLinks>["items"][number];

const one = { dashboard: required(text("DASHBOARD"), "its name or its id") } as const;

/** @throws Refusal `dashboard.unknown` */
async function dashboardCalled(client: Client, called: string): Promise<Id<"dashboard">> {
  if (isId("dashboard", called)) return called;
  const { items } = await client.call(routes.listDashboards);
  const found = items.filter(({ name }) => name.toLowerCase() === called.trim().toLowerCase());
  if (found.length > 1)
    throw new Misuse(`There are ${found.length} of that name. Say which: ${found.map(({ id }) => id).join(" ")}`);
  const [only] = found;
  if (!only) throw new Refusal("dashboard.unknown");
  return only.id;
}

const paramsOf = async (client: Client, called: string) => ({ dashboard: await dashboardCalled(client, called) });

const show = (shown: Shown, { print }: Tools): void =>
  print.thing(shown, [
    ["id", shown.id],
    ["name", shown.name],
    ["description", shown.description ?? ""],
    ["seen by", shown.roles?.join(", ") ?? "everybody who may read dashboards"],
    ["version", String(shown.version)],
    ...shown.widgets.map((widget, at): [string, string] => [
      at === 0 ? "widgets" : "",
      `${widget.type}${widget.title === "" ? "" : `: ${widget.title}`}`,
    ]),
  ]);

export const dashboardVerbs = [
  verb({
    name: "dashboard list",
    summary: "List the dashboards that you may see",
    async run(_, tools) {
      const { items } = await (await tools.client()).call(routes.listDashboards);
      const columns = [
        { title: "NAME", cell: ({ name }: Listed) => name },
        { title: "WIDGETS", cell: ({ widgets }: Listed) => String(widgets) },
        { title: "CHANGED", cell: ({ updatedAt }: Listed) => updatedAt },
        { title: "ID", cell: ({ id }: Listed) => id },
      ];
      tools.print.list({ items }, columns, "There is no dashboard. The console makes one, or dashboard import.");
    },
  }),
  verb({
    name: "dashboard get",
    summary: "Show one dashboard, and what is on it",
    arguments: one,
    async run({ dashboard }, tools) {
      const client = await tools.client();
      show(await client.call(routes.readDashboard, { params: await paramsOf(client, dashboard) }), tools);
    },
  }),
  verb({
    name: "dashboard export",
    summary: "Write a dashboard as a file",
    arguments: one,
    examples: ["dashboard export 'Boiler room' > boilers.json"],
    async run({ dashboard }, tools) {
      const client = await tools.client();
      const shown = await client.call(routes.readDashboard, { params: await paramsOf(client, dashboard) });
      // In both forms: the file is for programs.
      tools.print.page(dashboardFileOf(shown).trimEnd());
    },
  }),
  verb({
    name: "dashboard import",
    summary: "Make a dashboard of a file, and name the devices of it that are not here",
    arguments: { file: required(file, "as dashboard export writes it; - reads stdin") },
    flags: { name: optional(text("NAME"), "what it is called here") },
    async run({ file: from, name: called }, tools) {
      const read = readDashboardFile(await readWhole(from, "FILE", tools.world.in));
      if ("faults" in read) throw new Misuse(`${from}\n${read.faults.map((fault) => `  ${fault}`).join("\n")}`);
      const client = await tools.client();
      const { name, description, widgets } = read;
      const body = { name: called ?? name, widgets, ...(description !== undefined && { description }) };
      const made = await client.call(routes.createDashboard, { body });
      show(made, tools);
      const { devices } = await client.call(routes.readDashboardDevices, { params: { dashboard: made.id } });
      const there = new Set(devices.map(({ id }) => id));
      for (const id of devicesNamed(widgets)) if (!there.has(id)) tools.print.note(`There is no ${id} here.`);
    },
  }),
  verb({
    name: "dashboard share",
    summary: "Make a link that shows a dashboard to whoever has it, and nothing else",
    arguments: one,
    flags: {
      name: required(text("NAME"), "for whom it is"),
      expires: required(duration, "how long it lasts, from 1h to 365d"),
    },
    examples: ["dashboard share 'Boiler room' --name 'Screen in the hall' --expires 30d"],
    async run({ dashboard, name, expires }, tools) {
      const client = await tools.client();
      const params = await paramsOf(client, dashboard);
      const made = await client.call(routes.createDashboardLink, { params, body: { name, expiresIn: expires } });
      const link = `${new URL(made.path, tools.place().url).href}#${made.secret ?? ""}`;
      tools.print.thing({ ...made, link }, [
        ["id", made.id],
        ["link", link],
        ["expires", made.expiresAt],
      ]);
      tools.print.note("Whoever has the link sees the dashboard. It is shown this once.");
    },
  }),
  verb({
    name: "dashboard links",
    summary: "List the links to a dashboard, and how often each was opened",
    arguments: one,
    async run({ dashboard }, tools) {
      const client = await tools.client();
      const { items } = await client.call(routes.listDashboardLinks, { params: await paramsOf(client, dashboard) });
      const columns = [
        { title: "NAME", cell: ({ name }: Link) => name },
        { title: "STATE", cell: ({ state }: Link) => state },
        { title: "OPENED", cell: ({ uses }: Link) => String(uses) },
        { title: "EXPIRES", cell: ({ expiresAt }: Link) => expiresAt ?? "" },
        { title: "ID", cell: ({ id }: Link) => id },
      ];
      tools.print.list({ items }, columns, "There is no link to it.");
    },
  }),
  verb({
    name: "dashboard unshare",
    summary: "End a link to a dashboard at once",
    arguments: { ...one, link: required(text("LINK"), "its id, as dashboard links lists it") },
    async run({ dashboard, link }, tools) {
      const client = await tools.client();
      const params = { ...(await paramsOf(client, dashboard)), link: parseId("key", link) };
      await client.call(routes.endDashboardLink, { params });
      tools.print.thing({ id: link, ended: true }, [["ended", link]]);
    },
  }),
  verb({
    name: "dashboard delete",
    summary: "Delete a dashboard, and end every link to it",
    arguments: one,
    async run({ dashboard }, tools) {
      const client = await tools.client();
      const params = await paramsOf(client, dashboard);
      await client.call(routes.deleteDashboard, { params });
      tools.print.thing({ id: params.dashboard, deleted: true }, [["deleted", params.dashboard]]);
    },
  }),
];
