import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { newId, systemRandom, Refusal, type Id, type Instant } from "@holdfast/kernel";
import * as nouns from "./task.ts";
import type { Task } from "./task.ts";

const random = systemRandom;
const devices = [1, 2, 3].map(() => newId("device", random));
const at = (milliseconds: number): Instant => milliseconds as Instant; // a test's own time

const made: Task = {
  id: newId("task", random),
  group: newId("group", random),
  name: "move",
  body: undefined,
  by: "per_1",
  createdAt: at(0),
  expiresAt: at(200),
  state: "waiting",
  lease: 0,
  version: 1,
};

/** What a device believes it has, until when: it counts by itself, and is told of nothing. */
type Believed = { readonly device: Id<"device">; readonly lease: number; readonly until: number };

type Step = {
  readonly what: "lease" | "renew" | "answer" | "release" | "depart" | "expel" | "cancel" | "tidy";
  readonly who: number;
  readonly after: number;
  readonly old: number;
};
const step: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom("lease", "lease", "lease", "renew", "answer", "release", "depart", "expel", "cancel", "tidy"),
  who: fc.nat(2),
  after: fc.nat(30),
  old: fc.nat(4),
});

test("in ten thousand histories never two have a task at once, no number is given twice, and nobody answers by a lease that is over", () => {
  const seen = new Set<string>();
  const walk = (steps: readonly Step[]): void => {
    let task: Task = made;
    let now = 0;
    /** All leases that were ever given: of each whether it is good, as a model that knows nothing of states. */
    const given: Believed[] = [];
    let good: Believed | undefined;
    let answeredBy: number | undefined;
    for (const { what, who, after, old } of steps) {
      now += after;
      if (good && good.until <= now) good = undefined;
      const device = devices[who] ?? assert.fail();
      const lease = given.at(-1 - old)?.lease ?? 1;
      const isGood = good?.device === device && good.lease === lease;
      try {
        switch (what) {
          case "lease": {
            const leased = nouns.lease(task, device, at(now), 20);
            assert.equal(good, undefined, "somebody else has it");
            assert.equal(answeredBy, undefined, "it was done");
            assert.ok(given.every((one) => one.lease < leased.lease));
            good = { device, lease: leased.lease, until: leased.until };
            given.push(good);
            task = leased;
            break;
          }
          case "renew": {
            const leased = nouns.renew(task, { holder: device, lease }, at(now), 20);
            assert.ok(isGood);
            good = { device, lease, until: leased.until };
            task = leased;
            break;
          }
          case "answer": {
            const before: Task = task;
            const done = nouns.answer(task, { holder: device, lease }, { result: lease }, at(now));
            if (done === before) assert.equal(answeredBy, lease, "the same answer again");
            else {
              assert.ok(isGood);
              answeredBy = lease;
              good = undefined;
            }
            task = done;
            break;
          }
          case "release":
            task = nouns.release(task, { holder: device, lease }, at(now));
            assert.ok(isGood);
            good = undefined;
            break;
          case "depart":
            if (task.state !== "leased" || task.holder !== device) break;
            task = nouns.depart(task, at(now), 5);
            if (good) good = { ...good, until: Math.min(good.until, now + 5) };
            break;
          case "expel":
            if (task.state !== "leased" || task.holder !== device) break;
            task = nouns.takeBack(task);
            good = undefined;
            break;
          case "cancel":
            task = nouns.cancel(task, at(now));
            good = undefined;
            break;
          case "tidy":
            task = nouns.asOf(task, at(now));
            break;
        }
        seen.add(what);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        seen.add(error.code);
        // Whoever was refused had none that is good.
        if (["renew", "answer", "release"].includes(what)) assert.ok(!isGood, `${what} of a good lease: ${error.code}`);
        if (what === "lease" && answeredBy === undefined && task.state !== "cancelled") assert.ok(good || now >= 200);
      }
      const current = nouns.asOf(task, at(now));
      assert.equal(current.state === "leased", good !== undefined);
      if (current.state === "leased") assert.equal(current.holder, good?.device);
    }
  };
  fc.assert(
    fc.property(fc.array(step, { maxLength: 24 }), (steps) => walk(steps)),
    { numRuns: 10_000, seed: 8 },
  );
  for (const one of [
    "lease",
    "renew",
    "answer",
    "release",
    "depart",
    "expel",
    "cancel",
    "task.taken",
    "task.leaseOver",
    "task.over",
  ])
    assert.ok(seen.has(one), `no history has ${one}`);
});
