import {
  actions,
  allActions,
  formatWhere,
  instanceActions,
  parseGrants,
  type Action,
  type Where,
} from "@holdfast/protocol";
import { grantsOf, scopeOf, type Scope } from "./grants.ts";

/** What a role lets do in one place, as a form has it. */
export type Place = {
  readonly scope: Scope["kind"];
  readonly application: string;
  readonly devices: string;
  readonly tag: string;
  readonly actions: Action[];
};

export const everywhere: Place = { scope: "all", application: "", devices: "", tag: "", actions: [] };

/** Whether an action has a meaning there: about the organisation and products everywhere is the only place. */
function hasMeaning(action: Action, scope: Scope["kind"]): boolean {
  if (instanceActions.includes(action)) return false;
  const kind = actions[action];
  return scope === "all" || kind === "device" || (kind === "application" && scope === "application");
}

/** Grants as they are written, by the places in which they hold. */
export function placesOf(grants: readonly string[]): Place[] {
  const places = new Map<string, Place>();
  for (const { action, where } of parseGrants(grants)) {
    const name = formatWhere(where);
    const there = places.get(name);
    if (there) there.actions.push(action);
    else places.set(name, { ...everywhere, ...placeOf(where), actions: [action] });
  }
  return [...places.values()];
}

function placeOf(where: Where): Partial<Place> {
  if ("all" in where) return {};
  if ("application" in where) return { scope: "application", application: where.application };
  if ("devices" in where) return { scope: "devices", devices: where.devices.join("\n") };
  if ("user" in where) return {}; // no role has one: a customer's own sign-in does
  return { scope: "tag", tag: `${where.tag.key}=${where.tag.value}` };
}

/** The way back. What was ticked where it has no meaning any more is left out. */
export const grantsIn = (places: readonly Place[]): string[] =>
  places.flatMap((place) =>
    grantsOf(
      allActions.filter((action) => place.actions.includes(action) && hasMeaning(action, place.scope)),
      scopeOf(place),
    ),
  );

/** Actions by what they are about: `device.read` and `device.update` are about a device. */
export const bySubject = (scope: Scope["kind"]): ReadonlyMap<string, readonly Action[]> =>
  Map.groupBy(
    allActions.filter((action) => hasMeaning(action, scope)),
    (action) => action.slice(0, action.indexOf(".")),
  );
