import { rfc3339 } from "@holdfast/kernel";
import type { Alert, Concerned, Rule } from "./rule.ts";
import type { Webhook } from "./webhook.ts";

/** `devices`: those that are named. */
export const alertReply = ({ alert, devices }: { readonly alert: Alert; readonly devices: readonly Concerned[] }) => ({
  id: alert.id,
  ...(alert.rule && { rule: alert.rule }),
  ...(alert.webhook && { webhook: alert.webhook }),
  cause: alert.cause,
  ...(alert.because !== undefined && { because: alert.because }),
  outage: alert.outage,
  state: alert.state,
  raisedAt: rfc3339(alert.raisedAt),
  ...(alert.acknowledged && {
    acknowledgedAt: rfc3339(alert.acknowledged.at),
    acknowledgedBy: alert.acknowledged.by,
  }),
  ...(alert.clearedAt !== undefined && { clearedAt: rfc3339(alert.clearedAt) }),
  count: alert.count,
  devices: devices.map(({ device, since, endedAt }) => ({
    device,
    since: rfc3339(since),
    ...(endedAt !== undefined && { endedAt: rfc3339(endedAt) }),
  })),
});

export const ruleReply = ({ id, name, states, after, of, people, webhooks, createdAt, version }: Rule) => ({
  id,
  name,
  states: [...states],
  after,
  of,
  people: [...people],
  webhooks: [...webhooks],
  createdAt: rfc3339(createdAt),
  version,
});

export const webhookReply = ({ id, name, url, failing, disabledAt, createdAt, version }: Webhook) => ({
  id,
  name,
  url,
  state: disabledAt === undefined ? ("enabled" as const) : ("disabled" as const),
  ...(failing && { failingSince: rfc3339(failing.since), problem: failing.problem }),
  createdAt: rfc3339(createdAt),
  version,
});

/** For who may not manage them: path and query of an address are a secret of its own with many a receiver. */
export const publicWebhookReply = (webhook: Webhook) => ({
  ...webhookReply(webhook),
  url: new URL(webhook.url).origin,
});
