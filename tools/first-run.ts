import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { firstRun } from "./seen/index.ts";

// How long a newcomer waits: the seconds of each step from a fresh clone of what is committed here to a chart in a browser.
const folder = mkdtempSync(path.join(tmpdir(), "holdfast-first-run-"));
chmodSync(folder, 0o711); // started by root the platform becomes somebody else, who must get through
// An installation that hangs is not measured, it is given up.
const patience = setTimeout(() => {
  process.stderr.write("Not done after five minutes: given up.\n");
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  process.exit(1);
}, 300_000);
try {
  let whole = 0;
  for await (const { step, seconds } of firstRun(path.dirname(import.meta.dirname), folder)) {
    whole += seconds;
    process.stdout.write(`${seconds.toFixed(1).padStart(6)} s  ${step}\n`);
  }
  process.stdout.write(`${whole.toFixed(1).padStart(6)} s  together\n`);
} finally {
  clearTimeout(patience);
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
}
