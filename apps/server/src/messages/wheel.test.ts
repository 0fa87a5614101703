import assert from "node:assert/strict";
import { test } from "node:test";
import { TestClock } from "../testing/index.ts";
import { Wheel, type Dated } from "./wheel.ts";

class Thing implements Dated {
  tick = Number.POSITIVE_INFINITY;
  readonly rang: number[] = [];
}

function wheelOf() {
  const clock = new TestClock();
  const began = clock.elapsed();
  const wheel = new Wheel<Thing>({ clock, timers: clock }, (thing) => thing.rang.push(clock.elapsed() - began));
  return { clock, wheel, put: (thing: Thing, at: number) => wheel.put(thing, began + at) };
}

test("each rings once, never early, and late by a quarter of a second at most, however far away it is", () => {
  const { clock, put } = wheelOf();
  const due = [1, 250, 251, 999, 60_000, 127_999, 128_000, 128_001, 500_000, 86_400_000];
  const things = due.map((at) => {
    const thing = new Thing();
    put(thing, at);
    return thing;
  });
  clock.move(90_000_000);
  for (const [i, at] of due.entries()) {
    const [rang = Number.NaN, ...more] = things[i]?.rang ?? [];
    assert.ok(rang >= at && rang - at <= 250 && more.length === 0, `${at} rang at ${rang}`);
  }
});

test("there is one timer for all, and none when nothing is in", () => {
  const { clock, put } = wheelOf();
  assert.equal(clock.waiting, 0);
  for (let i = 0; i < 1_000; i++) put(new Thing(), 1_000 + i * 7);
  assert.equal(clock.waiting, 1);
  clock.move(10_000);
  assert.equal(clock.waiting, 0);
});

test("what is put in for earlier rings then, and only then", () => {
  const { clock, put } = wheelOf();
  const thing = new Thing();
  put(thing, 60_000);
  put(thing, 5_000);
  put(thing, 30_000); // is there for earlier already
  clock.move(120_000);
  assert.deepEqual(thing.rang, [5_000]);
});

test("a clock that is set, forth or back, changes nothing", () => {
  const { clock, put } = wheelOf();
  const thing = new Thing();
  put(thing, 60_000);
  clock.move(30_000);
  clock.set(clock.now() + 3_600_000);
  clock.move(29_000);
  assert.deepEqual(thing.rang, []);
  clock.set(clock.now() - 86_400_000);
  clock.move(1_000);
  assert.deepEqual(thing.rang, [60_000]);
});

test("after the process stood still nobody is judged before what came meanwhile could be read", () => {
  let elapsed = 0;
  const rings: { after: number; work: () => void }[] = [];
  const timers = { after: (after: number, work: () => void) => (rings.push({ after, work }), { cancel: () => {} }) };
  const thing = new Thing();
  const wheel = new Wheel<Thing>({ clock: { elapsed: () => elapsed }, timers }, (it) => it.rang.push(elapsed));
  wheel.put(thing, 10_000);
  elapsed = 130_000; // stopped for two minutes, then the timer rings
  rings[0]?.work();
  assert.deepEqual([thing.rang, rings[1]?.after], [[], 1_000]);
  elapsed += 1_000;
  rings[1]?.work();
  assert.deepEqual(thing.rang, [131_000]);
});

test("a closed wheel has no timer, and takes nothing", () => {
  const { clock, wheel, put } = wheelOf();
  const thing = new Thing();
  put(thing, 1_000);
  wheel.close();
  put(thing, 500);
  clock.move(10_000);
  assert.deepEqual([thing.rang, clock.waiting], [[], 0]);
});
