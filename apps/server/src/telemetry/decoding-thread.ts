import os from "node:os";
import { parentPort } from "node:worker_threads";
import { Refusal } from "@holdfast/kernel";
import { decodeChunk } from "./chunk.ts";
import type { Outcome, SealedChunks, Task } from "./decoding.ts";
import { linesAs } from "./point-lines.ts";
import type { Points } from "./points.ts";
import { ChunkSeal } from "./sealing.ts";

// A thread of `Decoding`: does what it is sent, one after the other, and gives the columns away.

// It gives way to whoever takes readings. On Linux this is the thread's own; on other systems it would be the whole process'.
if (process.platform === "linux") os.setPriority(Math.min(19, os.getPriority() + 5));

parentPort?.on("message", (task: Task) => {
  const { outcome, given } = attempt(task);
  parentPort?.postMessage(outcome, given);
});

function attempt(task: Task): { outcome: Outcome; given: ArrayBuffer[] } {
  try {
    switch (task.task) {
      case "decode": {
        const points = decodeAll(task.chunks);
        return { outcome: { points }, given: points.flatMap(buffersOf) };
      }
      case "lines": {
        const { format, device, attribute, points } = task.asked;
        // A copy: without what was reserved, and never out of a pool, which cannot be given away.
        const lines = new Uint8Array(linesAs[format].of(device, attribute, points));
        return { outcome: { lines }, given: [lines.buffer] };
      }
      case "sort":
        return { outcome: { sorted: task.values.sort() }, given: [task.values.buffer] };
    }
  } catch (error) {
    const { message } = error instanceof Error ? error : { message: "what was thrown is no error" };
    const outcome = error instanceof Refusal ? { refused: { code: error.code, detail: message } } : { fault: message };
    return { outcome, given: [] };
  }
}

function decodeAll({ org, key, places, sealed }: SealedChunks): readonly Points[] {
  const seal = ChunkSeal.withKey(org, key);
  return places.map((place, at) => decodeChunk(seal.open("points", place, sealed[at] ?? new Uint8Array())));
}

/** Columns that can be given away; texts are copied. */
const buffersOf = ({ times, values }: Points): ArrayBuffer[] =>
  [times, values].flatMap((column) =>
    ArrayBuffer.isView(column) && column.buffer instanceof ArrayBuffer ? [column.buffer] : [],
  );
