import assert from "node:assert/strict";
import { test } from "node:test";
import { queryObjects } from "node:v8";
import { newId, systemRandom, type CredentialId } from "@holdfast/kernel";
import fc from "fast-check";
import { Drawn, type Allowance } from "./allowance.ts";

let made = 0;
const id = (): CredentialId => newId("key", { bytes: (count) => new Uint8Array(count).fill((made += 1)) });
const allowance = (perMinute: number, burst: number): Allowance => ({ of: id(), rate: { perMinute, burst } });
const tooOften = (retryAfterSeconds: number) => ({ code: "rate.exceeded", retryAfterSeconds });

test("so many are allowed at once, and one more whenever its share of a minute has passed", () => {
  const drawn = new Drawn();
  const one = [allowance(30, 2)];
  assert.deepEqual(drawn.draw(one, 0), { rate: one[0]?.rate, left: 1, whole: 2 });
  drawn.draw(one, 0);
  assert.throws(() => drawn.draw(one, 0), tooOften(2));
  assert.throws(() => drawn.draw(one, 1_999), tooOften(1));
  drawn.draw(one, 2_000);
  assert.throws(() => drawn.draw(one, 2_000), tooOften(2));
});

test("what a credential made draws on its allowance too, and what is refused draws on none", () => {
  const drawn = new Drawn();
  const [parent, child, other] = [allowance(60, 3), allowance(60, 2), allowance(60, 5)];
  drawn.draw([child, parent], 0);
  drawn.draw([child, parent], 0);
  assert.throws(() => drawn.draw([child, parent], 0), tooOften(1));
  drawn.draw([other, parent], 0); // the one that was left
  assert.throws(() => drawn.draw([parent], 0), tooOften(1));
  assert.equal(drawn.draw([other], 0)?.left, 3);
});

test("what is whole again is forgotten, and what is not is remembered", () => {
  const drawn = new Drawn();
  const heap = () => {
    queryObjects(Object, { format: "count" }); // it collects garbage first
    return process.memoryUsage().heapUsed;
  };
  const credentials = 20_000;
  const come = (from: number) => {
    for (let at = from; at < from + credentials; at++)
      drawn.draw([{ of: newId("key", systemRandom), rate: { perMinute: 60, burst: 5 } }], at * 1_000);
  };
  come(0);
  const before = heap();
  come(credentials);
  const each = (heap() - before) / credentials;
  assert.ok(each < 100, `${each.toFixed(0)} bytes of each`);

  const slow = [allowance(1, 3)];
  for (let times = 0; times < 3; times++) drawn.draw(slow, 50_000_000);
  drawn.draw([allowance(60, 5)], 50_100_000); // meanwhile it is looked for what is whole
  assert.equal(drawn.draw(slow, 50_100_000)?.left, 0);
  assert.throws(() => drawn.draw(slow, 50_100_000), tooOften(20));
});

test("however it is asked, no more pass in any time than the burst and what the time brings", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 600 }),
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.nat(5_000), { maxLength: 200 }),
      (perMinute, burst, waits) => {
        const drawn = new Drawn();
        const one = [allowance(perMinute, burst)];
        let [now, passed] = [0, 0];
        for (const wait of waits) {
          now += wait;
          try {
            drawn.draw(one, now);
            passed += 1;
          } catch (error) {
            assert.equal((error as { code?: string }).code, "rate.exceeded");
          }
        }
        assert.ok(passed <= burst + (now * perMinute) / 60_000 + 1e-6);
      },
    ),
  );
});
