import type { Closing } from "@holdfast/mqtt";
import type { Caller } from "../authority/index.ts";
import type { Cause } from "./presence.ts";
import { serverBusy } from "./codes.ts";

/** Of all causes those that a connection ends by; the others are known later. */
type Ending = Exclude<Cause, "refused" | "many" | "gateway">;

/** Why a device's session is over, as whoever looks at the device reads it. */
export function causeOf({ how, code }: Closing, caller: Caller): Ending {
  switch (how) {
    case "client":
      return "goodbye";
    case "network":
      return "broken";
    case "keepAlive":
      return "silent";
    case "takenOver":
      return "replaced";
    case "policy":
      return code === serverBusy ? "unkept" : endOf(caller);
    case "protocol":
      return "rules";
    case "shutdown":
      return "stopped";
    case "expired":
    case "slow":
    case "fault":
      return how;
  }
}

function endOf({ space, credential: { device }, hasExpired, power: { end } }: Caller): Ending {
  const state = device && space.device(device)?.state;
  if (state === "suspended" || state === "retired") return state;
  if (space.closed) return "asked";
  if (end?.code === "door.refused" || end?.code === "list.denied") return "barred";
  return hasExpired ? "expired" : "revoked";
}

/** What the platform did itself says nothing about the device's line. */
export const isOurs = (cause: Cause): boolean =>
  cause === "stopped" || cause === "asked" || cause === "unkept" || cause === "fault" || cause === "replaced";

/** There may be more to tell: nobody said that it was the network of many, or a refusal. */
export const isVague = (cause: Cause): boolean =>
  cause === "goodbye" || cause === "silent" || cause === "broken" || cause === "many" || cause === "stopped";
