import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { systemClock, systemRandom } from "@holdfast/kernel";
import { Keyring } from "./index.ts";

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), "holdfast-keyring-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return path.join(folder, "keys");
}

const site = (folder: string) => ({ place: { folder }, clock: systemClock, random: systemRandom });

test("a key is there again after a restart, and gone after it was erased", async (t) => {
  const folder = folderOf(t);
  const first = await Keyring.open(site(folder));
  assert.ok(first.fresh);
  const made = await Promise.all(Array.from({ length: 600 }, (_, i) => first.make("device", `dev_${i}`)));
  await first.close();

  const again = await Keyring.open(site(folder));
  assert.equal(again.fresh, false);
  assert.equal(again.instance, first.instance);
  assert.deepEqual(again.instanceKey("a"), first.instanceKey("a"));
  assert.equal(again.cached("device", "dev_7"), undefined);
  assert.deepEqual(await again.find("device", "dev_7"), made[7]);
  assert.deepEqual(again.cached("device", "dev_7"), made[7]);

  await again.erase("device", ["dev_7"]);
  assert.equal(again.cached("device", "dev_7"), undefined);
  assert.equal(await again.find("device", "dev_7"), undefined);
  assert.deepEqual(await again.find("device", "dev_8"), made[8]);
  await assert.rejects(again.make("device", "dev_7"));
  await again.close();
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  for (const file of readdirSync(folder)) assert.equal(statSync(path.join(folder, file)).mode & 0o777, 0o600);
  assert.ok(readFileSync(path.join(folder, "kek"), "utf8").length > 0);
});
