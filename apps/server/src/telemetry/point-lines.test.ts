import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { newId, systemRandom } from "@holdfast/kernel";
import { csv, ndjson } from "./point-lines.ts";
import type { Points } from "./points.ts";

const device = newId("device", systemRandom);
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer({ min: -1e7, max: 1e7 }).map((n) => n / 100),
  fc.integer({ min: -1e13, max: 1e13 }).map((n) => n / 1e4),
);
const time = fc.integer({ min: -8.64e15, max: 8.64e15 });
const points: fc.Arbitrary<Points> = fc.oneof(
  fc.array(fc.tuple(time, number)).map((all) => ({
    type: "number" as const,
    times: Float64Array.from(all, ([at]) => at),
    values: Float64Array.from(all, ([, value]) => value),
  })),
  fc.array(fc.tuple(time, fc.boolean())).map((all) => ({
    type: "boolean" as const,
    times: Float64Array.from(all, ([at]) => at),
    values: Uint8Array.from(all, ([, value]) => Number(value)),
  })),
  fc.array(fc.tuple(time, fc.string({ unit: "grapheme", maxLength: 300 }))).map((all) => ({
    type: "text" as const,
    times: Float64Array.from(all, ([at]) => at),
    values: all.map(([, value]) => value),
  })),
);

test("every line of NDJSON is what JSON.stringify makes of the point, bit for bit", () => {
  fc.assert(
    fc.property(points, fc.string({ minLength: 1, maxLength: 20 }), (some, attribute) => {
      const lines = new TextDecoder().decode(ndjson.of(device, attribute, some));
      const wanted = Array.from(some.times, (at, index) => {
        const raw = some.values[index];
        const value = some.type === "boolean" ? raw === 1 : raw;
        return `${JSON.stringify({ device, attribute, time: new Date(at).toISOString(), value })}\n`;
      });
      assert.equal(lines, wanted.join(""));
    }),
  );
});

test("a spreadsheet takes no text for a formula, and a reader of CSV finds every text whole", () => {
  const values = ["=1+1", "+1", "-1", "@x", "\t=1", " =1", "a,b", 'say "no"', "two\nlines", "21 °C", ""];
  const times = Float64Array.from(values, (_, at) => at);
  const text = new TextDecoder().decode(csv.of(device, "=cmd|'/c calc'!A1", { type: "text", times, values }));
  const cells = text.split(`${device},'=cmd|'/c calc'!A1,`).slice(1);
  assert.deepEqual(
    cells.map((line) => line.slice("1970-01-01T00:00:00.000Z,".length, -2)),
    ["'=1+1", "'+1", "'-1", "'@x", "'\t=1", "' =1", '"a,b"', '"say ""no"""', '"two\nlines"', "21 °C", ""],
  );
  const numbers = { type: "number", times: Float64Array.of(0), values: Float64Array.of(-1.5) } as const;
  assert.match(new TextDecoder().decode(csv.of(device, "t", numbers)), /Z,-1\.5\r\n$/);
});
