#!/usr/bin/env node
// Plain JavaScript on purpose: this starts on whatever Node the system has, and hands over to the one that npm brought.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const wantedNode = 26;
const clone = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");
const modules = path.join(clone, "node_modules");
const pinnedNode = path.join(modules, ".bin", "node");
const isNewEnough = Number(process.versions.node.split(".")[0]) >= wantedNode;

if (!existsSync(path.join(modules, "@holdfast", "client"))) {
  giveUp(`Nothing is installed in ${clone} yet. Run npm start (or npm ci) there once.`);
} else if (isNewEnough) {
  // It sets the exit code itself.
  import("../src/main.ts").catch((error) => giveUp(`The command cannot be loaded: ${error.stack}`));
} else if (existsSync(pinnedNode)) {
  handOver();
} else {
  giveUp(
    `Node ${process.versions.node} is too old and no newer one is installed in ${clone}. Run npm start (or npm ci) there once.`,
  );
}

function handOver() {
  const passOn = (signal) => child.kill(signal);
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) process.on(signal, passOn); // before there is anybody who could be left behind
  const main = path.join(clone, "apps/cli/src/main.ts");
  const child = spawn(pinnedNode, [main, ...process.argv.slice(2)], { stdio: "inherit" });
  child.on("error", (error) => giveUp(`${pinnedNode} cannot be started (${error.code}). Run npm ci in ${clone}.`));
  child.on("exit", (code, signal) => {
    for (const each of signals) process.off(each, passOn);
    // Whoever started us sees the same end: the code, or the signal.
    if (signal) process.kill(process.pid, signal);
    else process.exitCode = code ?? 70;
  });
}

function giveUp(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exitCode = 70;
}
