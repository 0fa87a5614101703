import { Refusal } from "@holdfast/kernel";
import { quotaExceeded, serverUnavailable } from "./batch.ts";

/** The way a refusal travels to whoever waits: as the code that MQTT knows. */
export function codeOf({ code }: Refusal): number {
  switch (code) {
    case "rate.exceeded":
    case "storage.full":
      return quotaExceeded;
    case "seal.broken":
    case "storage.unavailable":
    case "keyring.unreachable":
    case "keyring.incomplete":
    case "stopping":
      return serverUnavailable;
    case "device.unknown":
    case "device.suspended":
    case "device.retired":
    case "device.erased":
      return 0x87; // not authorized
    default:
      return 0x99; // payload format invalid
  }
}

export const refusalOfCode = (code: number, reason: string | undefined): Refusal =>
  new Refusal(code === quotaExceeded ? "storage.full" : "storage.unavailable", {
    retryAfterSeconds: 2,
    ...(reason !== undefined && { cause: reason }),
  });
