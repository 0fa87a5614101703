import type { Id } from "@holdfast/kernel";
import type { Role } from "@holdfast/protocol";
import { attributesShown, type Dashboard } from "./dashboard.ts";
import { readableBy } from "./door.ts";
import type { Target } from "./link.ts";
import type { Power } from "./power.ts";

/** What is hidden from a credential, whatever it is granted. */
export type Seeing = {
  /** Of a link to a dashboard: nothing but this is shown by it. */
  readonly shown: { readonly id: Id<"dashboard">; readonly dashboard: Dashboard } | undefined;
  /** As what its person sees dashboards that are for some roles; all of them where she may share them. */
  readonly sees: { readonly role: Role; readonly all: boolean } | undefined;
};

/** Why a dashboard, or by the link to one a device, is not for whoever asks. It never grants, it only takes away. */
export function hiddenFrom({ shown, sees }: Seeing, target: Target): string | undefined {
  if (target.kind === "dashboard") {
    if (shown && shown.id !== target.id) return `the link shows ${shown.id} alone`;
    const { roles } = target.dashboard;
    if (!roles || sees?.all || (sees && roles.includes(sees.role))) return undefined;
    return `the dashboard is for ${roles.join(", ")} alone`;
  }
  if (!shown || (target.kind === "device" && attributesShown(shown.dashboard, target.id, target.placement)))
    return undefined;
  return `${shown.id} does not show it`;
}

/** Which attributes of a device may be read: by name, or `undefined` for all. A device hears what is its own. */
export function readableOf(
  { space, visitor, shown }: Power,
  { id, placement }: Target & { kind: "device" },
): ((name: string) => boolean) | undefined {
  const byDoors = visitor.device === id ? undefined : readableBy(space.doorsOf(placement), visitor);
  if (!shown) return byDoors;
  const names = attributesShown(shown.dashboard, id, placement);
  return (name) => names?.has(name) === true && (byDoors?.(name) ?? true);
}
