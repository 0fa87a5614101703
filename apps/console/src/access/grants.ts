import { actions, formatWhere, parseGrants, type Action, type Where } from "@holdfast/protocol";

/** Where what is ticked holds. */
export type Scope =
  | { readonly kind: "all" }
  | { readonly kind: "application"; readonly application: string }
  | { readonly kind: "devices"; readonly devices: readonly string[] }
  /** `key=value`. */
  | { readonly kind: "tag"; readonly tag: string };

/** The same as it is typed into a form. */
type Typed = {
  readonly scope: Scope["kind"];
  readonly application: string;
  readonly devices: string;
  readonly tag: string;
};

export const scopeOf = ({ scope, application, devices, tag }: Typed): Scope => {
  switch (scope) {
    case "all":
      return { kind: "all" };
    case "application":
      return { kind: "application", application };
    case "devices":
      return { kind: "devices", devices: devices.split(/[\s,]+/).filter((id) => id !== "") };
    case "tag":
      return { kind: "tag", tag: tag.trim() };
  }
};

/** Ticked actions as the API takes them. A narrower place is written only where it means something: about devices, and applications in one of those. */
export function grantsOf(ticked: readonly Action[], scope: Scope): string[] {
  return ticked.map((action) => {
    const kind = actions[action];
    switch (scope.kind) {
      case "all":
        return action;
      case "application":
        return kind === "device" || kind === "application" ? `${action}:${scope.application}` : action;
      case "devices":
        return kind === "device" ? `${action}:${scope.devices.join(",")}` : action;
      case "tag":
        return kind === "device" ? `${action}:tag:${scope.tag}` : action;
    }
  });
}

const kinds = ["apiToken", "operator", "accessKey"] as const;

/** As the form asks for it: with which kind, what is ticked, and where it all holds. */
export type Again = {
  readonly kind: (typeof kinds)[number];
  readonly actions: Action[];
  readonly scope: Scope["kind"];
  readonly application: string;
  readonly devices: string;
  readonly tag: string;
};

/** One like another that may do no more than these; `undefined` where the form cannot say it: it knows one place for all. */
export function madeAgain({
  kind: asked,
  narrower,
  application: owner = "",
  conditions,
  boundTo,
}: {
  readonly kind: string;
  readonly narrower: readonly string[];
  readonly application?: string | undefined;
  readonly conditions?: object | undefined;
  readonly boundTo?: string | undefined;
}): Again | undefined {
  const kind = kinds.find((one) => one === asked);
  // Without its conditions it would be wider.
  if (kind === undefined || conditions !== undefined || boundTo !== undefined) return undefined;
  const grants = parseGrants(narrower);
  const somewhere = grants.filter(({ where }) => !("all" in where));
  const where: Where = somewhere[0]?.where ?? { all: true };
  const ticked = [...new Set(grants.map(({ action }) => action))];
  const scope = placeOf(where);
  const blank = { kind, actions: ticked, scope: scope.kind, application: owner, devices: "", tag: "" };
  // What an access key may do holds in its application, whatever is said here.
  if (kind === "accessKey") return { ...blank, scope: "all" };
  const isSame = grantsOf(ticked, scope).toSorted().join() === [...narrower].toSorted().join();
  if (!isSame) return undefined;
  switch (scope.kind) {
    case "all":
      return blank;
    case "application":
      return { ...blank, application: scope.application };
    case "devices":
      return { ...blank, devices: scope.devices.join("\n") };
    case "tag":
      return { ...blank, tag: scope.tag };
  }
}

function placeOf(where: Where): Scope {
  if ("all" in where) return { kind: "all" };
  if ("application" in where) return { kind: "application", application: where.application };
  if ("devices" in where) return { kind: "devices", devices: where.devices };
  return { kind: "tag", tag: formatWhere(where).slice("tag:".length) };
}
