import { Refusal, type Fault, type Id, type Instant } from "@holdfast/kernel";
import type { Schema } from "../authority/index.ts";

export type AttributeType = "number" | "boolean" | "text";
export type Attribute = { readonly type: AttributeType; readonly unit?: string | undefined };

/** A class of devices: what they measure, and whether they may measure anything else. */
export type Product = {
  readonly id: Id<"product">;
  readonly name: string;
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** Undeclared attributes are refused. */
  readonly strict: boolean;
  readonly createdAt: Instant;
  readonly version: number;
};

export const schemaOf = ({ attributes, strict }: Product): Schema => ({
  strict,
  types: new Map(Object.entries(attributes).map(([name, { type }]) => [name, type])),
});

export type ProductChange = {
  readonly name?: string | undefined;
  readonly attributes?: Readonly<Record<string, Attribute>> | undefined;
  readonly strict?: boolean | undefined;
};

/** An attribute may come and go but not change its type: what was stored as a number is read as one for ever. */
export function changeProduct(product: Product, wanted: ProductChange): Product {
  const faults: Fault[] = [];
  for (const [name, { type }] of Object.entries(wanted.attributes ?? {})) {
    const before = Object.hasOwn(product.attributes, name) ? product.attributes[name] : undefined;
    if (before && before.type !== type) {
      faults.push({ path: `attributes.${name}`, message: `is a ${before.type}, and stays one: declare another name` });
    }
  }
  if (faults.length > 0) throw new Refusal("request.malformed", { faults });
  return {
    ...product,
    name: wanted.name ?? product.name,
    attributes: wanted.attributes ?? product.attributes,
    strict: wanted.strict ?? product.strict,
    version: product.version + 1,
  };
}
