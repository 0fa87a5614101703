import { test } from "node:test";
import { killFirstStarts } from "./faults/first-starts.ts";
import { killAgainAndAgain } from "./faults/kills.ts";

test("the server is killed six times under load, and nothing that it acknowledged is missing", async (t) => {
  await killAgainAndAgain(t, 6);
});

test("a first start that is killed again and again is followed by one that makes everything whole", async (t) => {
  await killFirstStarts(t, 3);
});
