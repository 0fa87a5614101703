import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, systemRandom, type Instant } from "@holdfast/kernel";
import { changeProduct, refuseOtherTypes, schemaChanges, schemaOf, type Attribute, type Product } from "./product.ts";

const product: Product = {
  id: newId("product", systemRandom),
  name: "Pump",
  attributes: { temperature: { type: "number", unit: "°C" }, open: { type: "boolean" } },
  former: {},
  schemaVersion: 1,
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
  const strict = changeProduct(product, { strict: true });
  assert.deepEqual(strict, { ...product, strict: true, schemaVersion: 2, version: 2 });
  assert.deepEqual(changeProduct(strict, { name: "Q" }), { ...strict, name: "Q", version: 3 });
});

test("the version of the schema grows when the schema does, and the audit log hears what became another", () => {
  const attributes = { temperature: { type: "number", unit: "K", max: 400 }, mode: { type: "text" } } as const;
  const changed = changeProduct(product, { attributes, strict: true, onViolation: "mark", times: { past: "30d" } });
  assert.deepEqual(schemaChanges(product, changed), {
    version: 2,
    declared: ["mode"],
    changed: ["temperature"],
    dropped: ["open"],
    strict: true,
    onViolation: "mark",
    times: { past: "30d", future: "10m" },
  });
  const same = changeProduct(changed, { name: "Q", attributes, times: { past: "30d", future: "10m" } });
  assert.deepEqual([same.version, same.schemaVersion, schemaChanges(changed, same)], [3, 2, undefined]);
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`a${at}`, { type: "number" } as const]));
  const names = schemaChanges(same, changeProduct(same, { attributes: { ...attributes, ...many } }))?.["declared"];
  assert.ok(Array.isArray(names) && names.length === 33 && names[32] === "and 8 more");
});

test("a schema has bounds where they were declared, and times where they are not the usual ones", () => {
  assert.deepEqual(
    [schemaOf(product).bounds, schemaOf(product).times, schemaOf(product).marks],
    [undefined, undefined, false],
  );
  const temperature = { type: "number", min: -40, max: 80 } as const;
  const mode = { type: "text", values: ["eco", "boost"] } as const;
  const schema = schemaOf({
    ...product,
    attributes: { temperature, mode, note: { type: "text" } },
    times: { past: "2d" },
  });
  assert.deepEqual(
    schema.bounds,
    new Map<string, object>([
      ["temperature", { min: -40, max: 80, values: undefined }],
      ["mode", { min: undefined, max: undefined, values: new Set(["eco", "boost"]) }],
    ]),
  );
  assert.deepEqual(schema.times, { past: 2 * 86_400_000, future: 600_000 });
});

test("a schema knows the declared types, and whether there may be others", () => {
  const { strict, types } = schemaOf(product);
  assert.deepEqual([strict, types.get("temperature"), types.get("toString")], [false, "number", undefined]);
});
