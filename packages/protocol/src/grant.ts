import { isId, Refusal, type Id } from "@holdfast/kernel";
import { allActions, instanceActions, isAction, type Action } from "./actions.ts";
import { tagKey, tagValue } from "./shapes.ts";

/** Where a grant holds. Over an organisation's own things only `all` means anything; a device is reached by all five, by its user in what that user's sign-in gives alone. */
export type Where =
  | { readonly all: true }
  | { readonly application: Id<"application"> }
  | { readonly devices: readonly Id<"device">[] }
  | { readonly user: Id<"user"> }
  | { readonly tag: { readonly key: string; readonly value: string } };

/** One thing that may be done, and where. */
export type Grant = { readonly action: Action; readonly where: Where };

/** Beyond this many devices a token gets too long for firmware and headers: use a tag. */
export const mostDevicesInGrant = 60;
export const mostGrants = 96;

/**
 * Reads `ACTION`, `ACTION:app_…`, `ACTION:dev_…,dev_…` or `ACTION:tag:key=value`. `telemetry.*` and `*` stand for what they
 * match today, so that an action added later is in no grant that was made before; actions of the instance must be named.
 * @throws Refusal `grant.malformed`
 */
export function parseGrant(text: string): readonly Grant[] {
  const colon = text.indexOf(":");
  const name = colon < 0 ? text : text.slice(0, colon);
  const where = colon < 0 ? ({ all: true } as const) : parseWhere(text, text.slice(colon + 1));
  return actionsNamed(text, name).map((action) => ({ action, where }));
}

export function parseGrants(texts: readonly string[]): readonly Grant[] {
  return texts.flatMap(parseGrant);
}

export const formatGrant = ({ action, where }: Grant): string =>
  "all" in where ? action : `${action}:${formatWhere(where)}`;

export function formatWhere(where: Where): string {
  if ("all" in where) return "*";
  if ("application" in where) return where.application;
  if ("devices" in where) return where.devices.join(",");
  if ("user" in where) return where.user;
  return `tag:${where.tag.key}=${where.tag.value}`;
}

function actionsNamed(text: string, name: string): readonly Action[] {
  if (isAction(name)) return [name];
  const prefix = name === "*" ? "" : name.endsWith(".*") ? name.slice(0, -1) : undefined;
  const named =
    prefix === undefined
      ? []
      : allActions.filter((action) => action.startsWith(prefix) && !instanceActions.includes(action));
  if (named.length === 0) throw malformed(text);
  return named;
}

function parseWhere(text: string, where: string): Where {
  if (where === "*") return { all: true };
  if (isId("application", where)) return { application: where };
  if (isId("user", where)) return { user: where };
  if (where.startsWith("tag:")) {
    const equals = where.indexOf("=");
    if (equals < 0) throw malformed(text);
    const tag = { key: where.slice(4, equals), value: where.slice(equals + 1) };
    // What no device can have reaches nothing, and would stand in logs and terminals as whatever it pleases.
    if (!tagKey.safeParse(tag.key).success || !tagValue.safeParse(tag.value).success) throw malformed(text);
    return { tag };
  }
  const devices = where.split(",");
  if (devices.length > mostDevicesInGrant) throw malformed(text, `More than ${mostDevicesInGrant} devices: use a tag.`);
  if (!devices.every((device) => isId("device", device))) throw malformed(text);
  return { devices };
}

const malformed = (text: string, why = ""): Refusal =>
  new Refusal("grant.malformed", {
    faults: [{ path: "grants", message: `${JSON.stringify(text.slice(0, 80))}${why && ": "}${why}` }],
  });
