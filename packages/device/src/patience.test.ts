import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { systemRandom, type Random } from "@holdfast/kernel";
import { waitAfter } from "./patience.ts";

const always = (byte: number): Random => ({ bytes: (count) => new Uint8Array(count).fill(byte) });

test("waits spread from the least to a bound that doubles up to the most; who is not wanted waits half a minute at least", () => {
  assert.deepEqual(
    [1, 2, 3, 7, 100].map((n) => waitAfter("unreachable", n, always(0xff))),
    [1e3, 2e3, 4e3, 6e4, 6e4],
  );
  assert.equal(waitAfter("unreachable", 5, always(0)), 0);
  assert.deepEqual(
    [1, 2, 5, 100].map((n) => waitAfter("unwanted", n, always(0xff))),
    [6e4, 12e4, 9e5, 9e5],
  );
  assert.equal(waitAfter("unwanted", 1, always(0)), 30_000);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e6 }), (failures) => {
      const wait = waitAfter("unreachable", failures, systemRandom);
      assert.ok(wait >= 0 && wait <= 60_000);
    }),
  );
});

test("a thousand devices that lost the platform together do not come back together", () => {
  const waits = Array.from({ length: 1_000 }, () => waitAfter("unreachable", 6, systemRandom));
  const bySecond = Map.groupBy(waits, (wait) => Math.floor(wait / 1_000));
  assert.ok(Math.max(...[...bySecond.values()].map(({ length }) => length)) < 90); // 31 of them on average
});
