import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { newId, Refusal, systemRandom, type Id, type Instant } from "@holdfast/kernel";
import { handoverLifetime, offer, take, type Handover } from "./handover.ts";

const taker = () => ({ org: newId("org", systemRandom), application: newId("application", systemRandom) });
const takers = [taker(), taker()] as const;
/** Whoever takes it has another id at hand each time. */
const into = (who: 0 | 1) => ({ ...takers[who], device: newId("device", systemRandom) });

const step = fc.oneof(
  fc.record({ does: fc.constant("offer" as const) }),
  fc.record({ does: fc.constant("withdraw" as const) }),
  fc.record({ does: fc.constant("wait" as const), days: fc.integer({ min: 1, max: 8 }) }),
  fc.record({ does: fc.constant("take" as const), who: fc.constantFrom(0, 1), code: fc.nat({ max: 4 }) }),
  fc.record({ does: fc.constant("arrive" as const) }),
);

test("a device comes to one organisation at most, as one device, by the newest code that its own made, while that is good and was not taken back", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), (steps) => {
      let now = 1_000 as Instant;
      let handover: Handover | undefined;
      let newest = -1;
      let madeAt = 0;
      let owner: number | undefined;
      let hasArrived = false;
      let device: Id<"device"> | undefined;
      for (const one of steps) {
        switch (one.does) {
          case "offer":
            if (owner !== undefined) break; // it is retired
            [handover, newest, madeAt] = [offer(now), newest + 1, now];
            break;
          case "withdraw":
            if (handover?.state === "offered") handover = undefined;
            break;
          case "wait":
            now = (now + one.days * 86_400_000) as Instant; // milliseconds both
            break;
          case "arrive":
            if (handover?.state === "taken") [handover, hasArrived] = [{ state: "arrived" }, true];
            break;
          case "take": {
            const isCode = one.code === newest && handover !== undefined;
            const isFresh = owner === undefined && now < madeAt + handoverLifetime;
            const isAgain: boolean = owner === one.who && !hasArrived;
            const may: boolean = isCode && (isFresh || isAgain);
            let did = false;
            try {
              if (isCode && handover) [handover, did] = [take(handover, into(one.who), now, () => false), true];
            } catch (error) {
              assert.ok(error instanceof Refusal && error.code === "handover.invalid");
            }
            assert.equal(did, may);
            if (!did) break;
            assert.ok(handover?.state === "taken");
            device ??= handover.into.device;
            assert.equal(handover.into.device, device);
            owner = one.who;
          }
        }
      }
    }),
    { numRuns: 3_000 },
  );
});

test("what was cut off is finished in another application of the same organisation once the first has ended, as the same device", () => {
  const [first, stranger] = [into(0), into(1)];
  const second = { ...into(0), application: newId("application", systemRandom) };
  const now = 1_000 as Instant;
  const taken = take(offer(now), first, now, () => false);
  assert.throws(() => take(taken, second, now, () => false), { code: "handover.invalid" });
  assert.throws(() => take(taken, stranger, now, () => true), { code: "handover.invalid" });
  const again = take(taken, second, now, (application) => application === first.application);
  assert.deepEqual(again.into, { ...second, device: first.device });
});
