import assert from "node:assert/strict";
import { test } from "node:test";
import { zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { Refusal } from "@holdfast/kernel";
import { ByteWriter } from "./bytes.ts";
import { decodeChunk, encodeChunk, readChunkHead } from "./chunk.ts";
import { writeIntegers } from "./integers.ts";
import type { Points } from "./points.ts";
import { anyJson, anyLocation } from "./value.fixture.ts";

const start = 1_780_000_000_000;
const timesOf = (steps: readonly number[]) => {
  let time = start;
  return Float64Array.from(steps, (step) => (time += step));
};
const every = (period: number, count: number) => Float64Array.from({ length: count }, (_, at) => start + at * period);
const numbers = (values: readonly number[], times = every(1_000, values.length)): Points => ({
  type: "number",
  times,
  values: Float64Array.from(values),
});

/** A generator of our own, so that sizes are the same on every run: Numerical Recipes' linear congruence. */
function noise(seed: number): (sigma: number) => number {
  let state = seed;
  const next = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
  return (sigma) => Math.round(sigma * (Array.from({ length: 12 }, next).reduce((a, b) => a + b) - 6));
}

function cumulated(count: number, step: () => number): number[] {
  let sum = 0;
  return Array.from({ length: count }, () => (sum += step()));
}

const steps = fc.array(
  fc.oneof(fc.constant(1_000), fc.integer({ min: 995, max: 1_005 }), fc.integer({ min: 1, max: 2 ** 35 })),
  {
    minLength: 1,
    maxLength: 300,
  },
);

const number = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -5_000, max: 5_000 }).map((hundredths) => hundredths / 100) },
  { weight: 1, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      -0,
      0,
      0.1 + 0.2,
      1 / 3,
      5e-324,
      -Number.MAX_VALUE,
      2 ** 49,
      2 ** 53,
      999_999_999_999_999,
    ),
  },
);
const double = fc.double({ noNaN: true, noDefaultInfinity: true });
const single = fc.float({ noNaN: true, noDefaultInfinity: true });
const code = fc.constantFrom(200, 404, 500, 0.25, -7);
/** All lengths of UTF-8, and what escapes. fast-check's own units of such kinds take most of a second to set up. */
const character = fc.constantFrom(...Array.from('aZ0 _-"\\\u0000\n\u007f\u0085éß€\ud7ff\ufeff\uffff𐅑🌡'));
const text = fc.string({ unit: character, maxLength: 20 });

/** As many values of one kind as there are steps. */
const points: fc.Arbitrary<Points> = steps.chain((some) => {
  const times = timesOf(some);
  const exactly = { minLength: some.length, maxLength: some.length, size: "max" } as const;
  return fc.oneof(
    ...[fc.oneof(number), double, single, code].map((kind) =>
      fc.array(kind, exactly).map((values) => numbers(values, times)),
    ),
    fc.array(fc.nat(1), exactly).map((bits): Points => ({ type: "boolean", times, values: Uint8Array.from(bits) })),
    fc
      .array(fc.oneof(text, fc.constantFrom("on", "off")), exactly)
      .map((values): Points => ({ type: "text", times, values })),
    fc.array(anyLocation, exactly).map((values): Points => ({ type: "location", times, values })),
    fc.array(anyJson, exactly).map((values): Points => ({ type: "json", times, values })),
  );
});

test("a chunk gives back what was put in, bit by bit", () => {
  fc.assert(
    fc.property(points, (some) => {
      const chunk = encodeChunk(some);
      assert.deepEqual(decodeChunk(chunk), some); // strict: tells 0 from -0
      const { type, count, first, last } = readChunkHead(chunk);
      assert.deepEqual([type, count, first, last], [some.type, some.times.length, some.times[0], some.times.at(-1)]);
    }),
    { numRuns: 500 },
  );
});

test("a chunk holds from 1 to 8,192 points", () => {
  for (const count of [1, 2, 127, 128, 129, 1_024, 8_192]) {
    const next = noise(count);
    const some = numbers(cumulated(count, () => next(5)).map((steps) => steps / 100));
    assert.deepEqual(decodeChunk(encodeChunk(some)), some);
  }
  const long: Points = {
    type: "text",
    times: every(1, 8_192),
    values: Array.from({ length: 8_192 }, (_, at) => `${"x".repeat(4_000)}${at}`),
  };
  assert.deepEqual(decodeChunk(encodeChunk(long)), long);
  assert.throws(() => encodeChunk(numbers([])), RangeError);
  assert.throws(() => encodeChunk(numbers(Array.from({ length: 8_193 }, () => 1))), RangeError);
});

test("times that do not increase, or are not whole, are a mistake of the caller's", () => {
  for (const times of [
    [2, 1],
    [1, 1],
    [1.5, 2],
    [Number.NaN, 1],
  ]) {
    assert.throws(() => encodeChunk(numbers([1, 2], Float64Array.from(times))), RangeError);
  }
});

test("1,024 readings of two decimals with jittered times take about a byte each", () => {
  const next = noise(7);
  const walk = cumulated(1_024, () => next(3)).map((hundredths) => (2_150 + hundredths) / 100);
  const aboutLevel = Array.from({ length: 1_024 }, () => (2_150 + next(5)) / 100);
  const sleeping = timesOf(Array.from({ length: 1_024 }, () => 10_003 + Math.abs(next(4))));
  const ticking = every(1_000, 1_024).map((time) => time + next(3));
  const size = (values: number[], times: Float64Array<ArrayBuffer>) =>
    encodeChunk(numbers(values, times)).length / 1_024;
  for (const [values, times, most] of [
    [walk, every(1_000, 1_024), 0.55],
    [walk, sleeping, 1.05],
    [walk, ticking, 1.1],
    [aboutLevel, sleeping, 1.15],
    [aboutLevel, ticking, 1.15],
    [walk.map((value) => value * 6.25), ticking, 1.25],
  ] as const) {
    assert.ok(size([...values], times) <= most, `${size([...values], times)} > ${most}`);
  }
});

test("what repeats takes next to nothing, and a stray value does not spoil a chunk", () => {
  const times = every(10_000, 1_024);
  const flat = Array.from({ length: 1_024 }, () => 21.5);
  assert.ok(encodeChunk(numbers(flat, times)).length < 60);
  for (const stray of [-0, 1 / 3, 1e300, 5e-324])
    assert.ok(encodeChunk(numbers(flat.with(500, stray), times)).length < 80);
  const open: Points = { type: "boolean", times, values: new Uint8Array(1_024).fill(1, 300, 310) };
  assert.ok(encodeChunk(open).length < 60);
  const state: Points = {
    type: "text",
    times,
    values: Array.from({ length: 1_024 }, (_, at) => (at % 100 < 50 ? "idle" : "running")),
  };
  assert.ok(encodeChunk(state).length < 240);
});

test("a later version is refused as newer, altered bytes as broken", () => {
  const chunk = encodeChunk(numbers([1, 2, 3]));
  for (const read of [decodeChunk, readChunkHead]) {
    assert.throws(() => read(chunk.with(0, 3)), { code: "storage.newer" });
    assert.throws(() => read(chunk.with(0, 2)), { code: "seal.broken" });
    assert.throws(() => read(chunk.with(0, 0)), { code: "seal.broken" });
    assert.throws(() => read(new Uint8Array(0)), { code: "seal.broken" });
  }
  assert.throws(() => decodeChunk(chunk.subarray(0, -1)), { code: "seal.broken" });
  assert.throws(() => decodeChunk(Uint8Array.from([...chunk, 0])), { code: "seal.broken" });
});

test("a text that unpacks to more than it says is refused, and its memory is never taken", () => {
  const bomb = zstdCompressSync(Buffer.alloc(1 << 26));
  const writer = new ByteWriter();
  for (const byte of [1, 2, 1, 0, 0]) writer.byte(byte); // version, texts, one point, at 1970, without a span
  writeIntegers(writer, new Float64Array(1), 1);
  for (const number of [1, 1_000, bomb.length]) writer.varint(number);
  writer.bytes(bomb);
  writeIntegers(writer, new Float64Array(1), 1);
  const before = process.memoryUsage().rss;
  assert.throws(() => decodeChunk(writer.copy()), { code: "seal.broken" });
  assert.ok(process.memoryUsage().rss - before < 1 << 25);
});

test("no bytes crash the decoder", () => {
  const altered = fc
    .tuple(points, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat(3), fc.nat())
    .map(([some, changes, cut, at]) => {
      const chunk = encodeChunk(some);
      for (const [index, byte] of changes) chunk[index % chunk.length] = byte;
      return cut === 0 ? chunk.subarray(0, at % chunk.length) : chunk;
    });
  const soup = fc
    .tuple(fc.nat(4), fc.uint8Array({ maxLength: 100, size: "max" }))
    .map(([type, bytes]) => Uint8Array.from([type > 2 ? 2 : 1, type, ...bytes]));
  fc.assert(
    fc.property(fc.oneof(altered, soup), (bytes) => {
      try {
        const { times, values } = decodeChunk(bytes);
        assert.equal(times.length, values.length);
      } catch (error) {
        assert.ok(error instanceof Refusal && ["seal.broken", "storage.newer"].includes(error.code), String(error));
      }
    }),
    { numRuns: 1_500 },
  );
});

test("versions 1 and 2 are these bytes, today and always", () => {
  const times = Float64Array.from([1_000, 2_003, 3_001, 4_000, 5_002], (after) => start + after);
  const vectors: [Points, string][] = [
    [
      numbers([21.5, 21.53, 21.51, -0, 21.49], times),
      "010005d0afa484ce67a21f000001d40f0643380202cc21010626008020900b6d0100010300",
    ],
    [
      numbers([1 / 3, 0.1, Math.PI, 5e-324, 1e300], times),
      "010005d0afa484ce67a21f000001d40f0643382105555555555555d53f9a9999999999b93f182d4454fb21094001000000000000009c7500883ce4377e00000102fc",
    ],
    [{ type: "boolean", times, values: Uint8Array.of(1, 1, 0, 0, 1) }, "010105d0afa484ce67a21f000001d40f0643380013"],
    [
      { type: "text", times, values: ["idle", "läuft", "idle", "", "läuft"] },
      "010205d0afa484ce67a21f000001d40f064338030d000469646c65066cc3a4756674000300010201a6",
    ],
  ];
  const places = [
    { latitude: 47.36667, longitude: 8.55 },
    { latitude: 47.36668, longitude: 8.55001, altitude: 408.5 },
    { latitude: -0.5, longitude: -179.99, altitude: 0, accuracy: 3 },
    { latitude: 1 / 3, longitude: 8.55, accuracy: 0 },
    { latitude: 90, longitude: 180 },
  ];
  vectors.push([
    { type: "location", times, values: places },
    "020305d0afa484ce67a21f000001d40f06433821055036e50aefae4740740cc85eefae4740000000000000e0bf555555555555d53f000000000080564000000102fc0503b0af6801c7a7685e684f22684f28295345e684f202953460000002060100ea3ff51f01fc0000020c0000060301fc0000",
  ]);
  vectors.push([
    { type: "json", times, values: ['{"a":[1,null]}', "[]", "[]", '{"a":[1,null]}', "{}"] },
    "020405d0afa484ce67a21f000001d40f0643380315000e7b2261223a5b312c6e756c6c5d7d025b5d027b7d0300010201d2",
  ]);
  for (const [some, hex] of vectors) {
    assert.equal(Buffer.from(encodeChunk(some)).toString("hex"), hex);
    assert.deepEqual(decodeChunk(Buffer.from(hex, "hex")), some);
  }
});
