import { test } from "node:test";
import { killAgainAndAgain } from "./faults/kills.ts";

test("the server is killed six times under load, and nothing that it acknowledged is missing", async (t) => {
  await killAgainAndAgain(t, 6);
});
