import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { newId, systemClock, systemRandom } from "@holdfast/kernel";
import { Keyring } from "./keyring/index.ts";
import { Scopes } from "./scopes.ts";

async function scopesFor(t: TestContext) {
  const folder = mkdtempSync(path.join(tmpdir(), "holdfast-scopes-"));
  const keyring = await Keyring.open({
    place: { folder: path.join(folder, "keys") },
    clock: systemClock,
    random: systemRandom,
  });
  t.after(async () => {
    await keyring.close();
    rmSync(folder, { recursive: true });
  });
  return new Scopes({ keyring, random: systemRandom });
}

const org = () => newId("org", systemRandom);
const plain = new TextEncoder().encode("21.5");
const broken = { code: "seal.broken" };

test("what is sealed opens as what it was: the same organisation, kind and row, and nothing else", async (t) => {
  const scopes = await scopesFor(t);
  const [ours, theirs] = [await scopes.make(org()), await scopes.make(org())];
  const sealed = ours.seal("device", "dev_1", plain);
  assert.deepEqual(ours.open("device", "dev_1", sealed), plain);

  assert.throws(() => theirs.open("device", "dev_1", sealed), broken); // moved to another organisation
  assert.throws(() => ours.open("device", "dev_2", sealed), broken); // swapped with another row
  assert.throws(() => ours.open("product", "dev_1", sealed), broken); // taken for another kind
  assert.throws(() => ours.open("devicedev_", "1", sealed), broken); // the border between the two moved
  for (let at = 0; at < sealed.length; at += 1) {
    const altered = sealed.slice();
    altered[at] = (altered[at] ?? 0) ^ 1;
    assert.throws(() => ours.open("device", "dev_1", altered), broken);
  }
  assert.throws(() => ours.open("device", "dev_1", sealed.slice(0, -1)), broken);
  assert.throws(() => ours.open("device", "dev_1", new Uint8Array()), broken);
  assert.notDeepEqual(ours.seal("device", "dev_1", plain), sealed);
});

test("an exact lookup finds within one organisation and purpose only", async (t) => {
  const scopes = await scopesFor(t);
  const [ours, theirs] = [await scopes.make(org()), await scopes.make(org())];
  assert.deepEqual(ours.index("alias", "pump"), ours.index("alias", "pump"));
  assert.notDeepEqual(ours.index("alias", "pump"), theirs.index("alias", "pump"));
  assert.notDeepEqual(ours.index("alias", "pump"), ours.index("tag", "pump"));
  assert.notDeepEqual(ours.index("alias", "pump"), ours.index("alias", "Pump"));
});

test("a derived key is the same whenever it is asked for, and its taker's own", async (t) => {
  const scopes = await scopesFor(t);
  const scope = await scopes.make(org());
  const key = scope.derive("token/a");
  assert.equal(key.length, 32);
  key.fill(0);
  assert.notDeepEqual(scope.derive("token/a"), key);
  const again = scope.derive("token/a");
  for (let other = 0; other < 600; other += 1) scope.derive(`token/${other}`);
  assert.deepEqual(scope.derive("token/a"), again);
  assert.notDeepEqual(scope.derive("token/b"), again);
});

test("an organisation whose key was never made is unknown, and one that was erased opens nowhere", async (t) => {
  const scopes = await scopesFor(t);
  await assert.rejects(scopes.of(org()), { code: "org.unknown" });
  const [gone, stays] = [await scopes.make(org()), await scopes.make(org())];
  assert.equal(await scopes.of(gone.org), gone);
  const sealed = gone.seal("device", "dev_1", plain);
  const kept = stays.seal("device", "dev_1", plain);
  await scopes.erase(gone.org);
  // Whoever still holds the scope cannot open with it either.
  assert.throws(() => gone.open("device", "dev_1", sealed), { code: "org.unknown" });
  assert.throws(() => gone.derive("token/a"), { code: "org.unknown" });
  await assert.rejects(scopes.of(gone.org), { code: "org.unknown" });
  assert.deepEqual(stays.open("device", "dev_1", kept), plain);
});
