import { actions, type Action } from "@holdfast/protocol";

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
