import type { Reply } from "@holdfast/client";
import type { Id } from "@holdfast/kernel";
import { alertCauses, alertStates, routes } from "@holdfast/protocol";
import { Misuse } from "../failure.ts";
import { allPages, paging } from "../pages.ts";
import { any, duration, idOf, oneOf, onOff, optional, pair, required, text } from "../parameter.ts";
import type { Tools } from "../tools.ts";
import { verb } from "../verb.ts";

type Alert = Reply<typeof routes.readAlert>;
type Rule = Reply<typeof routes.readAlertRule>;
type Webhook = Reply<typeof routes.listWebhooks>["items"][number];

const one = { alert: required(idOf("alert"), "which alert") } as const;
const oneRule = { rule: required(idOf("alertRule"), "which rule") } as const;
const oneHook = { webhook: required(idOf("webhook"), "which webhook") } as const;

const show = (alert: Alert, { print }: Tools): void =>
  print.thing(alert, [
    ["id", alert.id],
    ["state", alert.state],
    ["what", alert.outage ? `${alert.cause}, many at once` : alert.cause],
    ["because", alert.because ?? ""],
    ["rule", alert.rule ?? ""],
    ["webhook", alert.webhook ?? ""],
    ["raised", print.at(alert.raisedAt)],
    ["seen to", print.at(alert.acknowledgedAt)],
    ["by", alert.acknowledgedBy ?? ""],
    ["cleared", print.at(alert.clearedAt)],
    ["devices", String(alert.count)],
    ...alert.devices.map(({ device, since, endedAt }): [string, string] => [
      "",
      `${device} since ${print.at(since)}${endedAt === undefined ? "" : `, well since ${print.at(endedAt)}`}`,
    ]),
  ]);

const aboutWhat = ({ of }: Rule): string =>
  "all" in of ? "all devices" : "product" in of ? of.product : `${of.tag.key}=${of.tag.value}`;

const showRule = (rule: Rule, { print }: Tools): void =>
  print.thing(rule, [
    ["id", rule.id],
    ["name", rule.name],
    ["states", rule.states.join(" ")],
    ["after", rule.after],
    ["of", aboutWhat(rule)],
    ["people", rule.people.join(" ")],
    ["webhooks", rule.webhooks.join(" ")],
  ]);

type Of = {
  readonly product?: Id<"product"> | undefined;
  readonly tag?: readonly [key: string, value: string] | undefined;
  readonly all?: boolean;
};

/** @throws Misuse where more than one is named */
function ofWhat({ product, tag, all }: Of): Rule["of"] | undefined {
  if ([product, tag, all].filter(Boolean).length > 1)
    throw new Misuse("A rule is about all devices, those of a product, or those with a tag: name one of them.");
  if (product) return { product };
  if (tag) return { tag: { key: tag[0], value: tag[1] } };
  return all ? { all } : undefined;
}

const changed = <T extends string>(before: readonly T[], more: readonly T[], without: readonly string[]): T[] => [
  ...new Set([...before, ...more].filter((one) => !without.includes(one))),
];

const showHook = (webhook: Webhook & { readonly secret?: string | undefined }, { print }: Tools): void =>
  print.thing(webhook, [
    ["id", webhook.id],
    ["name", webhook.name],
    ["url", webhook.url],
    ["state", webhook.state],
    ["failing since", print.at(webhook.failingSince)],
    ["problem", webhook.problem ?? ""],
    ["secret", webhook.secret ?? ""],
  ]);

export const alertVerbs = [
  verb({
    name: "alert list",
    summary: "List alerts, the newest first",
    flags: {
      state: optional(oneOf("open", ...alertStates), "only those that are so"),
      device: optional(idOf("device"), "only of this device"),
      ...paging,
    },
    examples: ["alert list --state open"],
    async run({ state, device, ...given }, tools) {
      const client = await tools.client();
      const page = await allPages(given, tools.print, (asked) =>
        client.call(routes.listAlerts, { query: { ...asked, state, device } }),
      );
      const columns = [
        { title: "ID", cell: ({ id }: Alert) => id },
        { title: "STATE", cell: (alert: Alert) => alert.state },
        { title: "WHAT", cell: ({ cause }: Alert) => cause },
        { title: "DEVICES", cell: ({ count }: Alert) => String(count) },
        { title: "RAISED", cell: ({ raisedAt }: Alert) => tools.print.ago(raisedAt) },
        { title: "BECAUSE", cell: ({ because }: Alert) => because ?? "" },
      ];
      tools.print.list(page, columns, "There is no such alert.");
    },
  }),
  verb({
    name: "alert get",
    summary: "Show one alert, and which devices it is about",
    arguments: one,
    run: async (params, tools) => show(await (await tools.client()).call(routes.readAlert, { params }), tools),
  }),
  verb({
    name: "alert acknowledge",
    summary: "Say that you see to it",
    arguments: one,
    run: async (params, tools) => show(await (await tools.client()).call(routes.acknowledgeAlert, { params }), tools),
  }),
  verb({
    name: "alert rule-create",
    summary: "Say which devices raise an alert, when, and whom it tells",
    flags: {
      name: required(text("NAME"), "what it is called"),
      state: any(oneOf(...alertCauses), "in which states; without it offline"),
      after: optional(duration, "how long a device has to be so; without it 1m"),
      product: optional(idOf("product"), "only devices of this product"),
      tag: optional(pair, "only devices with this tag"),
      person: any(idOf("person"), "a member who gets a letter"),
      webhook: any(idOf("webhook"), "a webhook that is told"),
    },
    examples: ["alert rule-create --name Away --state offline --state silent --after 5m --webhook whk_…"],
    async run({ name, state, after, product, tag, person, webhook }, tools) {
      const of = ofWhat({ product, tag });
      const states = state.length > 0 ? [...state] : undefined;
      const body = { name, states, after, of, people: [...person], webhooks: [...webhook] };
      showRule(await (await tools.client()).call(routes.createAlertRule, { body }), tools);
    },
  }),
  verb({
    name: "alert rule-update",
    summary: "Change a rule; alerts of devices that it is not about any more are cleared",
    arguments: oneRule,
    flags: {
      name: optional(text("NAME"), "what it is called from now on"),
      state: any(oneOf(...alertCauses), "in these states instead"),
      after: optional(duration, "how long a device has to be so"),
      all: onOff("all devices instead"),
      product: optional(idOf("product"), "only devices of this product instead"),
      tag: optional(pair, "only devices with this tag instead"),
      person: any(idOf("person"), "one more member who gets a letter"),
      webhook: any(idOf("webhook"), "one more webhook that is told"),
      without: any(text("ID"), "a member or webhook that is told no more"),
    },
    examples: ["alert rule-update rul_… --after 15m --without whk_…"],
    async run({ name, state, after, all, product, tag, person, webhook, without, ...params }, tools) {
      const isToldChanged = person.length + webhook.length + without.length > 0;
      const of = ofWhat({ all, product, tag });
      const states = state.length > 0 ? [...state] : undefined;
      if (!isToldChanged && [name, after, of, states].every((one) => one === undefined))
        throw new Misuse("Say what to change: holdfast help alert rule-update");
      const client = await tools.client();
      // Who is told is replaced as a whole, so the others are read before; and nobody may change them in between.
      const before = isToldChanged ? await client.call(routes.readAlertRule, { params }) : undefined;
      const told = before && {
        people: changed(before.people, person, without),
        webhooks: changed(before.webhooks, webhook, without),
      };
      const unknown = without.find(
        (one) => ![...(before?.people ?? []), ...(before?.webhooks ?? [])].some((it) => it === one),
      );
      if (unknown !== undefined) throw new Misuse(`It does not tell ${unknown}: holdfast alert rules --json`);
      const body = { name, states, after, of, ...told };
      showRule(await client.call(routes.updateAlertRule, { params, body, ifVersion: before?.version }), tools);
    },
  }),
  verb({
    name: "alert rules",
    summary: "List the rules of alerts",
    async run(_, tools) {
      const columns = [
        { title: "ID", cell: ({ id }: Rule) => id },
        { title: "NAME", cell: ({ name }: Rule) => name },
        { title: "STATES", cell: ({ states }: Rule) => states.join(" ") },
        { title: "AFTER", cell: ({ after }: Rule) => after },
        { title: "OF", cell: aboutWhat },
      ];
      const all = await (await tools.client()).call(routes.listAlertRules);
      tools.print.list(all, columns, "There is no rule: nobody is told of anything.");
    },
  }),
  verb({
    name: "alert rule-delete",
    summary: "End a rule; its alerts are cleared",
    arguments: oneRule,
    async run(params, tools) {
      await (await tools.client()).call(routes.deleteAlertRule, { params });
      tools.print.thing({ id: params.rule, deleted: true }, [["deleted", params.rule]]);
    },
  }),
  verb({
    name: "webhook create",
    summary: "Make a webhook, to which alerts are sent, signed",
    flags: {
      name: required(text("NAME"), "what it is called"),
      address: required(text("URL"), "a public one, https://…"),
    },
    async run({ name, address: url }, tools) {
      const made = await (await tools.client()).call(routes.createWebhook, { body: { name, url } });
      showHook(made, tools);
      if (made.secret !== undefined) tools.print.secretNote("secret");
    },
  }),
  verb({
    name: "webhook list",
    summary: "List the webhooks, and whether they take what they are sent",
    async run(_, tools) {
      const columns = [
        { title: "ID", cell: ({ id }: Webhook) => id },
        { title: "NAME", cell: ({ name }: Webhook) => name },
        { title: "STATE", cell: ({ state }: Webhook) => state },
        { title: "PROBLEM", cell: ({ problem }: Webhook) => problem ?? "" },
        { title: "URL", cell: ({ url }: Webhook) => url },
      ];
      const all = await (await tools.client()).call(routes.listWebhooks);
      tools.print.list(all, columns, "There is no webhook.");
    },
  }),
  verb({
    name: "webhook try",
    summary: "Send a webhook a test message now, and say what became of it",
    arguments: oneHook,
    async run(params, tools) {
      const tried = await (await tools.client()).call(routes.tryWebhook, { params });
      tools.print.thing(tried, [["taken", tried.taken ? "yes" : `no: ${tried.problem ?? ""}`]]);
    },
  }),
  verb({
    name: "webhook enable",
    summary: "Enable a webhook again that was disabled",
    arguments: oneHook,
    run: async (params, tools) =>
      showHook(await (await tools.client()).call(routes.updateWebhook, { params, body: { state: "enabled" } }), tools),
  }),
  verb({
    name: "webhook delete",
    summary: "End a webhook",
    arguments: oneHook,
    async run(params, tools) {
      await (await tools.client()).call(routes.deleteWebhook, { params });
      tools.print.thing({ id: params.webhook, deleted: true }, [["deleted", params.webhook]]);
    },
  }),
];
