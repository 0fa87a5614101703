import { test } from "node:test";
import { tryNoise, trySpoilt } from "./street.fixture.ts";

test("thousands of random and spoilt streams harm nobody but their own connections", async () => {
  await tryNoise(5_000);
  await trySpoilt(10_000);
});
