/**
 * `holdfast backup`, killed at a place of its own: `killed-backup.ts PLACE ARGUMENT…`. It is the real program; only, once it is there it ends itself by
 * SIGKILL, as the kernel would for want of memory.
 */
import fs from "node:fs";
import { open } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import type { PlaceOfBackup } from "./places.ts";

const [place = "", ...options] = process.argv.slice(2);

function pass(here: PlaceOfBackup): void {
  if (here !== place) return;
  process.kill(process.pid, "SIGKILL");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); // not one instruction more
}

const handle = await open("/dev/null");
const handles = Object.getPrototypeOf(handle) as typeof handle; // what all of them are made of
await handle.close();
const { write } = handles as unknown as { write: (bytes: Uint8Array, at: number) => Promise<{ bytesWritten: number }> };
handles.write = async function (this: typeof handle, bytes: Uint8Array, at: number) {
  const length = place === "half written" ? Math.ceil((bytes.length - at) / 2) : bytes.length - at;
  const answer = await write.call(this, bytes.subarray(0, at + length), at);
  pass("half written");
  return answer;
} as unknown as typeof handles.write;

const { linkSync } = fs;
fs.linkSync = (from, to) => {
  pass("read back");
  linkSync(from, to);
  pass("named");
};
syncBuiltinESMExports();

process.argv.splice(2, Infinity, ...options);
await import("../../apps/server/src/backup-command.ts");
