import { test } from "node:test";
import { killUnderFrames } from "./faults/frame-kills.ts";
import { killUnderMessages } from "./faults/message-kills.ts";

test("the server is killed fifty times under QoS 1 and 2, and who is subscribed lacks nothing, and has nothing of QoS 2 twice", async (t) => {
  await killUnderMessages(t, 50);
});

test("the server is killed thirty times under frames, and their database stands still for longer than a commit is tried: every reading is there once", async (t) => {
  await killUnderFrames(t, 30, 2);
});
