import { spawnSync } from "node:child_process";
import path from "node:path";

/** Builds the console when its sources have changed, as `npm start` does. */
export function buildConsole(): void {
  const program = path.join(import.meta.dirname, "../tools/console.mjs");
  const { status, stderr } = spawnSync(process.execPath, [program], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}
