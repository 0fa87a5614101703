import { test } from "node:test";
import { killUnderErasure } from "./faults/erasure-kills.ts";

test("the server is killed in the midst of an erasure, and the next start ends it: nobody is owed what was erased, and everybody what was not", async (t) => {
  await killUnderErasure(t, ["message log cut"]);
});
