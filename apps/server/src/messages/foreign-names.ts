import type { Mount, Synonym } from "@holdfast/mqtt";
import type { Id } from "@holdfast/kernel";
import {
  foreignAttributesTopic,
  foreignTree,
  gatewaySynonym,
  sharedAttributesTopic,
  telemetryTopic,
} from "@holdfast/protocol";

/** ThingsBoard's short forms of what follows `v1/devices/me/`. */
const shortened = [
  ["v2/a/req/", "attributes/request/"],
  ["v2/a/res/", "attributes/response/"],
  ["v2/r/req/", "rpc/request/"],
  ["v2/r/res/", "rpc/response/"],
] as const;

/** What a device reports, and what is wanted of it, by one name. */
const attributes: ReadonlySet<string> = new Set(["v1/devices/me/attributes", "v2/a", "v2/a/j"]);
/** All of a gateway's topics are exact: which child is meant stands in the message. */
const ofGateway = /^v1\/gateway\/[^+#]+$/;

/** What a device calls things beside telemetry whose firmware was written for another platform: few do, so it is made when it is asked. */
export function foreignName(
  device: Id<"device">,
  alias: string | undefined,
  written: string,
): Mount | Synonym | undefined {
  if (written.startsWith("losant/")) {
    const names = alias === undefined ? [device] : [device, alias];
    const prefix = names.map((name) => `losant/${name}/`).find((one) => written.startsWith(one));
    return prefix === undefined ? undefined : { prefix, target: foreignTree("losant", device) };
  }
  const target = foreignTree("thingsboard", device);
  if (attributes.has(written))
    return { topic: written, target: foreignAttributesTopic(device), heard: sharedAttributesTopic(device) };
  if (written.startsWith("v1/devices/me/")) return { prefix: "v1/devices/me/", target };
  if (written === "v2/t" || written === "v2/t/j") return { topic: written, target: telemetryTopic(device) };
  if (ofGateway.test(written))
    return { topic: written, ...gatewaySynonym(device, written.slice("v1/gateway/".length)) };
  const [prefix, long] = shortened.find(([short]) => written.startsWith(short)) ?? [];
  return prefix === undefined ? undefined : { prefix, target: `${target}${long}` };
}
