import { isId, Refusal, type Id } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { on, type Caller, type Handler } from "../authority/index.ts";
import { soundReply } from "../storage/index.ts";
import type { Alerts } from "./alerts.ts";
import type { Deliveries } from "./deliveries.ts";
import { alertReply, publicWebhookReply, ruleReply, webhookReply } from "./reply.ts";

type Needs = { readonly alerts: Alerts; readonly deliveries: Deliveries };

export const alertRoutes = ({ alerts, deliveries }: Needs): Handler[] => [
  on(routes.createAlertRule, async ({ permit, body }) => ruleReply(await alerts.createRule(permit, body))),
  on(routes.listAlertRules, async ({ permit }) => soundReply(await alerts.rules(permit), ruleReply)),
  on(routes.readAlertRule, async ({ permit, params }) => ruleReply(await alerts.rule(permit, ruleOf(params)))),
  on(routes.updateAlertRule, async ({ permit, params, body, versions }) =>
    ruleReply(await alerts.updateRule(permit, ruleOf(params), body, versions)),
  ),
  on(routes.deleteAlertRule, async ({ permit, params, versions }) => {
    await alerts.deleteRule(permit, ruleOf(params), versions);
    return {};
  }),

  on(routes.listAlerts, async ({ permit, caller, query }) => {
    return soundReply(await alerts.list(permit, seenBy(caller), query), alertReply);
  }),
  on(routes.readAlert, async ({ permit, caller, params }) =>
    alertReply(await alerts.read(permit, seenBy(caller), alertOf(params))),
  ),
  on(routes.acknowledgeAlert, async ({ permit, caller, params }) =>
    alertReply(await alerts.acknowledge(permit, seenBy(caller), alertOf(params))),
  ),

  on(routes.createWebhook, async ({ permit, body }) => {
    const webhook = await alerts.createWebhook(permit, body);
    return { ...webhookReply(webhook), secret: webhook.secret };
  }),
  on(routes.listWebhooks, async ({ permit, caller }) => {
    const all = await alerts.webhooks(permit);
    return soundReply(all, caller.mayAnywhere("alert.manage") ? webhookReply : publicWebhookReply);
  }),
  on(routes.updateWebhook, async ({ permit, params, body, versions }) =>
    webhookReply(await alerts.updateWebhook(permit, webhookOf(params), body, versions)),
  ),
  on(routes.deleteWebhook, async ({ permit, params, versions }) => {
    await alerts.deleteWebhook(permit, webhookOf(params), versions);
    return {};
  }),
  on(routes.tryWebhook, async ({ permit, params }) => {
    const { problem } = await deliveries.try(await alerts.webhook(permit, webhookOf(params)));
    return { taken: problem === undefined, ...(problem !== undefined && { problem }) };
  }),
];

const seenBy = (caller: Caller) => () => (caller.mayAnywhere("device.read") ? caller.reach("device.read") : undefined);

type Params = Readonly<Record<string, string>>;

function ruleOf({ rule = "" }: Params): Id<"alertRule"> {
  if (!isId("alertRule", rule)) throw new Refusal("alertRule.unknown");
  return rule;
}

function alertOf({ alert = "" }: Params): Id<"alert"> {
  if (!isId("alert", alert)) throw new Refusal("alert.unknown");
  return alert;
}

function webhookOf({ webhook = "" }: Params): Id<"webhook"> {
  if (!isId("webhook", webhook)) throw new Refusal("webhook.unknown");
  return webhook;
}
