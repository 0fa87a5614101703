import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, systemRandom, type Instant } from "@holdfast/kernel";
import { changeProduct, schemaOf, type Product } from "./product.ts";

const product: Product = {
  id: newId("product", systemRandom),
  name: "Pump",
  attributes: { temperature: { type: "number", unit: "°C" }, open: { type: "boolean" } },
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
