import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { idFrom, Refusal, type Id, type Instant } from "@holdfast/kernel";
import { readRecord, RecordWriter, type TimeFrom } from "./record.ts";
import { anyJson, anyLocation } from "./value.fixture.ts";
import { Json, type Value } from "./value.ts";

type Sent = { device: Id<"device">; receivedAt: Instant; time: Instant; timeFrom: TimeFrom; values: [string, Value][] };

const instant = (milliseconds: number) => milliseconds as Instant; // whole numbers in this test
const pump = idFrom("device", "00112233445566778899aabbccddeeff");
const valve = idFrom("device", "ffeeddccbbaa99887766554433221100");

function write(writer: RecordWriter, sent: readonly Sent[]): Uint8Array {
  writer.reset();
  for (const { device, receivedAt, time, timeFrom, values } of sent) {
    writer.reading(device, receivedAt, time, timeFrom, values.length);
    for (const [name, value] of values) writer.value(name, value);
  }
  return writer.finish();
}

function points(record: Uint8Array): unknown[] {
  const found: unknown[] = [];
  readRecord(record, (...point) => found.push(point));
  return found;
}

const expected = (sent: readonly Sent[]) =>
  sent.flatMap(({ device, receivedAt, time, timeFrom, values }) =>
    values.map(([name, value]) => [device, name, time, value, receivedAt, timeFrom]),
  );

const time = fc.integer({ min: -1e15, max: 1e15 }).map(instant);
/** All lengths of UTF-8, and what escapes. fast-check's own units of such kinds take most of a second to set up. */
const character = fc.constantFrom(...Array.from('aZ0 _-"\\\u0000\n\u007f\u0085éß€\ud7ff\ufeff\uffff𐅑🌡'));
const text = fc.string({ unit: character, maxLength: 40 });
const value: fc.Arbitrary<Value> = fc.oneof(
  anyLocation,
  anyJson.map((json) => new Json(json)),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer({ min: -1e6, max: 1e6 }).map((hundredths) => hundredths / 100),
  fc.integer(),
  fc.constantFrom(-0, 0, 2 ** 31, -(2 ** 31), 21_474_836.47, 21_474_836.48, -0.01, 0.07, Number.MAX_VALUE, 5e-324),
  fc.boolean(),
  text,
  fc.constant("x".repeat(4_096)),
);
const sent = fc.array(
  fc.record({
    device: fc.oneof(
      fc.constantFrom(pump, valve),
      fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => idFrom("device", bytes)),
    ),
    receivedAt: time,
    time,
    timeFrom: fc.constantFrom<TimeFrom>("device", "platform"),
    values: fc.array(fc.tuple(fc.oneof(fc.constantFrom("temperature", "__proto__"), text), value), {
      minLength: 1,
      maxLength: 5,
    }),
  }),
  { maxLength: 20 },
);

test("what is written is read, in its order, bit by bit", () => {
  const writer = new RecordWriter(256);
  fc.assert(fc.property(sent, (some) => assert.deepEqual(points(write(writer, some)), expected(some))));
});

const example: Sent[] = [
  {
    device: pump,
    receivedAt: instant(1_780_000_000_123),
    time: instant(1_780_000_000_100),
    timeFrom: "device",
    values: [
      ["temperature", 21.53],
      ["on", true],
      ["state", "läuft"],
    ],
  },
  {
    device: valve,
    receivedAt: instant(1_780_000_000_124),
    time: instant(1_780_000_000_124),
    timeFrom: "platform",
    values: [
      ["temperature", -0],
      ["on", false],
      ["count", -300],
    ],
  },
  {
    device: pump,
    receivedAt: instant(1_780_000_000_120),
    time: instant(1_780_000_000_120),
    timeFrom: "platform",
    values: [["temperature", 1 / 3]],
  },
];

test("version 1 is these bytes, today and always", () => {
  const record = write(new RecordWriter(), example);
  const vector = [
    "01",
    "0000112233445566778899aabbccddeeff f6a1a484ce67 06 2d",
    "030b74656d7065726174757265 d221 01026f6e 05057374617465 066cc3a4756674",
    "00ffeeddccbbaa99887766554433221100 02 07 00",
    "0c 0000000000000080 10 0205636f756e74 d704",
    "01 07 03 00",
    "0c 555555555555d53f",
  ]
    .join("")
    .replaceAll(" ", "");
  assert.equal(Buffer.from(record).toString("hex"), vector);
  assert.deepEqual(points(Buffer.from(vector, "hex")), expected(example));
});

test("version 2 has locations and JSON, and is these bytes", () => {
  const values: [string, Value][] = [
    ["at", { latitude: 47.5, longitude: -8.25, accuracy: 3 }],
    ["doc", new Json('{"a":[1]}')],
    ["n", 1],
  ];
  const some: Sent[] = [{ ...example[1]!, values }]; // there is one
  const record = write(new RecordWriter(), some);
  assert.equal(
    Buffer.from(record).toString("hex"),
    "0200ffeeddccbbaa99887766554433221100f8a1a484ce67070007026174020000000000c0474000000000008020c000000000000008400603646f63097b2261223a5b315d7d02016e02",
  );
  assert.deepEqual(points(record), expected(some));
  const writer = new RecordWriter();
  write(writer, some);
  assert.equal(write(writer, example)[0], 1, "the next record is of version 1 again where it can be");
});

test("a version that is not known is refused as newer, an empty or altered record as broken", () => {
  const record = Buffer.from(write(new RecordWriter(), example));
  assert.throws(() => points(Buffer.from([3, ...record.subarray(1)])), { code: "storage.newer" });
  assert.throws(() => points(new Uint8Array(0)), { code: "seal.broken" });
  assert.throws(() => points(Buffer.from([0])), { code: "seal.broken" });
  assert.deepEqual(points(Buffer.from([1])), []);
  assert.throws(() => points(record.subarray(0, -1)), { code: "seal.broken" });
});

test("no bytes crash the reader", () => {
  const altered = fc
    .tuple(sent, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }), fc.nat())
    .map(([some, changes, cut]) => {
      const record = Buffer.from(write(new RecordWriter(), some));
      for (const [at, byte] of changes) record[at % record.length] = byte;
      return cut % 2 === 0 ? record : record.subarray(0, cut % (record.length + 1));
    });
  const soup = fc.uint8Array({ maxLength: 80, size: "max" }).map((bytes) => Uint8Array.from([2, ...bytes]));
  fc.assert(
    fc.property(fc.oneof(altered, soup), (bytes) => {
      try {
        points(bytes);
      } catch (error) {
        assert.ok(error instanceof Refusal && ["seal.broken", "storage.newer"].includes(error.code), String(error));
      }
    }),
    { numRuns: 500 },
  );
});

test("a writer that was reset remembers nothing, and one that grew is as right as before", () => {
  const writer = new RecordWriter(256);
  const large = Array.from({ length: 300 }, (): Sent => ({ ...example[0]!, values: [["text", "é".repeat(2_048)]] })); // there is a first
  assert.deepEqual(points(write(writer, large)), expected(large));
  assert.ok(writer.byteLength > 1 << 20);
  assert.deepEqual(write(writer, example), write(new RecordWriter(), example));
  assert.equal(writer.points, 7);
});

test("a reading without all its values cannot be finished", () => {
  const writer = new RecordWriter();
  assert.throws(() => writer.value("a", 1));
  writer.reading(pump, instant(1), instant(1), "device", 2);
  writer.value("a", 1);
  assert.throws(() => writer.finish());
  assert.throws(() => writer.reading(pump, instant(1), instant(1), "device", 1));
  assert.throws(() => new RecordWriter().reading(pump, instant(0), instant(8.64e15), "device", 1), RangeError);
});
