import type { Reply } from "@holdfast/client";
import { isId, rfc3339 } from "@holdfast/kernel";
import { quotaNames, routes, usageGroups, usageSteps } from "@holdfast/protocol";
import { Misuse } from "../failure.ts";
import { parseMoment } from "../moment.ts";
import { allPages, paging } from "../pages.ts";
import { any, idOf, onOff, oneOf, optional, required, text, type Reader } from "../parameter.ts";
import type { Tools } from "../tools.ts";
import { verb } from "../verb.ts";

type Step = Reply<typeof routes.readUsage>["items"][number];
type Session = Reply<typeof routes.listConnections>["items"][number];
type Quota = Reply<typeof routes.readQuotas>["items"][number];
type Plan = Reply<typeof routes.listPlans>["items"][number];

const moment = text("TIME");
const credential: Reader<string> = {
  hint: "CREDENTIAL",
  read: (given) => {
    if (!(["key", "token", "session"] as const).some((kind) => isId(kind, given)))
      throw new Misuse(`"${given}" is no identifier of a credential`);
    return given;
  },
};

const narrow = {
  device: optional(idOf("device"), "only of this device"),
  application: optional(idOf("application"), "only of this application"),
  credential: optional(credential, "only of this credential"),
  over: optional(oneOf("http", "mqtt", "eventStream", "webSocket", "socket"), "only what came by this way"),
  from: optional(moment, "from this time on: 2026-01-31T12:00:00Z, or -24h"),
  to: optional(moment, "up to, not including, this time"),
} as const;

const between = (
  { from, to }: { readonly from: string | undefined; readonly to: string | undefined },
  { world }: Tools,
) => {
  const now = world.clock.now();
  const instant = (written: string | undefined) =>
    written === undefined ? undefined : rfc3339(parseMoment(written, now));
  return { from: instant(from), to: instant(to) };
};

const number = (value: number): string => value.toLocaleString("en");

/** `messages=1000000`: what a plan bounds, and by how much. */
const quota: Reader<readonly [name: string, limit: number]> = {
  hint: "QUOTA=N",
  read: (given) => {
    const [name = "", limit = "", ...more] = given.split("=");
    const isKnown = quotaNames.some((one) => one === name);
    const isNumber = /^\d{1,15}$/.test(limit) && more.length === 0;
    if (!isKnown || !isNumber) throw new Misuse(`"${given}" is not QUOTA=N, with one of ${quotaNames.join(", ")}`);
    return [name, Number(limit)];
  },
};

export const usageVerbs = [
  verb({
    name: "usage",
    summary: "Show what was used, by hour, day or month",
    flags: {
      every: optional(oneOf(...usageSteps), "how long each step is: a day, when nobody says otherwise"),
      by: optional(oneOf(...usageGroups), "whose it is: the organisation's, when nobody says otherwise"),
      ...narrow,
      ...paging,
    },
    examples: ["holdfast usage --every hour --from -24h", "holdfast usage --by device --every month"],
    async run({ every, by, from, to, limit, cursor, ...narrowed }, tools) {
      const client = await tools.client();
      const range = between({ from, to }, tools);
      const page = await allPages({ limit, cursor }, tools.print, (asked) =>
        client.call(routes.readUsage, { query: { ...asked, ...narrowed, ...range, every, by } }),
      );
      const counted = (title: string, of: (step: Step) => number) => ({
        title,
        cell: (step: Step) => number(of(step)),
      });
      const columns = [
        { title: "FROM", cell: ({ time }: Step) => time.replace(/:00\.000Z$/, "Z") },
        ...(by === undefined || by === "organisation"
          ? []
          : [{ title: "OF", cell: ({ about }: Step) => about ?? "(none)" }]),
        counted("SESSIONS", ({ connections }) => connections),
        counted("MESSAGES IN", ({ messagesIn }) => messagesIn),
        counted("OUT", ({ messagesOut }) => messagesOut),
        counted("BYTES IN", ({ bytesIn }) => bytesIn),
        counted("OUT", ({ bytesOut }) => bytesOut),
        counted("REQUESTS", ({ requests }) => requests),
        counted("POINTS", ({ points }) => points),
      ];
      tools.print.list(page, columns, "Nothing was used in that time.");
    },
  }),
  verb({
    name: "session list",
    summary: "List who was connected, open sessions among them, newest first",
    flags: { open: onOff("only those that are open"), ...narrow, ...paging },
    async run({ open, from, to, limit, cursor, ...narrowed }, tools) {
      const client = await tools.client();
      const range = between({ from, to }, tools);
      const page = await allPages({ limit, cursor }, tools.print, (asked) =>
        client.call(routes.listConnections, {
          query: { ...asked, ...narrowed, ...range, ...(open && { open: "true" as const }) },
        }),
      );
      const columns = [
        { title: "BEGAN", cell: ({ beganAt }: Session) => tools.print.ago(beganAt) },
        { title: "ENDED", cell: ({ endedAt }: Session) => (endedAt === undefined ? "open" : tools.print.ago(endedAt)) },
        { title: "CAUSE", cell: ({ cause }: Session) => cause ?? "" },
        { title: "OVER", cell: ({ over }: Session) => over },
        { title: "FROM", cell: ({ address }: Session) => address },
        { title: "WHO", cell: ({ device, credential: shown }: Session) => device ?? shown ?? "" },
        {
          title: "MESSAGES",
          cell: ({ messagesIn, messagesOut }: Session) => `${number(messagesIn)} in, ${number(messagesOut)} out`,
        },
        { title: "BYTES", cell: ({ bytesIn, bytesOut }: Session) => `${number(bytesIn)} in, ${number(bytesOut)} out` },
      ];
      tools.print.list(page, columns, "Nobody was connected like that.");
    },
  }),
  verb({
    name: "quota",
    summary: "Show what your organisation's plan bounds, and how much of it is used",
    async run(_, tools) {
      const { plan, items, to } = await (await tools.client()).call(routes.readQuotas, {});
      if (tools.print.isJson) return tools.print.thing({ plan, items, to }, []);
      const columns = [
        { title: "QUOTA", cell: (one: Quota) => one.quota },
        { title: "USED", cell: ({ used }: Quota) => number(used) },
        { title: "OF", cell: ({ limit }: Quota) => number(limit) },
        { title: "STATE", cell: ({ state }: Quota) => state },
      ];
      tools.print.list({ items }, columns, "Nothing is bounded: this organisation has no plan.");
      if (plan !== undefined) tools.print.note(`The plan is ${plan}; the month ends ${tools.print.ago(to)}.`);
    },
  }),
  verb({
    name: "plan list",
    summary: "List the plans of this deployment, as the administrator of the instance",
    async run(_, tools) {
      const page = await (await tools.client()).call(routes.listPlans, {});
      const columns = [
        { title: "PLAN", cell: ({ name }: Plan) => name },
        { title: "ORGANISATIONS", cell: ({ orgs }: Plan) => number(orgs) },
        {
          title: "QUOTAS",
          cell: ({ quotas }: Plan) =>
            quotaNames.flatMap((name) => (quotas[name] === undefined ? [] : [`${name}=${quotas[name]}`])).join(" "),
        },
      ];
      tools.print.list(page, columns, "There is no plan yet: holdfast plan save NAME --quota messages=1000000");
    },
  }),
  verb({
    name: "plan save",
    summary: "Make a plan, or give one other quotas; what is not named is not bounded",
    arguments: { name: required(text("NAME"), "small letters, digits and hyphens") },
    flags: { quota: any(quota, `${quotaNames.join(", ")}: connections and devices at a time, the others in a month`) },
    examples: ["holdfast plan save small --quota devices=100 --quota messages=1000000"],
    async run({ name, quota: given }, tools) {
      const body = { name, quotas: Object.fromEntries(given) };
      const saved = await (await tools.client()).call(routes.savePlan, { body });
      tools.print.thing(saved, [
        ["plan", saved.name],
        ["quotas", given.map(([quotaName, limit]) => `${quotaName}=${limit}`).join(" ")],
      ]);
    },
  }),
  verb({
    name: "plan remove",
    summary: "Remove a plan that no organisation has",
    arguments: { name: required(text("NAME"), "which") },
    async run({ name }, tools) {
      await (await tools.client()).call(routes.removePlan, { params: { plan: name } });
      tools.print.thing({}, [["removed", name]]);
    },
  }),
  verb({
    name: "org plan",
    summary: "Give an organisation a plan, as the administrator of the instance",
    arguments: { org: required(idOf("org"), "which organisation") },
    flags: { plan: optional(text("NAME"), "which plan"), none: onOff("no plan: nothing is bounded") },
    async run({ org, plan, none }, tools) {
      if ((plan === undefined) !== none) throw new Misuse("say --plan NAME, or --none");
      await (await tools.client()).call(routes.givePlan, { params: { org }, body: { plan: plan ?? null } });
      tools.print.thing({ org, ...(plan !== undefined && { plan }) }, [
        ["organisation", org],
        ["plan", plan ?? "none"],
      ]);
    },
  }),
];
