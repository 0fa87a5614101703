import { z } from "zod";
import { deviceTroubles } from "./devices.ts";
import {
  altered,
  cursor,
  duration,
  id,
  limit,
  name,
  noReply,
  pageOf,
  tagKey,
  tagValue,
  time,
  version,
} from "./shapes.ts";
import { route } from "./route.ts";

/** How far an alert is. In rows by their place: append only. */
export const alertStates = ["raised", "acknowledged", "cleared"] as const;
export type AlertState = (typeof alertStates)[number];

/** What of a device may raise one. */
export const alertCauses = ["offline", ...deviceTroubles] as const;
export type AlertCause = (typeof alertCauses)[number];

const day = 86_400_000; // milliseconds

const watched = z
  .union([
    z.strictObject({ all: z.literal(true) }),
    z.strictObject({ product: id("product") }),
    z.strictObject({ tag: z.strictObject({ key: tagKey, value: tagValue }) }),
  ])
  .describe("All devices of the organisation, those of a product, or those with a tag; today and later.");

const after = z
  .string()
  .refine((text) => {
    const length = duration.safeParse(text);
    return length.success && length.data <= 31 * day;
  }, "not a length of time such as 1m, 15m, 24h, of at most 31d")
  .describe("How long a device has to be so. A minute or more tells an outage of many as one alert.");

const unique = <T>(all: readonly T[]): boolean => new Set(all).size === all.length;

const wanted = {
  name,
  states: z.array(z.enum(alertCauses)).min(1).refine(unique, "one stands there twice"),
  after,
  of: watched,
  people: z.array(id("person")).max(20).refine(unique, "one stands there twice").describe("Members who get a letter."),
  webhooks: z.array(id("webhook")).max(5).refine(unique, "one stands there twice"),
};

const rule = z.object({ id: id("alertRule"), ...wanted, createdAt: time, version });
const onRule = "own" as const;

export const createAlertRule = route({
  method: "POST",
  path: "/v1/alert-rules",
  summary: "Says which devices raise an alert, in which states and after how long, and whom it tells. At most 200.",
  needs: "alert.manage",
  on: onRule,
  body: z.strictObject({
    ...wanted,
    states: wanted.states.default(["offline"]),
    after: after.default("1m"),
    of: watched.default({ all: true }),
    people: wanted.people.default([]),
    webhooks: wanted.webhooks.default([]),
  }),
  reply: rule,
  status: 201,
  location: "/v1/alert-rules/{id}",
  versioned: true,
});

export const listAlertRules = route({
  method: "GET",
  path: "/v1/alert-rules",
  summary: "The rules of alerts, oldest first.",
  needs: "alert.read",
  on: onRule,
  reply: z.object({ items: z.array(rule), altered: altered("alertRule") }),
});

export const readAlertRule = route({
  method: "GET",
  path: "/v1/alert-rules/{rule}",
  summary: "One rule of alerts.",
  needs: "alert.read",
  on: onRule,
  reply: rule,
  versioned: true,
});

export const updateAlertRule = route({
  method: "PATCH",
  path: "/v1/alert-rules/{rule}",
  summary: "Changes a rule. Alerts of devices that it is not about any more are cleared.",
  needs: "alert.manage",
  on: onRule,
  body: z.strictObject({
    name: name.optional(),
    states: wanted.states.optional(),
    after: after.optional(),
    of: watched.optional(),
    people: wanted.people.optional(),
    webhooks: wanted.webhooks.optional(),
  }),
  reply: rule,
  versioned: true,
});

export const deleteAlertRule = route({
  method: "DELETE",
  path: "/v1/alert-rules/{rule}",
  summary: "Ends a rule; its alerts are cleared.",
  needs: "alert.manage",
  on: onRule,
  reply: noReply,
  versioned: true,
});

const alert = z.object({
  id: id("alert"),
  rule: id("alertRule").optional(),
  webhook: id("webhook").optional().describe("It is about this webhook, which takes nothing and was disabled."),
  cause: z.string().describe("`offline`, `silent`, `notReceiving`, `flapping`; or `webhook`."),
  because: z.string().optional().describe("Why, in words."),
  outage: z.boolean().describe("Many at once: it is told once for all of them."),
  state: z.enum(alertStates),
  raisedAt: time,
  acknowledgedAt: time.optional(),
  acknowledgedBy: z.string().optional().describe("The person, or else the credential."),
  clearedAt: time.optional(),
  count: z.number().int().describe("How many devices it is or was about."),
  devices: z
    .array(z.object({ device: id("device"), since: time, endedAt: time.optional() }))
    .describe("Those that the caller may read, a hundred at most; those that are still so first."),
});

export const listAlerts = route({
  method: "GET",
  path: "/v1/alerts",
  summary: "The alerts of the organisation, newest first. What is cleared is kept for 90 days.",
  needs: "alert.read",
  on: "own",
  query: z.strictObject({
    state: z
      .enum([...alertStates, "open"])
      .optional()
      .describe("`open`: raised or acknowledged."),
    device: id("device").optional(),
    limit,
    cursor,
  }),
  reply: pageOf(alert).extend({ altered: altered("alert") }),
});

export const readAlert = route({
  method: "GET",
  path: "/v1/alerts/{alert}",
  summary: "One alert.",
  needs: "alert.read",
  on: "own",
  reply: alert,
});

export const acknowledgeAlert = route({
  method: "POST",
  path: "/v1/alerts/{alert}/acknowledge",
  summary: "Says that somebody sees to it. It is cleared by itself, when the devices are well.",
  needs: "alert.acknowledge",
  on: "own",
  reply: alert,
});

const url = z
  .string()
  .max(2_000)
  .refine((text) => URL.canParse(text) && new URL(text).protocol === "https:", "an address that begins with https://")
  // They would stand in lists and logs of whoever is called.
  .refine(
    (text) => !URL.canParse(text) || new URL(text).username + new URL(text).password === "",
    "no name or password",
  );

const webhook = z.object({
  id: id("webhook"),
  name: z.string(),
  url: z.string().describe("Without path and query for whoever does not hold `alert.manage`."),
  state: z
    .enum(["enabled", "disabled"])
    .describe("`disabled`: it took nothing for three days, or said that it is gone."),
  failingSince: time.optional(),
  problem: z.string().optional().describe("Why the last attempt failed."),
  createdAt: time,
  version,
});

export const createWebhook = route({
  method: "POST",
  path: "/v1/webhooks",
  summary:
    "Makes a webhook, signed as Standard Webhooks has it. Its secret is shown this once. Only public addresses are called. At most 100.",
  needs: "alert.manage",
  on: "own",
  body: z.strictObject({ name, url }),
  reply: webhook.extend({ secret: z.string().optional() }),
  status: 201,
  location: "/v1/webhooks/{id}",
  versioned: true,
  mints: "secret",
  isConfirmed: true,
});

export const listWebhooks = route({
  method: "GET",
  path: "/v1/webhooks",
  summary: "The webhooks, oldest first; never a secret.",
  needs: "alert.read",
  on: "own",
  reply: z.object({ items: z.array(webhook), altered: altered("webhook") }),
});

export const updateWebhook = route({
  method: "PATCH",
  path: "/v1/webhooks/{webhook}",
  summary: "Changes a webhook's name or address, or enables it again.",
  needs: "alert.manage",
  on: "own",
  body: z.strictObject({ name: name.optional(), url: url.optional(), state: z.literal("enabled").optional() }),
  reply: webhook,
  versioned: true,
});

export const deleteWebhook = route({
  method: "DELETE",
  path: "/v1/webhooks/{webhook}",
  summary: "Ends a webhook, with what waits for it.",
  needs: "alert.manage",
  on: "own",
  reply: noReply,
  versioned: true,
});

export const tryWebhook = route({
  method: "POST",
  path: "/v1/webhooks/{webhook}/try",
  summary: "Sends a `webhook.test` now, once, and says what became of it.",
  needs: "alert.manage",
  on: "own",
  reply: z.object({ taken: z.boolean(), problem: z.string().optional() }),
});
