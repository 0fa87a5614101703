import assert from "node:assert/strict";
import { test } from "node:test";
import { words } from "../words/index.ts";
import { attributeOf, faultsIn, nothing, typedOf, wrongTime, type Attribute } from "./typed.ts";

const { errors } = words.products;

test("an attribute that is shown and sent again is as it was", () => {
  const all: Attribute[] = [
    { type: "number", unit: "°C", min: -40, max: 0.5 },
    { type: "number", values: [1, 2.5] },
    { type: "text", values: ["eco", "very cold"] },
    { type: "location" },
    { type: "json" },
  ];
  for (const attribute of all) {
    assert.deepEqual(attributeOf(typedOf("a", attribute)), attribute);
    assert.deepEqual(faultsIn(typedOf("a", attribute)), {});
  }
});

test("what belongs to another type is left out, and a comma is taken for a point", () => {
  const typed = { ...nothing, min: "1", max: "2,5", values: "1\n\n 2 " };
  assert.deepEqual(attributeOf(typed), { type: "number", min: 1, max: 2.5, values: [1, 2] });
  assert.deepEqual(attributeOf({ ...typed, type: "text" }), { type: "text", values: ["1", "2"] });
  assert.deepEqual(attributeOf({ ...typed, type: "json" }), { type: "json" });
});

test("what is wrong is said at its field", () => {
  const faults = (some: object) => faultsIn({ ...nothing, ...some });
  assert.deepEqual(faults({ min: "low", max: "1e999" }), { min: errors.number, max: errors.number });
  assert.deepEqual(faults({ min: "2", max: "1" }), { max: errors.order });
  assert.deepEqual(faults({ values: "1\ntwo" }), { values: errors.values });
  assert.deepEqual(faults({ type: "text", values: "a\nb\na" }), { values: errors.twice });
  assert.deepEqual(faults({ type: "boolean", min: "low" }), {}, "it is not asked for there");
  assert.deepEqual([wrongTime("30d"), wrongTime("soon"), wrongTime("0s")], [undefined, errors.times, errors.times]);
});
