import { Refusal, sentenceOf } from "@holdfast/kernel";
import type { Refusable } from "@holdfast/mqtt";

/** What a refusal is called in MQTT 5 (2.4); in 3.1.1 the broker makes of it what that version knows. */
export function reasonOf({ code }: Refusal, during: "connect" | "publish"): number {
  switch (code) {
    case "credential.invalid":
    case "credential.missing":
      return 0x86; // bad user name or password
    case "credential.expired":
    case "condition.unmet":
    case "door.refused":
    case "list.denied":
    case "factor.demanded":
    case "factor.unshown":
    case "permit.missing":
    case "proof.required":
    case "proof.invalid":
    case "device.suspended":
    case "device.retired":
    case "gateway.notChild":
      return 0x87; // not authorized
    case "rate.exceeded":
      return during === "connect" ? 0x9f : 0x97; // connection rate exceeded, quota exceeded
    case "storage.unavailable":
    case "keyring.unreachable":
    case "stopping":
    case "org.unconfirmed":
      return 0x88; // server unavailable
    case "quota.exceeded":
      return 0x97; // quota exceeded
    case "storage.full":
      return during === "connect" ? 0x88 : 0x97; // quota exceeded
    default:
      return during === "connect" ? 0x80 : 0x99; // payload format invalid
  }
}

/** What the broker or a gate refused by a code alone, in words; of a device, or of a program. */
export function refusalBy(code: number, what: Refusable, isDevice: boolean): Refusal {
  switch (code) {
    case 0x87: // not authorized
      return new Refusal(isDevice ? "topic.foreign" : "permit.missing");
    case 0x97: // quota exceeded
      return new Refusal(what === "publish" || what === "will" ? "mqtt.full" : "mqtt.tooMany");
    case 0x99: // payload format invalid
      return new Refusal("telemetry.malformed", { detail: "The message says that it is text, and is not UTF-8." });
    default:
      return new Refusal("topic.unknown", what === "subscribe" ? { detail: "The filter is too long." } : {});
  }
}

/** The same for a client of MQTT 5, where the broker's own words say less. Made of nothing: whoever is refused comes again at once. */
export function sentenceBy(code: number, what: Refusable, isDevice: boolean): string | undefined {
  if (code === 0x87) return isDevice ? sentenceOf("topic.foreign") : notGranted;
  if (code === 0x90) return sentenceOf("topic.unknown");
  if (code !== 0x97) return undefined;
  return what === "subscribe" ? sentenceOf("mqtt.tooMany") : what === "will" ? sentenceOf("mqtt.full") : undefined;
}

const notGranted =
  "This credential does not allow that topic or filter. holdfast explain says which grant is missing; make one that has it.";

/** Why a connection was closed by the rules of MQTT. */
export const violationBy = (code: number): Refusal =>
  code === 0x95 // packet too large
    ? new Refusal("request.tooLarge")
    : new Refusal("mqtt.protocol", { detail: `MQTT calls it 0x${code.toString(16)}.` });
