import type { Id } from "@holdfast/kernel";
import type { Keep } from "@holdfast/protocol";

/** How long readings are kept, as an organisation or one of its products says: of all, and of attributes by themselves. */
export type Rule = {
  readonly keep?: Keep | undefined;
  readonly attributes?: Readonly<Record<string, Keep>> | undefined;
};

const day = 86_400_000;

/** How long each reading of an organisation is kept. One for an organisation as long as the server runs: it is changed, never replaced. */
export class Kept {
  own: Keep = "forever";
  products: ReadonlyMap<Id<"product">, Rule> = new Map();

  /** The narrower wins: the attribute's own, else the product's, else the organisation's. */
  keepOf(product: Id<"product"> | undefined, attribute: string): Keep {
    const rule = product && this.products.get(product);
    const named = rule?.attributes;
    // Names are anybody's: `constructor` is one.
    return (named && Object.hasOwn(named, attribute) ? named[attribute] : undefined) ?? rule?.keep ?? this.own;
  }

  /** The time of the oldest reading that is kept. */
  from(product: Id<"product"> | undefined, attribute: string, now: number): number {
    return fromOf(this.keepOf(product, attribute), now);
  }

  /** Before it nothing of the organisation is kept, of whatever product and attribute. */
  oldest(now: number): number {
    const rules = [...this.products.values()];
    const all = [
      this.own,
      ...rules.flatMap(({ keep = this.own, attributes = {} }) => [keep, ...Object.values(attributes)]),
    ];
    return Math.min(...all.map((keep) => fromOf(keep, now)));
  }

  /** Whether nothing ever becomes too old. */
  get isEverything(): boolean {
    return (
      this.own === "forever" &&
      [...this.products.values()].every(
        ({ keep = "forever", attributes = {} }) =>
          keep === "forever" && Object.values(attributes).every((one) => one === "forever"),
      )
    );
  }

  /** The same but for what one says. */
  supposing(about: Id<"org"> | Id<"product">, rule: Rule): Kept {
    const supposed = new Kept();
    supposed.own = this.own;
    supposed.products = this.products;
    supposed.set(about, rule);
    return supposed;
  }

  set(about: Id<"org"> | Id<"product">, rule: Rule): void {
    if (isProduct(about)) this.products = new Map(this.products).set(about, rule);
    else this.own = rule.keep ?? "forever";
  }
}

const isProduct = (about: Id<"org"> | Id<"product">): about is Id<"product"> => about.startsWith("prd_");

const fromOf = (keep: Keep, now: number): number => (keep === "forever" ? -Infinity : now - keep * day);
