import { test } from "node:test";
import { killUnderFrames } from "./faults/frame-kills.ts";

test("the server is killed wherever frames are kept, their window written anew and read: none that was acknowledged is missing, none is there twice", async (t) => {
  await killUnderFrames(t, 2);
});
