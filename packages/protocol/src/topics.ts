import { isId, type Id } from "@holdfast/kernel";

/** A topic of an organisation's space, parsed once at the edge. `me/…` has become `devices/<own id>/…` by then. */
export type Topic = { readonly device: Id<"device">; readonly kind: "telemetry" };

export const telemetryTopic = (device: Id<"device">): string => `devices/${device}/telemetry`;

const ending = "/telemetry";
const start = "devices/";
const length = start.length + 36 + ending.length;

/** `undefined` for a topic that means nothing here. */
export function parseTopic(topic: string): Topic | undefined {
  if (topic.length !== length || !topic.startsWith(start) || !topic.endsWith(ending)) return undefined;
  const device = topic.slice(start.length, start.length + 36);
  return isId("device", device) ? { device, kind: "telemetry" } : undefined;
}
