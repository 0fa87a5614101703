import type { Client, Reply } from "@holdfast/client";
import type { Id } from "@holdfast/kernel";
import { deviceFindings, deviceOrders, presenceFilters, routes } from "@holdfast/protocol";
import { Misuse } from "../failure.ts";
import { readingLines } from "../first-reading.ts";
import { allPages, paging } from "../pages.ts";
import { showSessions } from "../mqtt-sessions.ts";
import { any, idOf, oneOf, onOff, optional, pair, required, text } from "../parameter.ts";
import type { Tools } from "../tools.ts";
import { showUserLists } from "../user-lists.ts";
import { verb, type Verb } from "../verb.ts";
import { conditionsOf, held, howHeld, isBound, mintHeld } from "./held.ts";
import { postureRows } from "./posture.ts";

type Device = Reply<typeof routes.readDevice>;

const one = { device: required(idOf("device"), "which device") } as const;

const tagsOf = ({ tags }: Device): string =>
  Object.entries(tags)
    .map((entry) => entry.join("="))
    .join(" ");

const states = ["active", "suspended", "retired"] as const;
const interval = optional(text("LENGTH"), "how often it should report, such as 15m, in place of what its product says");

const presenceOf = ({ presence }: Device, { print }: Tools): string =>
  [presence.state, presence.since && `since ${print.at(presence.since)}`, presence.because && `(${presence.because})`]
    .filter(Boolean)
    .join(" ");

const rows = (device: Device, tools: Tools): [string, string][] => [
  ["id", device.id],
  ["name", device.name],
  ["state", device.state],
  ["presence", presenceOf(device, tools)],
  ["seen", tools.print.at(device.presence.lastSeenAt)],
  ...postureRows(device),
  ["application", device.application],
  ["product", device.product ?? ""],
  ["user", device.user ?? ""],
  ["gateway", device.gateway ?? ""],
  ["alias", device.alias ?? ""],
  ["tags", tagsOf(device)],
  ["reports every", device.reportingInterval ?? ""],
  ["made", tools.print.at(device.createdAt)],
  ["suspended", tools.print.at(device.suspendedAt)],
  ["retired", tools.print.at(device.retiredAt)],
];

const show = (device: Device, tools: Tools): void => tools.print.thing(device, rows(device, tools));

type Key = { readonly id: string; readonly secret?: string | undefined };

const keyRows = ({ id, secret }: Key): [string, string][] => [
  ["key", id],
  ["secret", secret ?? ""],
];

/** For people: what sends a first reading with this key. */
function showReading({ id, secret }: Key, tools: Tools): void {
  if (tools.print.isJson || secret === undefined) return;
  const place = tools.place();
  const lines = readingLines(place, { id, secret });
  const port = place.mqttsUrl === undefined ? ", if MQTT has its usual port" : "";
  if (lines.length > 0) tools.print.page(["", `A first reading, by either of these${port}:`, "", ...lines].join("\n"));
}

/** Without --application: the only one that there is. @throws Misuse */
export async function onlyApplication(client: Client): Promise<Id<"application">> {
  const { items } = await client.call(routes.listApplications, { query: { limit: 2 } });
  const [only, another] = items;
  if (!only)
    throw new Misuse("There is no application yet that a device could be in: holdfast application create --name NAME");
  if (another) throw new Misuse("--application is missing: there are several. holdfast application list shows them.");
  return only.id;
}

/** Suspend, resume, retire: the same question about one device. */
const change = (
  word: "suspend" | "resume" | "retire",
  summary: string,
  route: typeof routes.suspendDevice | typeof routes.resumeDevice | typeof routes.retireDevice,
): Verb =>
  verb({
    name: `device ${word}`,
    summary,
    arguments: one,
    run: async (params, tools) => show(await (await tools.client()).call(route, { params }), tools),
  });

export const deviceVerbs = [
  verb({
    name: "device create",
    summary: "Make a device and its first key",
    flags: {
      application: optional(idOf("application"), "where it belongs; without it the only one there is"),
      name: required(text("NAME"), "what it is called"),
      product: optional(idOf("product"), "what class of device it is"),
      alias: optional(text("ALIAS"), "another name, for firmware that has its own"),
      tag: any(pair, "a tag (needs device.tag)"),
      gateway: optional(idOf("device"), "which device of the application speaks for it"),
      "reporting-interval": interval,
      ...held,
    },
    examples: ["device create --application app_… --name 'Pump 1' --tag site=north"],
    async run(
      { tag, application, name, product, alias, gateway, "reporting-interval": reportingInterval, ...given },
      tools,
    ) {
      const client = await tools.client();
      const body = {
        name,
        product,
        alias,
        gateway,
        reportingInterval,
        application: application ?? (await onlyApplication(client)),
        tags: Object.fromEntries(tag),
      };
      const made = await mintHeld(given, (how) => client.call(routes.createDevice, { body: { ...body, ...how } }));
      tools.print.thing(made, [...rows(made, tools), ...keyRows(made.key)]);
      if (!isBound(given)) showReading(made.key, tools);
      if (made.key.secret !== undefined) tools.print.secretNote("key's secret");
    },
  }),
  verb({
    name: "device list",
    summary: "List the devices that you may read",
    flags: {
      application: optional(idOf("application"), "only of this application"),
      product: optional(idOf("product"), "only of this product"),
      gateway: optional(idOf("device"), "only the children of this device"),
      filter: optional(text("WORDS"), "only where the name, the alias or the id has all of these words"),
      status: optional(oneOf("online", "offline", ...states), "only what is this"),
      presence: optional(oneOf(...presenceFilters), "only what is connected, is not, or has this wrong with it"),
      state: optional(oneOf(...states), "only in this state"),
      tag: any(pair, "only with this tag; of several, with all"),
      finding: optional(oneOf(...deviceFindings), "only what has this finding"),
      sort: optional(oneOf(...deviceOrders), "by what, with - the other way round"),
      ...paging,
    },
    examples: ["device list --presence silent", "device list --status offline --tag floor=3 --sort -lastSeenAt"],
    async run({ application, product, gateway, filter, status, presence, state, tag, sort, finding, ...given }, tools) {
      const client = await tools.client();
      const wanted = {
        application,
        product,
        gateway,
        q: filter,
        presence: presence ?? presenceFilters.find((one) => one === status),
        state: state ?? states.find((one) => one === status),
        tag: tag.length > 0 ? tag.map((one) => one.join("=")).join(",") : undefined,
        sort,
        finding,
      };
      const page = await allPages(given, tools.print, (asked) =>
        client.call(routes.listDevices, { query: { ...asked, ...wanted } }),
      );
      const columns = [
        { title: "ID", cell: ({ id }: Device) => id },
        { title: "NAME", cell: ({ name }: Device) => name },
        { title: "STATE", cell: (device: Device) => device.state },
        { title: "PRESENCE", cell: ({ presence }: Device) => presence.state },
        { title: "SEEN", cell: ({ presence }: Device) => tools.print.ago(presence.lastSeenAt) },
        { title: "LOOK AT", cell: ({ findings }: Device) => findings.join(" ") },
        { title: "APPLICATION", cell: (device: Device) => device.application },
        { title: "ALIAS", cell: ({ alias }: Device) => alias ?? "" },
        { title: "TAGS", cell: tagsOf },
        { title: "MADE", cell: ({ createdAt }: Device) => tools.print.ago(createdAt) },
      ];
      tools.print.list(page, columns, "There is no such device.");
    },
  }),
  verb({
    name: "device get",
    summary: "Show one device",
    arguments: one,
    run: async (params, tools) => show(await (await tools.client()).call(routes.readDevice, { params }), tools),
  }),
  verb({
    name: "device sessions",
    summary: "Show a device's MQTT sessions: what waits for each, and what it lost",
    arguments: one,
    run: async (params, tools) =>
      showSessions(await (await tools.client()).call(routes.listDeviceSessions, { params }), tools),
  }),
  verb({
    name: "device update",
    summary: "Change a device's name, product, alias or tags",
    arguments: one,
    flags: {
      name: optional(text("NAME"), "what it is called from now on"),
      product: optional(idOf("product"), "another product"),
      alias: optional(text("ALIAS"), "another alias"),
      tag: any(pair, "a tag to set, or with nothing behind = to take away (needs device.tag)"),
      "reporting-interval": optional(
        text("LENGTH"),
        "how often it should report, such as 15m; none: what its product says",
      ),
    },
    async run({ name, product, alias, tag, "reporting-interval": interval, ...params }, tools) {
      const client = await tools.client();
      // Tags are replaced as a whole, so what is not changed is read before; and nobody may change it in between.
      const old = tag.length > 0 ? await client.call(routes.readDevice, { params }) : undefined;
      const tags =
        old && Object.entries({ ...old.tags, ...Object.fromEntries(tag) }).filter(([, value]) => value !== "");
      const reportingInterval = interval === "none" ? null : interval;
      const body = { name, product, alias, reportingInterval, tags: tags && Object.fromEntries(tags) };
      if (Object.values(body).every((value) => value === undefined)) {
        throw new Misuse("Say what to change: holdfast help device update");
      }
      show(await client.call(routes.updateDevice, { params, body, ifVersion: old?.version }), tools);
    },
  }),
  verb({
    name: "device move",
    summary: "Move a device to another application of the organisation",
    arguments: one,
    flags: { application: required(idOf("application"), "where it belongs from now on") },
    run: async ({ application, ...params }, tools) =>
      show(await (await tools.client()).call(routes.updateDevice, { params, body: { application } }), tools),
  }),
  verb({
    name: "device lists",
    summary: "Show what a device's user lets reach it, and what not",
    arguments: one,
    run: async (params, tools) =>
      showUserLists(await (await tools.client()).call(routes.listDeviceUserEntries, { params }), tools),
  }),
  verb({
    name: "device bind",
    summary: "Say which user of its application a device belongs to",
    arguments: one,
    flags: { user: required(idOf("user"), "whose it is from now on") },
    run: async ({ user, ...params }, tools) =>
      show(await (await tools.client()).call(routes.bindDevice, { params, body: { user } }), tools),
  }),
  verb({
    name: "device unbind",
    summary: "Take a device away from its user, at once",
    arguments: one,
    run: async (params, tools) =>
      show(await (await tools.client()).call(routes.bindDevice, { params, body: { user: null } }), tools),
  }),
  verb({
    name: "gateway bind",
    summary: "Say which device speaks for another one of its application",
    arguments: { device: required(idOf("device"), "which device is spoken for") },
    flags: { gateway: required(idOf("device"), "which device speaks for it from now on") },
    run: async ({ gateway, ...params }, tools) =>
      show(await (await tools.client()).call(routes.setGateway, { params, body: { gateway } }), tools),
  }),
  verb({
    name: "gateway unbind",
    summary: "Let no device speak for another one any more, within a second",
    arguments: one,
    async run(params, tools) {
      const client = await tools.client();
      await client.call(routes.removeGateway, { params });
      show(await client.call(routes.readDevice, { params }), tools);
    },
  }),
  change("suspend", "Silence a device until it is resumed", routes.suspendDevice),
  change("resume", "Let a suspended device speak again", routes.resumeDevice),
  change("retire", "End a device for good, with every key it has", routes.retireDevice),
  verb({
    name: "device key",
    summary: "Make a further key for a device, so that one can replace the other",
    arguments: one,
    flags: {
      ...held,
      certificate: onOff("a client certificate of the public key is enough, without a secret"),
    },
    async run({ device, certificate, ...given }, tools) {
      const params = { device };
      const client = await tools.client();
      const kind = certificate ? "certificate" : "device";
      const made = await mintHeld(given, (how) =>
        client.call(routes.mintDeviceKey, { params, body: { kind, ...how } }),
      );
      tools.print.thing(made, keyRows(made));
      if (!isBound(given)) showReading(made, tools);
      if (made.secret !== undefined) tools.print.secretNote("secret");
    },
  }),
  verb({
    name: "device socket-key",
    summary: "Make a secret with which a device seals frames of a direct socket, where its door opens that",
    arguments: one,
    flags: {
      attribute: any(text("NAME"), "what a number stands for in its CBOR: the first is 0; in this order"),
      ...howHeld,
    },
    examples: ["device socket-key dev_… --attribute temperature --attribute humidity"],
    async run({ device, attribute, ...given }, tools) {
      const attributes = attribute.length > 0 ? { attributes: [...attribute] } : {};
      const body = { kind: "socket", ...attributes, ...conditionsOf(given) } as const;
      const made = await (await tools.client()).call(routes.mintDeviceKey, { params: { device }, body });
      tools.print.thing(made, keyRows(made));
      tools.print.secretNote("secret");
    },
  }),
  verb({
    name: "device erase",
    summary: "Erase all that a device has measured until now, for ever, backups included; it goes on measuring",
    arguments: one,
    flags: { confirm: required(text("NAME"), "what the device is called, so that it is not another one") },
    async run({ confirm, ...params }, tools) {
      const client = await tools.client();
      const { name } = await client.call(routes.readDevice, { params });
      if (name !== confirm) throw new Misuse("The device is not called so: nothing was erased.");
      const erased = await client.call(routes.eraseDevice, { params });
      tools.print.thing(erased, [["readings erased", erased.points.toLocaleString("en")]]);
    },
  }),
];
