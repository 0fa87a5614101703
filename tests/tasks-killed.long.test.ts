import { test } from "node:test";
import { killUnderTasks } from "./faults/task-kills.ts";

test("the server is killed twenty times under tasks, while devices die, too, and what it accepted is done once, by one at a time", async (t) => {
  await killUnderTasks(t, 20, { dies: 10, renews: 20, releases: 10, isLate: 10 });
});
