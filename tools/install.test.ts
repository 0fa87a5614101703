import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";

/** A repository whose only dependency is a workspace of its own, so that npm needs no network. */
function clone(t: TestContext): string {
  const root = mkdtempSync(path.join(tmpdir(), "holdfast-install-"));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(path.join(root, "tools"));
  mkdirSync(path.join(root, "packages/part"), { recursive: true });
  for (const file of ["install.mjs", "lock.mjs"])
    cpSync(path.join(import.meta.dirname, file), path.join(root, "tools", file));
  const whole = { name: "whole", version: "1.0.0", workspaces: ["packages/*"] };
  const part = { name: "part", version: "1.0.0" };
  write(root, "package.json", whole);
  write(root, "packages/part/package.json", part);
  write(root, "package-lock.json", {
    name: "whole",
    version: "1.0.0",
    lockfileVersion: 3,
    packages: { "": whole, "node_modules/part": { resolved: "packages/part", link: true }, "packages/part": part },
  });
  return root;
}

function write(root: string, file: string, content: object): void {
  writeFileSync(path.join(root, file), JSON.stringify(content));
}

function install(root: string): Promise<{ code: number | null; said: string }> {
  const child = spawn(process.execPath, ["tools/install.mjs"], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => (said += String(bytes)));
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, said })));
}

test("a fresh clone is installed once, and says nothing the next time", async (t) => {
  const root = clone(t);
  const first = await install(root);
  assert.match(first.said, /^Installing \(once\) …\nInstalled in \d+ s\.\n$/);
  assert.ok(existsSync(path.join(root, "node_modules/part/package.json")));
  assert.ok(existsSync(path.join(root, "node_modules/.bin/node")));
  assert.deepEqual(await install(root), { code: 0, said: "" });
  assert.deepEqual(
    readdirSync(root).filter((name) => name.includes("lock")),
    ["package-lock.json"],
  );
});

test("what was installed by hand as the lockfile says is taken as it is", async (t) => {
  const root = clone(t);
  await install(root);
  rmSync(path.join(root, "node_modules/.holdfast-installed"));
  assert.deepEqual(await install(root), { code: 0, said: "" });
});

test("another lockfile installs again; a script in a package.json does not", async (t) => {
  const root = clone(t);
  await install(root);
  const file = path.join(root, "packages/part/package.json");
  write(root, "packages/part/package.json", { ...JSON.parse(readFileSync(file, "utf8")), scripts: { a: "true" } });
  assert.deepEqual(await install(root), { code: 0, said: "" });
  rmSync(path.join(root, "node_modules/part"));
  writeFileSync(
    path.join(root, "package-lock.json"),
    `${readFileSync(path.join(root, "package-lock.json"), "utf8")}\n`,
  );
  assert.match((await install(root)).said, /Installed/);
});

test("of two at once one installs and the other waits for it", async (t) => {
  const root = clone(t);
  const both = await Promise.all([install(root), install(root)]);
  assert.deepEqual(
    both.map(({ code }) => code),
    [0, 0],
  );
  assert.equal(both.filter(({ said }) => said.includes("Installing (once)")).length, 1);
});

test("the lock of a process that died is taken over, also when its number was given out again", async (t) => {
  const root = clone(t);
  const lock = path.join(root, ".install.lock");
  for (const left of [{ pid: 2 ** 30, started: "1" }, { pid: process.pid, started: "1" }, "half a l"]) {
    writeFileSync(lock, typeof left === "string" ? left : JSON.stringify(left));
    assert.equal((await install(root)).code, 0);
    assert.ok(!existsSync(lock));
    rmSync(path.join(root, "node_modules"), { recursive: true });
  }
});

test("a lockfile that does not fit is refused with what npm said and what to do", async (t) => {
  const root = clone(t);
  mkdirSync(path.join(root, "packages/more"));
  write(root, "packages/more/package.json", { name: "more", version: "1.0.0" });
  const { code, said } = await install(root);
  assert.equal(code, 1);
  assert.match(said, /npm error/);
  assert.match(said, /does not agree with a package\.json: run `npm install`/);
});
