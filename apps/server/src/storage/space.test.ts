import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { test } from "node:test";
import { TestClock } from "../testing/clock.ts";
import { defaultReserve, freeBytesOf, Space } from "./space.ts";

test("nothing new is taken below the reserve, until there is clearly room again", async () => {
  const timers = new TestClock();
  const reports: string[] = [];
  let free = 1_000;
  const space = new Space({
    freeBytes: () => Promise.resolve(free),
    reserve: 100,
    timers,
    report: (message) => void reports.push(message),
  });
  const after = async (bytes: number) => {
    free = bytes;
    timers.move(1_000);
    await setImmediate();
    return space.isFull;
  };
  await space.watch();
  space.admit();
  assert.equal(await after(100), false);
  assert.equal(await after(99), true);
  assert.throws(() => space.admit(), { code: "storage.full" });
  assert.equal(await after(110), true);
  assert.equal(await after(125), false);
  space.admit();

  space.noteFull();
  assert.throws(() => space.admit(), { code: "storage.full" });
  assert.equal(await after(1_000), false);
  assert.equal(reports.length, 4);
  space.close();
  assert.equal(timers.waiting, 0);
});

test("a disk that cannot be looked at is told once, and the last answer stands", async () => {
  const timers = new TestClock();
  const reports: string[] = [];
  const freeBytes = () => Promise.reject(new Error("the folder is gone"));
  const space = new Space({ freeBytes, reserve: 100, timers, report: (message) => void reports.push(message) });
  await space.watch();
  for (let second = 0; second < 3; second += 1) {
    timers.move(1_000);
    await setImmediate();
  }
  space.admit();
  assert.deepEqual(reports, ["The free space of the disk is not known."]);
  space.close();
});

test("the reserve is a hundredth of the disk within bounds, and free space is a number of bytes", async () => {
  const reserve = await defaultReserve("/");
  assert.ok(reserve >= 256 * 2 ** 20 && reserve <= 2 * 2 ** 30);
  assert.ok((await freeBytesOf("/")) > 0);
});
