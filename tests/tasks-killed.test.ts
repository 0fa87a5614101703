import { test } from "node:test";
import { killUnderTasks } from "./faults/task-kills.ts";

test("the server is killed under tasks, and what it accepted is done once", async (t) => {
  await killUnderTasks(t, 1, { dies: 0, renews: 20, releases: 10, isLate: 0 });
});
