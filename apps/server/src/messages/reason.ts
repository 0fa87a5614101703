import type { Refusal } from "@holdfast/kernel";

/** What a refusal is called in MQTT 5 (2.4); in 3.1.1 the broker makes of it what that version knows. */
export function reasonOf({ code }: Refusal, during: "connect" | "publish"): number {
  switch (code) {
    case "credential.invalid":
    case "credential.missing":
      return 0x86; // bad user name or password
    case "credential.expired":
    case "permit.missing":
    case "device.suspended":
    case "device.retired":
      return 0x87; // not authorized
    case "rate.exceeded":
      return 0x9f; // connection rate exceeded
    case "storage.unavailable":
    case "keyring.unreachable":
    case "stopping":
      return 0x88; // server unavailable
    case "storage.full":
      return during === "connect" ? 0x88 : 0x97; // quota exceeded
    default:
      return during === "connect" ? 0x80 : 0x99; // payload format invalid
  }
}
