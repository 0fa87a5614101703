import type { Id } from "@holdfast/kernel";

/** What a member may in its group: hear, and say. */
export type Rights = { readonly read: boolean; readonly write: boolean };

export type KnownGroup = {
  readonly application: Id<"application">;
  readonly name: string;
  readonly members: ReadonlyMap<Id<"device">, Rights>;
  readonly version: number;
};

/** By the names that a device may call its groups: ids, and names. The same map as long as nothing changes. */
type Names = ReadonlyMap<string, Id<"group">>;
const nowhere: Names = new Map();

/** The groups of an organisation: which devices talk to each other. */
export class KnownGroups {
  readonly #known: Map<Id<"group">, KnownGroup>;
  readonly #of = new Map<Id<"device">, Set<Id<"group">>>();
  /** Made when somebody asks. */
  readonly #names = new Map<Id<"device">, Names>();
  readonly #changed: () => void;

  /** `changed`: who is there may be in another place from now on. */
  constructor(known: ReadonlyMap<Id<"group">, KnownGroup> | undefined, changed: () => void) {
    this.#known = new Map(known);
    this.#changed = changed;
    for (const [id, { members }] of this.#known) for (const device of members.keys()) this.#note(device).add(id);
  }

  get all(): ReadonlyMap<Id<"group">, KnownGroup> {
    return this.#known;
  }

  get(id: Id<"group">): KnownGroup | undefined {
    return this.#known.get(id);
  }

  /** One that was made or changed. What is told twice, or after something newer, changes nothing. */
  set(id: Id<"group">, group: KnownGroup): void {
    const before = this.#known.get(id);
    if (before && before.version >= group.version) return;
    this.#known.set(id, group);
    this.#forget(id, before);
    for (const device of group.members.keys()) this.#note(device).add(id);
    this.#changed();
  }

  remove(id: Id<"group">): void {
    this.#forget(id, this.#known.get(id));
    this.#known.delete(id);
    this.#changed();
  }

  namesOf(device: Id<"device">): Names {
    const known = this.#names.get(device);
    if (known) return known;
    const groups = [...(this.#of.get(device) ?? [])];
    if (groups.length === 0) return nowhere;
    const names = new Map<string, Id<"group">>();
    for (const id of groups) names.set(this.#known.get(id)?.name ?? id, id);
    for (const id of groups) names.set(id, id);
    this.#names.set(device, names);
    return names;
  }

  #forget(id: Id<"group">, before: KnownGroup | undefined): void {
    for (const device of before?.members.keys() ?? []) this.#note(device).delete(id);
  }

  #note(device: Id<"device">): Set<Id<"group">> {
    this.#names.delete(device);
    const there = this.#of.get(device) ?? new Set();
    this.#of.set(device, there);
    return there;
  }
}
