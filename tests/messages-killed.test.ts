import { test } from "node:test";
import { killUnderMessages } from "./faults/message-kills.ts";

test("the server is killed under QoS 1 and 2, and who is subscribed lacks nothing, and has nothing of QoS 2 twice", async (t) => {
  await killUnderMessages(t, 1);
});
