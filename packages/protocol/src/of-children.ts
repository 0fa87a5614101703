import { isId, type Id } from "@holdfast/kernel";
import { foreignTree } from "./foreign.ts";

/** What a gateway says of its children in ThingsBoard's words. Which children stands in the message. */
export type GatewaySaying = (typeof sayings)[number];

/**
 * A topic where a gateway speaks of children in another platform's words, or where it hears of one: in the tree of whoever says it, and of whom it is
 * about, so that each delivery is asked about the child.
 */
export type GatewayTopic =
  | { readonly kind: "said"; readonly gateway: Id<"device">; readonly what: GatewaySaying }
  | { readonly kind: "heard"; readonly child: Id<"device"> };

/** What a gateway asks about a child's attributes, and by which name and number it gets the answer. */
export type ChildAsked = {
  readonly name: string;
  readonly number: number;
  /** What the answer has: one value, or all of them together, or each side by itself. */
  readonly form: "value" | "values" | "sides";
  readonly client: readonly string[];
  readonly shared: readonly string[];
};

const sayings = ["connect", "disconnect", "telemetry", "attributes", "attributes/request", "rpc"] as const;
const hearings = ["attributes", "attributes/response", "rpc"] as const;

const hearingTopic = (child: string, what: (typeof hearings)[number]): string => `thingsboard/${child}/child/${what}`;
export const childAttributesTopic = (child: Id<"device">): string => hearingTopic(child, "attributes");
export const childAttributesResponseTopic = (child: Id<"device">): string => hearingTopic(child, "attributes/response");
export const childRpcTopic = (child: Id<"device">): string => hearingTopic(child, "rpc");

/** Where what a gateway calls `v1/gateway/{rest}` is said and, where it may listen, heard of all its children. */
export function gatewaySynonym(
  gateway: Id<"device">,
  rest: string,
): { readonly target: string; readonly heard: string | undefined } {
  const heard = hearings.find((one) => one === rest);
  return { target: `${foreignTree("thingsboard", gateway)}gateway/${rest}`, heard: heard && hearingTopic("+", heard) };
}

const start = "thingsboard/";
const idEnd = start.length + 36;

/** `undefined` for every other topic. */
export function parseGatewayTopic(topic: string): GatewayTopic | undefined {
  if (!topic.startsWith(start)) return undefined;
  const device = topic.slice(start.length, idEnd);
  if (topic[idEnd] !== "/" || !isId("device", device)) return undefined;
  const rest = topic.slice(idEnd + 1);
  if (rest.startsWith("gateway/")) {
    const what = sayings.find((one) => one === rest.slice("gateway/".length));
    return what && { kind: "said", gateway: device, what };
  }
  return hearings.some((one) => rest === `child/${one}`) ? { kind: "heard", child: device } : undefined;
}
