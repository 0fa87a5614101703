import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Refusal } from "@holdfast/kernel";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { largestInteger, readIntegers, writeIntegers } from "./integers.ts";

function encode(numbers: readonly number[]): Uint8Array {
  const writer = new ByteWriter(64);
  writeIntegers(writer, Float64Array.from(numbers), numbers.length);
  return writer.copy();
}

function decode(bytes: Uint8Array, count: number): number[] {
  const padded = new Uint8Array(bytes.length + 8);
  padded.set(bytes);
  const reader = new ByteReader(padded, bytes.length);
  const numbers = new Float64Array(count);
  readIntegers(reader, numbers, count);
  assert.ok(reader.isAtEnd);
  return [...numbers];
}

const any = fc.oneof(
  fc.integer({ min: -largestInteger, max: largestInteger }),
  fc.integer({ min: -20, max: 20 }),
  fc.constantFrom(0, 1, -1, 2 ** 31, -(2 ** 31), 2 ** 32, largestInteger, -largestInteger),
);

test("every column of whole numbers up to 2^49 comes back", () => {
  const steady = fc
    .tuple(
      any,
      fc.integer({ min: -1_000, max: 1_000 }),
      fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 1, maxLength: 300, size: "max" }),
    )
    .map(([start, slope, noise]) => noise.map((miss, at) => Math.trunc(start / 2) + slope * at + miss));
  const curve = fc
    .array(fc.integer({ min: -2, max: 2 }), { minLength: 1, maxLength: 400, size: "max" })
    .map((bends) => {
      let [step, at] = [0, 0];
      return bends.map((bend) => (at += step += bend));
    });
  const outlier = fc
    .tuple(steady, fc.nat(), any)
    .map(([numbers, at, value]) => numbers.with(at % numbers.length, value));
  const codes = fc.array(fc.constantFrom(0, 404, 500, 200), { minLength: 1, maxLength: 300, size: "max" });
  const numbers = fc.oneof(fc.array(any, { minLength: 1, maxLength: 300, size: "max" }), steady, curve, outlier, codes);
  fc.assert(
    fc.property(numbers, (some) => assert.deepEqual(decode(encode(some), some.length), some)),
    { numRuns: 400 },
  );
});

test("what can be guessed takes next to no space, and one outlier takes a few bytes", () => {
  const steady = Array.from({ length: 1_024 }, (_, at) => 5 + 7 * at);
  assert.ok(encode(steady).length <= 12);
  assert.ok(encode(steady.with(500, 1e12)).length <= 12 + 16 + 2 * 10);
});

test("no bytes crash the reader", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200, size: "max" }), fc.integer({ min: 1, max: 500 }), (bytes, count) => {
      try {
        decode(bytes, count);
      } catch (error) {
        const isOurs =
          error instanceof Refusal || error instanceof RangeError || error instanceof assert.AssertionError;
        assert.ok(isOurs, String(error));
      }
    }),
    { numRuns: 1_000 },
  );
});
