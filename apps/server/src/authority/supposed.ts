import { Refusal, type Id, type Instant, type RefusalCode } from "@holdfast/kernel";
import { isBuiltIn, type Door, type Grant } from "@holdfast/protocol";
import { levelOf } from "./door.ts";
import type { ListEntry } from "./lists.ts";
import { normalName } from "./role.ts";
import type { Space } from "./space.ts";

/** What is to be otherwise. */
export type Change =
  | { readonly kind: "door"; readonly of: Id<"product"> | Id<"device">; readonly door: Door | undefined }
  | { readonly kind: "entryAdded"; readonly entry: ListEntry }
  | { readonly kind: "entryRemoved"; readonly entry: Id<"listEntry"> }
  | { readonly kind: "role"; readonly role: string; readonly grants: readonly Grant[] };

/** Of something that is not there, for whoever writes it down. */
type Refuse = (about: string, code: RefusalCode) => Refusal;

/** The organisation as it would be. @throws Refusal `list.unknown`, `list.full`, `role.unknown`, `role.builtIn` */
export function supposed(space: Space, change: Change, now: Instant, refuse: Refuse): Space {
  switch (change.kind) {
    case "door":
      return withDoor(space, change, now);
    case "entryAdded":
      return space.supposing({ entries: [...space.lists.with(change.entry).entries.values()] }, now);
    case "entryRemoved": {
      if (!space.lists.entries.has(change.entry)) throw refuse(change.entry, "list.unknown");
      return space.supposing({ entries: [...space.lists.without(change.entry).entries.values()] }, now);
    }
    case "role":
      return withRole(space, change, now, refuse);
  }
}

function withDoor(space: Space, { of, door: asked }: Change & { kind: "door" }, now: Instant): Space {
  const door = levelOf(of, asked);
  const placement = space.device(of as Id<"device">); // only a map is asked
  if (placement) {
    const devices = new Map(space.devices);
    return space.supposing({ devices: devices.set(of as Id<"device">, { ...placement, door }) }, now); // it was in the map
  }
  const product = of as Id<"product">; // as before
  const schema = space.product(product);
  return schema ? space.supposing({ products: new Map(space.products).set(product, { ...schema, door }) }, now) : space;
}

/** By its identifier, or by its name as a file of roles has it. */
function withRole(
  space: Space,
  { role: called, grants }: Change & { kind: "role" },
  now: Instant,
  refuse: Refuse,
): Space {
  if (isBuiltIn(called)) throw new Refusal("role.builtIn");
  const found = [...space.roles.values()].find(
    ({ id, name }) => id === called || normalName(name) === normalName(called),
  );
  if (!found) throw refuse(called, "role.unknown");
  return space.supposing({ roles: new Map(space.roles).set(found.id, { ...found, grants }) }, now);
}
