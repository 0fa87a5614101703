import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, systemRandom } from "@holdfast/kernel";
import type { OrgScope } from "../storage/index.ts";
import type { Schema } from "../authority/index.ts";
import { valueOf, type Reading } from "./reading.ts";
import { checkSchema } from "./schema.ts";
import { DeviceSeries } from "./series.ts";
import type { ValueType } from "./value.ts";

const fresh = () => new DeviceSeries({} as OrgScope, newId("device", systemRandom), { bytes: 0 }); // nothing of it is asked
const read = (...bodies: object[]): Reading[] =>
  bodies.map((body) => ({
    time: undefined,
    values: Object.entries(body).map(([name, value]) => [name, valueOf(name, value)] as const),
  }));
const schema = (types: Record<string, ValueType>, more: Partial<Schema> = {}): Schema => ({
  strict: false,
  types: new Map(Object.entries(types)),
  ...more,
});
const here = { latitude: 47.3, longitude: 8.5 };

test("a value out of its range, or not listed, refuses the message and is named", () => {
  const bounds = new Map([
    ["t", { min: -40, max: 80 }],
    ["mode", { values: new Set(["eco", "boost"]) }],
    ["step", { values: new Set([1, 2]), max: 2 }],
  ]);
  const types = schema({ t: "number", mode: "text", step: "number" }, { bounds });
  for (const good of [{ t: -40 }, { t: 80, mode: "eco", step: 2 }, { other: 1e9 }])
    assert.equal(checkSchema(fresh(), read(good), types), undefined);
  for (const [bad, code, path] of [
    [{ t: -40.01 }, "telemetry.outOfRange", "t"],
    [{ t: 1, mode: "ECO" }, "telemetry.notListed", "mode"],
    [{ step: 3 }, "telemetry.outOfRange", "step"],
    [{ step: 1.5 }, "telemetry.notListed", "step"],
  ] as const)
    assert.throws(
      () => checkSchema(fresh(), read({ t: 1 }, bad), types),
      (error: Error & { code?: string; faults?: { path: string }[] }) =>
        error.code === code && error.faults?.[0]?.path === path,
    );
});

test("where the product says so, what violates it is marked: by reading and attribute; a wrong type is refused all the same", () => {
  const bounds = new Map([["t", { min: 0, max: 10 }]]);
  const marking = schema({ t: "number" }, { bounds, strict: true, marks: true });
  assert.deepEqual(
    checkSchema(fresh(), read({ t: 5 }, { t: 11, more: 1 }, { more: 2 }), marking),
    new Map([
      [
        1,
        new Map([
          ["t", "telemetry.outOfRange"],
          ["more", "telemetry.undeclared"],
        ]),
      ],
      [2, new Map([["more", "telemetry.undeclared"]])],
    ]),
  );
  assert.equal(checkSchema(fresh(), read({ t: 5 }), marking), undefined);
  assert.throws(() => checkSchema(fresh(), read({ t: "5" }), marking), { code: "telemetry.wrongType" });
  assert.throws(() => checkSchema(fresh(), read({ t: 5, more: 1 }), { ...marking, marks: false }), {
    code: "telemetry.undeclared",
  });
});

test("an attribute of JSON takes any value as JSON; a series of it does, too", () => {
  const readings = read({ doc: 5, n: 1 }, { doc: here }, { doc: "on" }, { doc: { a: 1 } });
  checkSchema(fresh(), readings, schema({ doc: "json" }));
  const json = (text: string) => ({ text, almost: undefined });
  assert.deepEqual(
    readings.map(({ values }) => ({ ...(Object.fromEntries(values)["doc"] as object) })),
    [json("5"), json('{"latitude":47.3,"longitude":8.5}'), json('"on"'), json('{"a":1}')],
  );
  assert.deepEqual(readings[0]?.values[1], ["n", 1]);
  const undeclared = read({ doc: { a: 1 } }, { doc: true });
  checkSchema(fresh(), undeclared, undefined);
  assert.deepEqual({ ...(undeclared[1]?.values[0]?.[1] as object) }, json("true"));
  assert.throws(() => checkSchema(fresh(), read({ doc: 1 }, { doc: { a: 1 } }), undefined), {
    code: "telemetry.wrongType",
  });
  const long = read({ doc: '"'.repeat(3_000) });
  assert.throws(() => checkSchema(fresh(), long, schema({ doc: "json" })), { code: "telemetry.textTooLong" });
});

test("what only looks like a location is none, and says why; where JSON is declared it is that", () => {
  const almost = { latitude: 95, longitude: 8.5 };
  for (const types of [undefined, schema({ at: "location" })])
    assert.throws(() => checkSchema(fresh(), read({ at: almost }), types), {
      code: "telemetry.wrongType",
      message: /latitude is not from -90 to 90 degrees/,
    });
  assert.equal(checkSchema(fresh(), read({ at: almost }), schema({ at: "json" })), undefined);
  assert.equal(checkSchema(fresh(), read({ at: here }), schema({ at: "location" })), undefined);
  assert.throws(() => checkSchema(fresh(), read({ at: { a: 1 } }), schema({ at: "location" })), {
    message: /is a location, and this is JSON/,
  });
});
