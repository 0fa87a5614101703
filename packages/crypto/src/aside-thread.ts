import { argon2Sync } from "node:crypto";
import os from "node:os";
import { parentPort } from "node:worker_threads";
import type { Question } from "./argon2.ts";

// The thread of `Aside`: hashes what it is sent, one after the other, and gives way to whoever else wants the processor.

// On Linux this is the thread's own; on other systems it would be the whole process'.
if (process.platform === "linux") os.setPriority(Math.min(19, os.getPriority() + 5));

parentPort?.on("message", (question: Question) => {
  parentPort?.postMessage(new Uint8Array(argon2Sync("argon2id", question)));
});
