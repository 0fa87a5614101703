import type { Id } from "@holdfast/kernel";

/**
 * By which names gateways know children, in words of another platform in which they have to name a child before they hear of it. Each counts as long as the
 * connection on which it was said.
 */
export class Introductions {
  readonly #of = new Map<Id<"device">, Map<Id<"device">, { readonly name: string; readonly by: object }>>();

  nameOf(gateway: Id<"device">, child: Id<"device">): string | undefined {
    return this.#of.get(gateway)?.get(child)?.name;
  }

  /** Answers whether nobody had said so yet. */
  introduce(gateway: Id<"device">, child: Id<"device">, name: string, by: object): boolean {
    const children = this.#of.get(gateway) ?? new Map();
    this.#of.set(gateway, children);
    const before = children.get(child);
    children.set(child, { name, by });
    return before?.name !== name || before.by !== by;
  }

  dismiss(gateway: Id<"device">, child: Id<"device">): void {
    this.#of.get(gateway)?.delete(child);
  }

  /** That connection of the gateway is over. */
  left(gateway: Id<"device">, by: object): void {
    const children = this.#of.get(gateway);
    if (!children) return;
    for (const [child, said] of children) if (said.by === by) children.delete(child);
    if (children.size === 0) this.#of.delete(gateway);
  }
}
