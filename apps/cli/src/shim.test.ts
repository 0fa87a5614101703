import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { accessSync, constants, copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { folderFor } from "./testing/world.ts";

const shim = path.resolve(import.meta.dirname, "../bin/holdfast.mjs");
const systemNode = "/usr/bin/node";
const major = Number(/^v(\d+)/.exec(spawnSync(systemNode, ["--version"], { encoding: "utf8" }).stdout ?? "")?.[1]);
const skip = major >= 20 && major < 26 ? false : "the system has no older Node";
const noProc = existsSync(`/proc/self/task/${process.pid}/children`) ? false : "the system does not list children";
const started = (node: string, args: string[], input?: string) =>
  spawnSync(node, [shim, ...args], { encoding: "utf8", cwd: tmpdir(), input, env: { HOME: tmpdir() } });

test("the command can be executed", () => {
  accessSync(shim, constants.X_OK);
});

test("it runs from any folder on the Node that runs it, when that is new enough", () => {
  const { status, stdout } = started(process.execPath, ["--version"]);
  assert.deepEqual([status, /^holdfast \d/.test(stdout)], [0, true]);
});

test("an old Node hands over to the one that npm brought, with stdin, output and exit code", { skip }, () => {
  const version = started(systemNode, ["--version"]);
  assert.deepEqual([version.status, /^holdfast \d/.test(version.stdout), version.stderr], [0, true, ""]);
  const args = ["whoami", "--url", "https://127.0.0.1:9", "--token-file", "-"];
  const empty = started(systemNode, args, "");
  assert.deepEqual([empty.status, empty.stderr], [2, "--token-file: stdin is empty.\n"]);
});

test("a signal to the old Node ends the new one, and both end by it", { skip: skip || noProc }, async () => {
  // The new one waits for a token on stdin, which never comes.
  const args = [shim, "whoami", "--url", "https://127.0.0.1:9", "--token-file", "-"];
  const child = spawn(systemNode, args, { stdio: ["pipe", "ignore", "ignore"] });
  const children = `/proc/${child.pid}/task/${child.pid}/children`;
  while (readFileSync(children, "utf8") === "") await new Promise((resolve) => setTimeout(resolve, 10));
  const grandchild = Number(readFileSync(children, "utf8"));
  child.kill("SIGTERM");
  const end = await new Promise((resolve) => {
    child.once("close", (...codeAndSignal) => resolve(codeAndSignal));
  });
  assert.deepEqual(end, [null, "SIGTERM"]);
  assert.throws(() => process.kill(grandchild, 0), { code: "ESRCH" });
});

test("where nothing is installed it says what to do", (t) => {
  const clone = folderFor(t);
  mkdirSync(path.join(clone, "apps/cli/bin"), { recursive: true });
  const copy = path.join(clone, "apps/cli/bin/holdfast.mjs");
  copyFileSync(shim, copy);
  const link = path.join(clone, "holdfast.mjs");
  symlinkSync(copy, link); // as npm links it
  const { status, stderr } = spawnSync(process.execPath, [link, "--version"], { encoding: "utf8" });
  assert.equal(status, 70);
  assert.match(stderr, /^Nothing is installed in .* Run npm start \(or npm ci\) there once\.\n$/);
});

test("a reader that has had enough is no failure", async () => {
  const child = spawn(process.execPath, [shim, "help", "--json"], { stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.destroy();
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const code = await new Promise((resolve) => child.once("close", resolve));
  assert.deepEqual([code, stderr], [0, ""]);
});
