import { createHmac } from "node:crypto";
import type { Id, Instant, Random } from "@holdfast/kernel";

/** Where alerts are sent to, by programs of the organisation's. */
export type Webhook = {
  readonly id: Id<"webhook">;
  readonly name: string;
  readonly url: string;
  /** As its owner was shown it, once: `whsec_` and base64. */
  readonly secret: string;
  /** Since when every attempt failed, and why the last one did. */
  readonly failing?: { readonly since: Instant; readonly problem: string } | undefined;
  readonly disabledAt?: Instant | undefined;
  readonly createdAt: Instant;
  readonly version: number;
};

const prefix = "whsec_";
const secretBytes = 32; // Standard Webhooks: 24 to 64

export const newWebhookSecret = (random: Random): string =>
  prefix + random.bytes(secretBytes).toBase64({ alphabet: "base64" });

/** By Standard Webhooks (github.com/standard-webhooks): the headers of one message, with the symmetric signature `v1`. */
export function signed(secret: string, id: string, at: Instant, payload: string): Readonly<Record<string, string>> {
  const seconds = String(Math.floor(at / 1_000));
  const key = Uint8Array.fromBase64(secret.slice(prefix.length));
  const signature = createHmac("sha256", key).update(`${id}.${seconds}.${payload}`, "utf8").digest("base64");
  return { "webhook-id": id, "webhook-timestamp": seconds, "webhook-signature": `v1,${signature}` };
}

const [minute, hour, day] = [60_000, 3_600_000, 86_400_000];
/** After so many failures, in milliseconds; the last one again and again. */
const pauses = [5_000, minute, 5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour];
/** Whoever takes nothing for so long is disabled. */
export const mostFailing = 3 * day;

export const pauseAfter = (failures: number): number => pauses[Math.min(failures, pauses.length) - 1] ?? 0;

/** What it is after an attempt. */
export function tried(webhook: Webhook, problem: string | undefined, isGone: boolean, at: Instant): Webhook {
  const { failing, disabledAt, ...rest } = webhook;
  const version = webhook.version + 1;
  if (problem === undefined) return { ...rest, version, ...(disabledAt !== undefined && { disabledAt }) };
  const since = failing?.since ?? at;
  const isOver = isGone || at - since >= mostFailing;
  const over = disabledAt ?? (isOver ? at : undefined);
  return { ...rest, version, failing: { since, problem }, ...(over !== undefined && { disabledAt: over }) };
}

export function enabled({ failing: _failing, disabledAt: _disabledAt, ...rest }: Webhook): Webhook {
  return { ...rest, version: rest.version + 1 };
}
