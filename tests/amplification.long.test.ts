import { test } from "node:test";
import { atEnd } from "../apps/server/src/testing/index.ts";
import { Conspiracy } from "./amplification.fixture.ts";

test("in two hundred sequences two people with limited roles get nothing that neither of them had", async () => {
  const conspiracy = await Conspiracy.start();
  atEnd.after(() => conspiracy.close());
  for (let seed = 1_001; seed <= 1_200; seed += 1) await conspiracy.run(seed);
});
