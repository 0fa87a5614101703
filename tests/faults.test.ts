import { test } from "node:test";
import { killFirstStarts } from "./faults/first-starts.ts";
import { killAgainAndAgain } from "./faults/kills.ts";

test("the server is killed twice under load, and nothing that it acknowledged is missing", async (t) => {
  await killAgainAndAgain(t, 2);
});

test("a first start that is killed is followed by one that makes everything whole", async (t) => {
  await killFirstStarts(t, 1);
});
