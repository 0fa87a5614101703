import { test } from "node:test";
import fc from "fast-check";
import { live, lives, type Step } from "./lives.fixture.ts";

// `model.long.test.ts` tries more of them.
test("whatever a few clients do, each gets what a plain reading of the standard says, over crashes too", async () => {
  await fc.assert(fc.asyncProperty(lives, live), { numRuns: 60 });
});

test("of two that look the same, one of them over, the other comes", async () => {
  const connect: Step = {
    do: "connect",
    who: "a",
    version: 4,
    clean: false,
    expirySeconds: 0,
    window: 1,
    aliases: 0,
    will: undefined,
  };
  const filter = { filter: "t/#", qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
  const empty = { do: "publish", who: undefined, topic: "t", qos: 2, retain: true, isEmpty: true } as const;
  await live([
    connect,
    { do: "subscribe", who: "a", asked: [filter], identifier: 0 },
    { do: "lose", who: "a" },
    { ...empty, expiry: 4, isRepeated: false },
    { ...empty, expiry: undefined, isRepeated: false },
    { do: "move", milliseconds: 10_000, fails: false },
    connect,
  ]);
});
