import assert from "node:assert/strict";
import { test } from "node:test";
import { Refusal } from "@holdfast/kernel";
import { TestClock } from "../../testing/clock.ts";
import { Readiness } from "./readiness.ts";

test("the platform is ready when nothing is known against it and the database answers", async () => {
  const against: Refusal[] = [];
  const readiness = new Readiness({ unready: () => against[0], probe: async () => [], timers: new TestClock() });
  await readiness.check();
  against.push(new Refusal("storage.full"));
  await assert.rejects(readiness.check(), { code: "storage.full" });
});

test("a database that does not answer is not waited for, and asked once by however many", async () => {
  const clock = new TestClock();
  let asked = 0;
  const probe = () => {
    asked += 1;
    return new Promise(() => {});
  };
  const readiness = new Readiness({ unready: () => undefined, probe, timers: clock });
  const answers = Array.from({ length: 100 }, () => readiness.check());
  void Promise.allSettled(answers); // looked at one by one below
  clock.move(2_000);
  for (const answer of answers) await assert.rejects(answer, { code: "storage.unavailable", retryAfterSeconds: 2 });
  assert.equal(asked, 1);
});
