import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, systemRandom, type Instant } from "@holdfast/kernel";
import { changeProduct, refuseOtherTypes, schemaOf, type Attribute, type Product } from "./product.ts";

const product: Product = {
  id: newId("product", systemRandom),
  name: "Pump",
  attributes: { temperature: { type: "number", unit: "°C" }, open: { type: "boolean" } },
  former: {},
  strict: false,
  createdAt: 0 as Instant,
  version: 1,
};

test("an attribute comes and goes, and keeps its type", () => {
  const note = { ...product.attributes, note: { type: "text" } as const };
  assert.deepEqual(Object.keys(changeProduct(product, { attributes: note }).attributes), [
    "temperature",
    "open",
    "note",
  ]);
  assert.deepEqual(changeProduct(product, { attributes: {} }).attributes, {});
  assert.throws(() => changeProduct(product, { attributes: { open: { type: "number" } } }), {
    code: "request.malformed",
    faults: [{ path: "attributes.open", message: "is a boolean, and stays one: declare another name" }],
  });
});

test("an attribute that was dropped comes back as what it was, or not at all", () => {
  const bare = changeProduct(product, { attributes: {} });
  const still = changeProduct(bare, { strict: true });
  for (const later of [bare, still, changeProduct(still, { attributes: { note: { type: "text" } } })]) {
    assert.throws(() => changeProduct(later, { attributes: { temperature: { type: "text" } } }), {
      code: "request.malformed",
      faults: [{ path: "attributes.temperature", message: "is a number, and stays one: declare another name" }],
    });
    assert.deepEqual(changeProduct(later, { attributes: product.attributes }).attributes, product.attributes);
  }
  assert.deepEqual(
    changeProduct(bare, { attributes: product.attributes }).former,
    {},
    "what is declared is not former",
  );
});

test("a product remembers only so many names", () => {
  const named = (round: number): Record<string, Attribute> =>
    Object.fromEntries(Array.from({ length: 512 }, (_, at) => [`${round}-${at}`, { type: "number" }]));
  let grown: Product = { ...product, attributes: named(0) };
  grown = changeProduct(grown, { attributes: named(1) });
  grown = changeProduct(grown, { attributes: named(0) });
  assert.throws(() => changeProduct(grown, { attributes: named(2) }), {
    code: "request.malformed",
    faults: [{ path: "attributes", message: "at most 1024 in a product's life: make another product" }],
  });
});

test("a device that measured an attribute as something else is refused the product, by the attribute's name", () => {
  refuseOtherTypes(product, new Map([["temperature", "number"]] as const));
  refuseOtherTypes(product, new Map([["other", "text"]] as const));
  assert.throws(() => refuseOtherTypes(product, new Map([["temperature", "text"]] as const)), {
    code: "product.typesDiffer",
    detail: 'It is about "temperature".',
    faults: [{ path: "attributes.temperature", message: "is a text on this device, and a number in the product" }],
  });
});

test("an attribute may have a name that objects have from the start", () => {
  const attributes = { constructor: { type: "text" } } as const;
  assert.deepEqual(changeProduct(product, { attributes }).attributes, attributes);
});

test("what is not named stays, and each change is a new version", () => {
  assert.deepEqual(changeProduct(product, { strict: true }), { ...product, strict: true, version: 2 });
});

test("a schema knows the declared types, and whether there may be others", () => {
  const { strict, types } = schemaOf(product);
  assert.deepEqual([strict, types.get("temperature"), types.get("toString")], [false, "number", undefined]);
});
