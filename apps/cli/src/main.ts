import { hostname } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { nodeTransport } from "@holdfast/client/node";
import { systemClock } from "@holdfast/kernel";
import { readEnvironment } from "./environment.ts";
import { exits } from "./failure.ts";
import { systemKeyring } from "./keyring.ts";
import { openInBrowser } from "./browser.ts";
import { run } from "./run.ts";

// `holdfast … | head`: whoever read has had enough, and that is no failure.
for (const outlet of [process.stdout, process.stderr]) {
  outlet.on("error", (error: NodeJS.ErrnoException) => {
    process.exit(error.code === "EPIPE" ? exits.done : exits.fault);
  });
}

// What nobody expected must not look like a refusal, which is 1.
process.on("uncaughtException", (error) => {
  process.stderr.write(`This is a fault of the command itself. Please report it: ${error.stack}\n`);
  process.exit(exits.fault);
});

process.exitCode = await run(process.argv.slice(2), {
  out: process.stdout,
  err: process.stderr,
  in: process.stdin,
  environment: readEnvironment(),
  clock: systemClock,
  transport: (ca) => nodeTransport({ ca }),
  keyring: systemKeyring,
  machine: hostname(),
  open: openInBrowser,
  pause: (milliseconds) => pause(milliseconds),
});
