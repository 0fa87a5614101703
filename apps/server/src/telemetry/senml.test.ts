import assert from "node:assert/strict";
import { test } from "node:test";
import { encode } from "cbor2";
import { Refusal, type Instant, type RefusalCode } from "@holdfast/kernel";
import { parseBody } from "./body.ts";
import type { Value } from "./value.ts";

const now = Date.UTC(2026, 5, 1, 12) as Instant; // a constant of this test
const json = (pack: unknown) =>
  parseBody(Buffer.from(JSON.stringify(pack)), now, { contentType: "application/senml+json" });
const cbor = (pack: unknown) => parseBody(encode(pack), now, { contentType: "application/senml+cbor" });
const flat = (pack: unknown) => json(pack).map(({ time, values }) => [time, ...values.flat()]);

function refuses(code: RefusalCode, pack: unknown, path?: string): void {
  assert.throws(
    () => json(pack),
    (error) => {
      assert.ok(error instanceof Refusal && error.code === code, `${String(error)} for ${JSON.stringify(pack)}`);
      if (path !== undefined) assert.equal(error.faults[0]?.path, path);
      return true;
    },
  );
}

test("RFC 8428, 5.1.1: one record without a time is roughly now", () => {
  assert.deepEqual(flat([{ n: "urn:dev:ow:10e2073a01080063", u: "Cel", v: 23.1 }]), [
    [undefined, "urn:dev:ow:10e2073a01080063", 23.1],
  ]);
});

test("RFC 8428, 5.1.2: base fields hold until they are given again, relative times count from now", () => {
  const pack = [
    { bn: "urn:dev:ow:10e2073a0108006:", bt: 1.276020076001e9, bu: "A", bver: 5, n: "voltage", u: "V", v: 120.1 },
    { n: "current", t: -5, v: 1.2 },
    { n: "current", t: -4, v: 1.3 },
  ];
  assert.deepEqual(flat(pack), [
    [1_276_020_076_001, "urn:dev:ow:10e2073a0108006:voltage", 120.1],
    [1_276_020_071_001, "urn:dev:ow:10e2073a0108006:current", 1.2],
    [1_276_020_072_001, "urn:dev:ow:10e2073a0108006:current", 1.3],
  ]);
  assert.deepEqual(
    flat([
      { n: "a", t: -1.5, v: 1 },
      { n: "a", t: 0, v: 2 },
    ]),
    [
      [now - 1_500, "a", 1],
      [undefined, "a", 2],
    ],
  );
  assert.deepEqual(flat([{ n: "a", t: 2 ** 28, v: 1 }]), [[2 ** 28 * 1_000, "a", 1]]);
  assert.deepEqual(flat([{ n: "a", t: 2 ** 28 - 1, v: 1 }]), [[now + (2 ** 28 - 1) * 1_000, "a", 1]]);
});

test("RFC 8428, 5.1.5: numbers, texts and booleans in one pack", () => {
  const pack = [
    { bn: "urn:dev:ow:10e2073a01080063:", n: "temp", u: "Cel", v: 23.1 },
    { n: "label", vs: "Machine Room" },
    { n: "open", vb: false },
  ];
  assert.deepEqual(
    json(pack).map(({ values }) => values[0]?.[1]),
    [23.1, "Machine Room", false] satisfies Value[],
  );
  refuses(
    "telemetry.wrongType",
    [...pack, { n: "nfc-reader", vd: "aGkgCg" }],
    "urn:dev:ow:10e2073a01080063:nfc-reader",
  );
});

test("RFC 8428, 4.5.4: base value and base sum are added, and what is missing is zero", () => {
  const pack = [{ n: "a", bv: 100, v: 1 }, { n: "a", v: 2 }, { n: "b" }, { n: "c", vs: "x" }];
  assert.deepEqual(flat(pack), [
    [undefined, "a", 101],
    [undefined, "a", 102],
    [undefined, "b", 100],
    [undefined, "c", "x"],
  ]);
});

test("a sum becomes an attribute beside its measurement", () => {
  assert.deepEqual(
    flat([
      { n: "a", v: 1, s: 10 },
      { n: "b", bs: 5, s: 1 },
      { n: "c", v: 3 },
    ]),
    [
      [undefined, "a", 1, "a.sum", 10],
      [undefined, "b.sum", 6],
      [undefined, "c", 3, "c.sum", 5],
    ],
  );
});

test("RFC 8428, 4.4: unknown fields are passed over unless they end with _, and so is no later version", () => {
  assert.equal(json([{ n: "a", v: 1, ut: 5, foo: { any: [1] } }]).length, 1);
  refuses("telemetry.malformed", [{ n: "a", v: 1, foo_: 1 }], "foo_");
  assert.equal(json([{ bver: 10, n: "a", v: 1 }]).length, 1);
  refuses("telemetry.malformed", [{ bver: 11, n: "a", v: 1 }], "bver");
  refuses("telemetry.malformed", [{ bver: 0, n: "a", v: 1 }], "bver");
});

test("RFC 8428, 4.5.1: a name has few characters and begins with a letter or digit", () => {
  for (const name of ["", "-a", "a b", "ä", "__proto__", ":a", "a\n"])
    refuses("telemetry.attributeName", [{ n: name, v: 1 }]);
  assert.equal(json([{ bn: "a", n: "_-:./b", v: 1 }])[0]?.values[0]?.[0], "a_-:./b");
});

test("a record that says nothing, two things or the wrong thing refuses the pack by its name", () => {
  refuses("telemetry.malformed", [{ n: "a" }], "a");
  refuses("telemetry.malformed", [{ n: "a", v: 1, vb: true }], "a");
  refuses("telemetry.wrongType", [{ n: "a", v: "1" }], "a");
  refuses("telemetry.wrongType", [{ n: "a", vs: 1 }], "a");
  refuses("telemetry.wrongType", [{ n: "a", vb: 1 }], "a");
  refuses("telemetry.wrongType", [{ n: 5, v: 1 }], "n");
  refuses("telemetry.wrongType", [{ n: "a", v: 1, t: "now" }], "t");
  refuses("telemetry.absurdTime", [{ n: "a", v: 1, t: 1e13 }], "t");
  refuses("telemetry.wrongType", [{ n: "a", bv: 1e308, v: 1.7e308 }], "a");
  for (const pack of [[], {}, 5, [5], [[]], [null]]) refuses("telemetry.malformed", pack);
  refuses(
    "telemetry.tooMany",
    Array.from({ length: 1_001 }, () => ({ n: "a", v: 1 })),
  );
});

test("RFC 8428, 6: in CBOR the labels are integers", () => {
  const pack = [
    new Map<number | string, unknown>([
      [-2, "urn:dev:"],
      [-3, 1_276_020_076.5],
      [-4, "A"],
      [-1, 5],
      [0, "voltage"],
      [1, "V"],
      [2, 120.1],
    ]),
    new Map<number | string, unknown>([
      [0, "on"],
      [6, -5],
      [4, true],
      [99, "unknown"],
    ]),
    new Map<number | string, unknown>([
      [0, "text"],
      [3, "t"],
    ]),
  ];
  assert.deepEqual(cbor(pack), [
    { time: 1_276_020_076_500, values: [["urn:dev:voltage", 120.1]] },
    { time: 1_276_020_071_500, values: [["urn:dev:on", true]] },
    { time: 1_276_020_076_500, values: [["urn:dev:text", "t"]] },
  ]);
  assert.throws(
    () =>
      cbor([
        new Map<number, unknown>([
          [0, "a"],
          [8, new Uint8Array(2)],
        ]),
      ]),
    { code: "telemetry.wrongType" },
  );
  assert.throws(
    () =>
      cbor([
        new Map<number | string, unknown>([
          [0, "a"],
          [2, 1],
          ["x_", 1],
        ]),
      ]),
    { code: "telemetry.malformed" },
  );
});
