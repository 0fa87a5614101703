import { test } from "node:test";
import { killUnderCare } from "./faults/chunk-kills.ts";

test("the server is killed a hundred times while chunks are joined, moved, removed and erased, and nothing is lost, there twice or left over", async (t) => {
  await killUnderCare(t, 100);
});
