import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, encode, Simple } from "cbor2";
import fc from "fast-check";
import { Refusal } from "@holdfast/kernel";
import { EpochSeconds, parseCbor } from "./cbor.ts";

const hex = (text: string) => parseCbor(Buffer.from(text, "hex"));
const refuses = (text: string, code: string) => assert.throws(() => hex(text), { code }, text);

test("RFC 8949, appendix A: every kind of item that a reading may have", () => {
  const items: [string, unknown][] = [
    ["00", 0],
    ["17", 23],
    ["1818", 24],
    ["1903e8", 1000],
    ["1a000f4240", 1000000],
    ["1b000000e8d4a51000", 1000000000000],
    ["1bffffffffffffffff", 18446744073709552000],
    ["20", -1],
    ["3903e7", -1000],
    ["3bffffffffffffffff", -18446744073709552000],
    ["3b004009373004a802", -18024531142944772],
    ["c482211b0040000000000002", 180143985094819.88],
    ["f90000", 0],
    ["f98000", -0],
    ["f93e00", 1.5],
    ["f90001", 5.960464477539063e-8],
    ["fa47c35000", 100000],
    ["fb3ff199999999999a", 1.1],
    ["f97c00", Infinity],
    ["fa7fc00000", Number.NaN],
    ["f4", false],
    ["f5", true],
    ["f6", null],
    ["f7", undefined],
    ["f8ff", undefined],
    ["60", ""],
    ["6449455446", "IETF"],
    ["62c3bc", "ü"],
    ["64f0908591", "𐅑"],
    ["7f657374726561646d696e67ff", "streaming"],
    ["4401020304", Buffer.from([1, 2, 3, 4])],
    ["5f42010243030405ff", Uint8Array.of(1, 2, 3, 4, 5)],
    ["83010203", [1, 2, 3]],
    ["9fff", []],
    ["a26161016162f5", { a: 1, b: true }],
    ["bf6346756ef563416d7421ff", { Fun: true, Amt: -2 }],
    ["c074323031332d30332d32315432303a30343a30305a", "2013-03-21T20:04:00Z"],
    ["c482211a0001e0f3", 1231.23],
    ["c48221196ab3", 273.15],
    ["d9d9f7a161611864", { a: 100 }],
  ];
  for (const [text, item] of items) {
    assert.deepEqual(hex(text), item, text);
  }
  assert.deepEqual(hex("c1fb41d452d9e2000000"), new EpochSeconds(1_363_896_200));
});

test("what RFC 8949 calls not well-formed is refused", () => {
  // appendix F: too little data, reserved arguments, breaks where none can be, parts of another type
  const broken =
    "18 19 1a 1b 1901 1a0102 1b01020304050607 38 58 78 98 9a01ff00 b8 f8 f900 fa0000 fb000000 41 61 5affffffff00 5bffffffffffffffff010203 7affffffff00 81 818181818181818181 " +
    "8200 a1 a20102 a100 5f 7f 9f bf 5f4100 9f8f bf000000 1c 1d 1e 3c 5d 7e 9c bd dc fc fd fe f800 f81f ff 81ff 8200ff a1ff a1ff00 a100ff 9f81ff bf00ff 5f00ff 5f21ff 5f6100ff 5f80ff 5fa0ff " +
    "5fc000ff 5fe0ff 7f4100ff 5f5f4100ffff 7f7f6100ffff 0000 1f 3f df 62c328 61ff a16161";
  for (const text of broken.split(" ")) assert.throws(() => hex(text), Refusal, text);
});

test("bignums, unread tags, deep and hostile items are refused without recursing", () => {
  refuses("a1616cc249010000000000000000", "telemetry.wrongType");
  refuses("a1616cd81800", "telemetry.wrongType");
  refuses("a1616cc2c2c2c2", "telemetry.wrongType");
  refuses(`${"a16161".repeat(20)}01`, "telemetry.tooDeep");
  refuses(`a16161${"81".repeat(19)}01`, "telemetry.tooDeep");
  refuses("a10102", "telemetry.malformed");
  for (const part of ["81", "a0", "9f", "bf", "a161", "c1", "c482", "c0", "d9d9f7", "5f", "7f", "a1a1", "a1c4"]) {
    assert.throws(() => parseCbor(Buffer.from(part.repeat(200_000), "hex")), Refusal, part);
  }
  assert.throws(() => parseCbor(encode(Array.from({ length: 1_001 }, () => 1))), { code: "telemetry.tooMany" });
});

test("__proto__ is a name like any other", () => {
  const item = parseCbor(
    encode(
      new Map([
        ["__proto__", 5],
        ["constructor", 6],
      ]),
    ),
  );
  assert.deepEqual(Object.entries(item as object), [
    ["__proto__", 5],
    ["constructor", 6],
  ]); // a map is an object
  assert.equal(Object.getPrototypeOf(item), Object.prototype);
});

/** All lengths of UTF-8, and what escapes. fast-check's own units of such kinds take most of a second to set up. */
const character = fc.constantFrom(...Array.from('aZ0 _-"\\\u0000\n\u007f\u0085éß€\ud7ff\ufeff\uffff𐅑🌡'));
const scalar = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.boolean(),
  fc.string({ unit: character }),
  fc.constant(null),
);
const flat = fc.dictionary(
  fc.string({ unit: character }).filter((name) => name !== "__proto__"),
  scalar,
  { noNullPrototype: true },
);
const nested = fc.dictionary(fc.constantFrom("a", "b"), fc.oneof(scalar, fc.array(fc.oneof(scalar, flat))), {
  noNullPrototype: true,
});
const body = fc.oneof(
  flat,
  nested,
  fc.array(fc.oneof(flat, fc.record({ time: scalar, values: flat }, { noNullPrototype: true }))),
);

test("what cbor2 writes is read as it was", () => {
  fc.assert(fc.property(body, (item) => assert.deepEqual(parseCbor(encode(item)), item)));
});

test("no bytes crash the reader, and what it takes cbor2 takes too and understands alike", () => {
  const mutated = fc.tuple(body, fc.nat(), fc.nat(255)).map(([item, at, byte]) => {
    const bytes = Uint8Array.from(encode(item));
    bytes[at % bytes.length] = byte;
    return bytes;
  });
  const seed = fc.constantFrom(0x81, 0x9f, 0xa1, 0xbf, 0xff, 0x61, 0x41, 0x7f, 0x5f, 0xc1, 0xc4, 0xf9, 0xfb);
  const soup = fc
    .array(fc.oneof(seed, fc.nat(255)), { maxLength: 24, size: "max" })
    .map((bytes) => Uint8Array.from(bytes));
  fc.assert(
    fc.property(fc.oneof(mutated, soup, fc.uint8Array({ maxLength: 100, size: "max" })), (bytes) => {
      let ours: unknown;
      try {
        ours = parseCbor(bytes);
      } catch (error) {
        assert.ok(error instanceof Refusal, String(error));
        return;
      }
      if (JSON.stringify(ours)?.includes("seconds") || bytes.some((byte) => byte >> 5 === 6)) return; // tags: other classes there
      assert.deepEqual(normal(ours), normal(decode(bytes, { convertUnsafeIntsToFloat: true, ignoreGlobalTags: true })));
    }),
    { numRuns: 3_000 },
  );
});

/** Simple values without a meaning, bigints and byte strings come as other classes from there. */
function normal(item: unknown): unknown {
  if (Array.isArray(item)) return item.map(normal);
  if (item instanceof Uint8Array) return `bytes ${Buffer.from(item).toString("hex")}`;
  if (typeof item === "bigint") return Number(item);
  if (item instanceof Simple) return undefined;
  if (typeof item === "object" && item !== null)
    return Object.entries(item).map(([key, value]) => [key, normal(value)]);
  return item;
}
