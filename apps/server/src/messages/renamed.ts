import type { Naming } from "@holdfast/mqtt";
import type { Beside } from "./beside.ts";
import { aliasOf, treeOf, type SessionContext } from "./session.ts";

/**
 * By which names the session of a device knows things from now on, where they are others than before. A child that it speaks for since is told what is
 * owed to it.
 */
export function renamed(context: SessionContext, beside: Pick<Beside, "arrived">): Naming | undefined {
  const { caller } = context;
  const { space } = caller;
  const { device } = caller.credential;
  if (device === undefined) return undefined;
  const [alias, children, groups] = [aliasOf(caller), space.children.namesOf(device), space.groups.namesOf(device)];
  if (alias === context.alias && children === context.children && groups === context.groups) return undefined;
  const known = new Set(context.children?.values());
  context.alias = alias;
  context.groups = groups;
  context.children = children;
  // The session takes its new names first.
  queueMicrotask(() => {
    for (const child of space.children.of(device)) if (!known.has(child)) beside.arrived(space, child, undefined);
  });
  return treeOf(space, device);
}
