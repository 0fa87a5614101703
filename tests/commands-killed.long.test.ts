import { test } from "node:test";
import { killUnderCommands } from "./faults/command-kills.ts";

test("the server is killed twenty times under commands, and what it accepted is answered, was said to be new once, and ran once", async (t) => {
  await killUnderCommands(t, 20);
});
