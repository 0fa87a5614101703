import { isId, type Id } from "@holdfast/kernel";

/** Platforms whose firmware is understood, by what it names. */
export type Dialect = "losant" | "thingsboard";

/**
 * What firmware of another platform says and hears beside telemetry. In the space each has a tree of its own, beside those of `devices/`: what stands there
 * is in that platform's words, and meant for that device alone.
 */
export type Foreign =
  | { readonly device: Id<"device">; readonly kind: "foreign"; readonly what: ForeignWhat }
  | {
      readonly device: Id<"device">;
      readonly kind: "foreign";
      readonly what: ForeignAbout;
      /** As it stands in the topic: what a request and its answer have in common. */
      readonly number: number;
    };

type ForeignWhat = "hello" | "command" | "attributes" | "shared";
type ForeignAbout = "attributesRequest" | "attributesResponse" | "rpcRequest" | "rpcResponse";

/** Where the names of a platform stand in the space; ends with a slash. */
export const foreignTree = (dialect: Dialect, device: Id<"device">): string => `${dialect}/${device}/`;

export const foreignCommandTopic = (device: Id<"device">): string => `${foreignTree("losant", device)}command`;
export const foreignAttributesTopic = (device: Id<"device">): string =>
  `${foreignTree("thingsboard", device)}attributes`;
/** Where its firmware hears what is wanted of it: it calls that by the same name, and hears nothing of what it said itself. */
export const sharedAttributesTopic = (device: Id<"device">): string => `${foreignTree("thingsboard", device)}shared`;
export const attributesResponseTopic = (device: Id<"device">, number: number): string =>
  `${foreignAttributesTopic(device)}/response/${number}`;
export const rpcRequestTopic = (device: Id<"device">, number: number | ""): string =>
  `${foreignTree("thingsboard", device)}rpc/request/${number}`;

/** Which of these a device publishes; the others the platform does. */
export const isSaid = ({ what }: Foreign): boolean =>
  what !== "command" && what !== "shared" && what !== "attributesResponse" && what !== "rpcRequest";

const named: Readonly<Record<Dialect, ReadonlySet<string>>> = {
  losant: new Set(["hello", "command"] satisfies ForeignWhat[]),
  thingsboard: new Set(["attributes", "shared"] satisfies ForeignWhat[]),
};
const numbered: Readonly<Record<string, ForeignAbout>> = {
  "attributes/request": "attributesRequest",
  "attributes/response": "attributesResponse",
  "rpc/request": "rpcRequest",
  "rpc/response": "rpcResponse",
};

export function parseForeign(topic: string): Foreign | undefined {
  if (!topic.startsWith("losant/") && !topic.startsWith("thingsboard/")) return undefined;
  const [dialect, device = "", first = "", second, third = "", ...more] = topic.split("/");
  if (!isId("device", device) || more.length > 0) return undefined;
  if (second === undefined) {
    const isKnown = named[dialect === "losant" ? "losant" : "thingsboard"].has(first);
    return isKnown ? { device, kind: "foreign", what: first as ForeignWhat } : undefined; // one of those above
  }
  const name = `${first}/${second}`;
  const what = dialect === "thingsboard" && Object.hasOwn(numbered, name) ? numbered[name] : undefined;
  const number = /^\d{1,10}$/.test(third) ? Number(third) : Infinity;
  return what && number < 2 ** 31 ? { device, kind: "foreign", what, number } : undefined;
}
