import { Unwelcome, type Caller } from "../../authority/index.ts";
import { isId, type Refusal } from "@holdfast/kernel";
import { actions, isAction, type Route } from "@holdfast/protocol";
import type { DeviceRefusal } from "../../live/index.ts";

export type RefusedRequest = {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
  readonly caller: Caller | undefined;
  readonly refusal: Refusal;
  readonly size: number | undefined;
};

/**
 * As whoever watches a device sees it: what its own credential was refused, whatever it asked for, and what others were refused to send in
 * its name. What a program may not read is no matter of the device's, and stands in the audit log. `undefined` where it is no device's.
 */
export function refusedToDevice(request: RefusedRequest): DeviceRefusal | undefined {
  const { route, caller, refusal, size } = request;
  const stranger = Unwelcome.in(refusal);
  if (stranger) {
    const { space, credential, because, toWatchers: detail } = stranger;
    const { device, id } = credential;
    if (!device) return undefined;
    const how = { transport: "http", action: "connect", credential: id } as const;
    return { space, device, refusal, detail, ...how, because: () => because };
  }
  const device = caller && (caller.credential.device ?? inWhoseName(request));
  if (!caller || !device) return undefined;
  const { space, credential } = caller;
  const action = route.needs in actions ? route.needs : "request";
  const because = () => clauseOf(request, caller);
  return { space, device, refusal, transport: "http", action, size, credential: credential.id, because };
}

function inWhoseName({ route, params, caller }: RefusedRequest) {
  const { device = "" } = params;
  const isKnown = route.needs === "telemetry.write" && isId("device", device) && caller?.space.device(device);
  return isKnown ? device : undefined;
}

/** What said no where it was a question of authority; of everything else the code says all there is. */
function clauseOf({ route, params, refusal }: RefusedRequest, caller: Caller): string | undefined {
  const { needs } = route;
  const isAuthority = refusal.code === "permit.missing" || refusal.code.endsWith(".unknown");
  if (!isAuthority || !isAction(needs)) return undefined;
  const kind = actions[needs];
  const target = caller.target(kind, kind === "org" ? caller.org : (params[kind] ?? caller.credential.device ?? ""));
  return target ? caller.decide(needs, target).because : `there is no such ${kind} in this organisation`;
}
