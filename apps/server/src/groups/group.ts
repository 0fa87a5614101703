import { Refusal, type Id, type Instant } from "@holdfast/kernel";
import type { KnownGroup, Rights } from "../authority/index.ts";

/** Devices of one application that talk to each other. */
export type Group = {
  readonly id: Id<"group">;
  readonly application: Id<"application">;
  /** A level of topics. */
  readonly name: string;
  readonly members: ReadonlyMap<Id<"device">, Rights>;
  readonly createdAt: Instant;
  /** Grows with each change; what is sealed under an older one does not open in a newer row. */
  readonly version: number;
};

const mostMembers = 500;

/** @throws Refusal `group.tooMany` */
export function admit(group: Group, device: Id<"device">, rights: Rights): Group {
  const members = new Map(group.members).set(device, rights);
  if (members.size > mostMembers) throw new Refusal("group.tooMany");
  return { ...group, members, version: group.version + 1 };
}

export function expel(group: Group, device: Id<"device">): Group {
  const members = new Map(group.members);
  if (!members.delete(device)) throw new Refusal("device.unknown");
  return { ...group, members, version: group.version + 1 };
}

/** Those whom both let in, with what both let them. */
export function narrowest(one: Group["members"], other: Group["members"]): Group["members"] {
  const members = new Map<Id<"device">, Rights>();
  for (const [device, { read, write }] of one) {
    const also = other.get(device);
    if (also && ((read && also.read) || (write && also.write)))
      members.set(device, { read: read && also.read, write: write && also.write });
  }
  return members;
}

export const knownOf = ({ application, name, members, version }: Group): KnownGroup => ({
  application,
  name,
  members,
  version,
});
