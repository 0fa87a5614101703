import { Refusal, type Fault, type Id, type Instant } from "@holdfast/kernel";
import type { Door } from "@holdfast/protocol";
import { levelOf, type Schema } from "../authority/index.ts";

export type AttributeType = "number" | "boolean" | "text";
export type Attribute = { readonly type: AttributeType; readonly unit?: string | undefined };

/** A class of devices: what they measure, and whether they may measure anything else. */
export type Product = {
  readonly id: Id<"product">;
  readonly name: string;
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** The types of attributes that it declared once: each can come back, as what it was. */
  readonly former: Readonly<Record<string, AttributeType>>;
  /** Undeclared attributes are refused. */
  readonly strict: boolean;
  /** What it demands of whoever comes to its devices. */
  readonly door?: Door | undefined;
  readonly createdAt: Instant;
  readonly version: number;
};

export const schemaOf = ({ id, attributes, strict, door }: Product): Schema => ({
  strict,
  door: levelOf(id, door),
  types: new Map(typesOf({ attributes })),
});

/** What it demands from now on; nothing when there is none. */
export function withDoor({ door: _before, ...rest }: Product, door: Door | undefined): Product {
  return { ...rest, ...(door && { door }), version: rest.version + 1 };
}

export type ProductChange = {
  readonly name?: string | undefined;
  readonly attributes?: Readonly<Record<string, Attribute>> | undefined;
  readonly strict?: boolean | undefined;
};

/** How many names a product declares in its life, those included that it has dropped: it remembers the type of each. */
const mostEver = 1_024;

/** An attribute may come and go but not change its type: what was stored as a number is read as one for ever. */
export function changeProduct(product: Product, wanted: ProductChange): Product {
  const attributes = wanted.attributes ?? product.attributes;
  const types = new Map([...Object.entries(product.former), ...typesOf(product)]);
  const faults: Fault[] = [];
  for (const [name, type] of typesOf({ attributes })) {
    const before = types.get(name);
    if (before && before !== type) {
      faults.push({ path: `attributes.${name}`, message: `is a ${before}, and stays one: declare another name` });
    }
    types.set(name, before ?? type);
  }
  if (types.size > mostEver) {
    faults.push({ path: "attributes", message: `at most ${mostEver} in a product's life: make another product` });
  }
  if (faults.length > 0) throw new Refusal("request.malformed", { faults });
  return {
    ...product,
    name: wanted.name ?? product.name,
    attributes,
    former: Object.fromEntries([...types].filter(([name]) => !Object.hasOwn(attributes, name))),
    strict: wanted.strict ?? product.strict,
    version: product.version + 1,
  };
}

/**
 * A device keeps the type of what it has measured, so a product that says otherwise would promise what is not so.
 * @throws Refusal `product.typesDiffer`, which names the attributes
 */
export function refuseOtherTypes(product: Product, measured: ReadonlyMap<string, AttributeType>): void {
  const faults: Fault[] = [];
  for (const [name, type] of typesOf(product)) {
    const kept = measured.get(name);
    if (kept && kept !== type) {
      faults.push({ path: `attributes.${name}`, message: `is a ${kept} on this device, and a ${type} in the product` });
    }
  }
  if (faults.length === 0) return;
  const names = faults.slice(0, 3).map(({ path }) => JSON.stringify(path.slice("attributes.".length)));
  throw new Refusal("product.typesDiffer", { detail: `It is about ${names.join(", ")}.`, faults: faults.slice(0, 16) });
}

const typesOf = ({ attributes }: Pick<Product, "attributes">): readonly (readonly [string, AttributeType])[] =>
  Object.entries(attributes).map(([name, { type }]) => [name, type]);
