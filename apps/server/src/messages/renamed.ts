import type { Id } from "@holdfast/kernel";
import type { Naming } from "@holdfast/mqtt";
import type { Beside } from "./beside.ts";
import { aliasOf, treeOf, type SessionContext } from "./session.ts";

/**
 * By which names the session of a device knows things from now on, where they are others than before. Who goes by a name that was nobody's, or another's,
 * is told what is owed to it: a filter by that name waited for it.
 */
export function renamed(context: SessionContext, beside: Pick<Beside, "arrived">): Naming | undefined {
  const { caller } = context;
  const { space } = caller;
  const { device } = caller.credential;
  if (device === undefined) return undefined;
  const [alias, children, groups] = [aliasOf(caller), space.children.namesOf(device), space.groups.namesOf(device)];
  if (alias === context.alias && children === context.children && groups === context.groups) return undefined;
  const before = context.children;
  const named = new Set<Id<"device">>();
  if (alias !== undefined && alias !== context.alias) named.add(device);
  for (const [name, child] of children) if (before?.get(name) !== child) named.add(child);
  context.alias = alias;
  context.groups = groups;
  context.children = children;
  // The session takes its new names first.
  queueMicrotask(() => {
    for (const one of named) beside.arrived(space, one, undefined);
  });
  return treeOf(space, device);
}
