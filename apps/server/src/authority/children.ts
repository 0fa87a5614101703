import type { Id } from "@holdfast/kernel";
import type { Placement } from "./placement.ts";

/** By the names that a gateway may call its children: ids, and aliases. The same map as long as nothing changes. */
export type Names = ReadonlyMap<string, Id<"device">>;

const nobody: Names = new Map();

/** Which devices speak for which. */
export class Children {
  /** Children by gateway. */
  readonly #of = new Map<Id<"device">, Map<Id<"device">, Placement>>();
  /** Made when somebody asks. */
  readonly #names = new Map<Id<"device">, Names>();

  constructor(devices: Iterable<readonly [Id<"device">, Placement]>) {
    for (const [id, placement] of devices) this.put(id, undefined, placement);
  }

  put(id: Id<"device">, before: Placement | undefined, after: Placement): void {
    const isAlike = before?.gateway === after.gateway && before?.alias === after.alias && before?.state === after.state;
    if (isAlike) return;
    if (before?.gateway) {
      this.#of.get(before.gateway)?.delete(id);
      this.#names.delete(before.gateway);
    }
    if (!after.gateway || after.state === "retired") return;
    const siblings = this.#of.get(after.gateway);
    if (siblings) siblings.set(id, after);
    else this.#of.set(after.gateway, new Map([[id, after]]));
    this.#names.delete(after.gateway);
  }

  namesOf(gateway: Id<"device">): Names {
    const known = this.#names.get(gateway);
    if (known) return known;
    const children = this.#of.get(gateway);
    if (!children || children.size === 0) return nobody;
    // Ids last: no alias takes another device's id.
    const names = new Map<string, Id<"device">>();
    for (const [id, { alias }] of children) if (alias !== undefined) names.set(alias, id);
    for (const id of children.keys()) names.set(id, id);
    this.#names.set(gateway, names);
    return names;
  }

  of(gateway: Id<"device">): readonly Id<"device">[] {
    return [...(this.#of.get(gateway)?.keys() ?? [])];
  }
}
