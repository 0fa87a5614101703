import { test } from "node:test";
import fc from "fast-check";
import { history, live } from "./amplification.fixture.ts";

test("ten thousand histories of minting, giving, changing and ending give nobody what whoever did it did not hold", () => {
  fc.assert(fc.property(history, live), { numRuns: 10_000 });
});
