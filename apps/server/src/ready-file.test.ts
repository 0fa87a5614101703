import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { ReadyFile, type Ready } from "./ready-file.ts";
import { isRoot } from "./root.ts";

const base = mkdtempSync(path.join(tmpdir(), "holdfast-ready-"));
after(() => rmSync(base, { recursive: true, force: true }));

const file = (name: string): string => path.join(base, name, "ready.json");
const read = (name: string): Ready => JSON.parse(readFileSync(file(name), "utf8"));
const ready: Ready = { pid: process.pid, url: "https://localhost:1", mqttsUrl: "mqtts://localhost:2" };
const fail = (sentence: string) => assert.fail(sentence);

test("the file appears whole, its owner's alone, changes, and goes, and its folder is made", async () => {
  const readyFile = new ReadyFile(file("plain"), "--ready-file");
  readyFile.prepareFor(undefined, fail);
  readyFile.write({ ...ready, setupLink: "https://localhost:1/#setup=x" });
  assert.equal(statSync(file("plain")).mode & 0o777, 0o600);
  readyFile.write(ready);
  assert.deepEqual(read("plain"), ready);
  await readyFile.remove();
  assert.deepEqual(readdirSync(path.dirname(file("plain"))), []);
});

test("a stale file is gone from the start, whatever is in it", () => {
  for (const text of [JSON.stringify({ ...ready, pid: 2 ** 22 + 1 }), "half a fi", "[]"]) {
    writeFileSync(path.join(base, "stale.json"), text);
    new ReadyFile(path.join(base, "stale.json"), "--ready-file").putBack();
    assert.equal(existsSync(path.join(base, "stale.json")), false);
  }
});

test("a start that fails gives the file back to the server that still runs, unless that has written it anew", async (t) => {
  const other = spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)"]);
  t.after(() => other.kill("SIGKILL"));
  await once(other, "spawn");
  const place = path.join(base, "shared.json");
  writeFileSync(place, JSON.stringify({ ...ready, pid: other.pid }));
  const failing = new ReadyFile(place, "--ready-file");
  assert.equal(existsSync(place), false);
  failing.putBack();
  assert.equal(JSON.parse(readFileSync(place, "utf8")).pid, other.pid);

  const late = new ReadyFile(place, "--ready-file");
  writeFileSync(place, JSON.stringify({ ...ready, pid: other.pid, setupLink: "newer" }));
  late.putBack();
  assert.equal(JSON.parse(readFileSync(place, "utf8")).setupLink, "newer");
  assert.deepEqual(
    readdirSync(base).filter((name) => name.includes("before")),
    [],
  );
});

/** The keeper is a process of its own. */
async function eventually(holds: () => boolean): Promise<void> {
  for (let turn = 0; !holds(); turn += 1) {
    assert.ok(turn < 6_000, "it never came about");
    await wait(10);
  }
}

const user = { uid: 65_527, gid: 65_527 };

test(
  "in a folder of root's, a keeper that stays root writes the file, and removes it",
  { skip: !isRoot() },
  async () => {
    const readyFile = new ReadyFile(file("roots"), "--ready-file");
    readyFile.prepareFor(user, fail);
    const link = "https://localhost:1/#setup='\\n$(id)%s";
    readyFile.write({ ...ready, setupLink: link });
    await eventually(() => existsSync(file("roots")));
    assert.equal(read("roots").setupLink, link);
    assert.deepEqual([statSync(file("roots")).mode & 0o777, statSync(file("roots")).uid], [0o600, 0]);
    readyFile.write(ready);
    await eventually(() => read("roots").setupLink === undefined);
    await readyFile.remove();
    assert.deepEqual(readdirSync(path.dirname(file("roots"))), []);
  },
);

test("the keeper removes the file however the server ends", { skip: !isRoot() }, async () => {
  const program = `
    const { ReadyFile } = await import(${JSON.stringify(import.meta.resolve("./ready-file.ts"))});
    const readyFile = new ReadyFile(${JSON.stringify(file("killed"))}, "--ready-file");
    readyFile.prepareFor(${JSON.stringify(user)}, () => {});
    readyFile.write(${JSON.stringify(ready)});
    setInterval(() => {}, 1e6);`;
  const server = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: "inherit" });
  await eventually(() => existsSync(file("killed")));
  server.kill("SIGKILL");
  await eventually(() => !existsSync(file("killed")));
});

test("a file that cannot be written is told", { skip: !isRoot() }, async () => {
  const told = Promise.withResolvers<string>();
  const readyFile = new ReadyFile(file("gone"), "--ready-file");
  readyFile.prepareFor(user, told.resolve);
  chmodSync(path.dirname(file("gone")), 0o700);
  rmSync(path.dirname(file("gone")), { recursive: true });
  readyFile.write(ready);
  assert.match(await told.promise, /gone\/ready\.json could not be written: /);
  await readyFile.remove();
});
