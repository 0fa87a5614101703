import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, systemRandom } from "@holdfast/kernel";
import { asPlatform, Spaces, type Space } from "../authority/index.ts";
import { atEnd, freshStorage, TestClock } from "../testing/index.ts";
import { recorder, Refusals } from "./index.ts";
import { readEntries, type Entry } from "./record.ts";

const clock = new TestClock();
const fresh = await freshStorage({ recordAudit: recorder(systemRandom) });
const { storage } = fresh;
atEnd.after(() => fresh.close());
const spaces = new Spaces({
  demands: async () => ({}),
  storage,
  things: async () => ({ devices: new Map(), applications: new Set(), products: new Map() }),
});
const refusals = new Refusals({ storage, clock, timers: clock, report: () => undefined });

async function organisation(): Promise<Space> {
  const org = newId("org", systemRandom);
  await storage.makeOrg(org);
  return spaces.of(org);
}

const caller = (space: Space) => ({ space, actor: { kind: "credential", id: newId("token", systemRandom) } as const });
const device = () => newId("device", systemRandom);

async function entriesOf(space: Space): Promise<readonly Entry[]> {
  return storage.read(asPlatform(space.scope), (unit) => readEntries(unit, { limit: 10_000 }, undefined));
}
const countOf = (entries: readonly Entry[]): number =>
  entries.reduce((sum, { facts }) => sum + Number(facts?.["count"] ?? 1), 0);

test("a caller who is refused one thing after the other costs a few entries a minute, and all are counted", async () => {
  const space = await organisation();
  const flooding = caller(space);
  let asked = 0;
  let entries: readonly Entry[] = [];
  for (let passed = 0; passed < 10; passed += 1) {
    for (let second = 0; second < 60; second += 1) {
      for (let each = 0; each < 20; each += 1, asked += 1)
        refusals.note(flooding, "device.read", device(), "there is no such device");
      clock.move(1_000);
    }
    while (countOf(entries) < asked) entries = await entriesOf(space); // it is written by itself
  }
  assert.equal(countOf(entries), asked);
  assert.ok(entries.length < 60 + 10 * 8, `${entries.length} entries`);
  const gathered = entries.filter(({ about }) => about === space.org);
  assert.ok(gathered.length >= 10);
  for (const { by, facts } of gathered) {
    assert.equal(by.kind === "credential" && by.id, flooding.actor.id);
    assert.ok(Array.isArray(facts?.["sample"]) && facts["sample"].length > 0 && facts["sample"].length <= 5);
  }
});

test("what another caller is refused meanwhile is listed as ever", async () => {
  const space = await organisation();
  const [flooding, quiet] = [caller(space), caller(space)];
  for (let each = 0; each < 5_000; each += 1) refusals.note(flooding, "device.read", device(), "no such device");
  const wanted = device();
  refusals.note(quiet, "device.retire", wanted, "no grant");
  for (let each = 0; each < 5_000; each += 1) refusals.note(flooding, "device.read", device(), "no such device");
  await refusals.flush();
  const [entry, ...more] = (await entriesOf(space)).filter(({ about }) => about === wanted);
  assert.deepEqual([entry?.by, entry?.facts], [quiet.actor, { action: "device.retire", because: "no grant" }]);
  assert.equal(more.length, 0);
});

test("strangers who try one door do not hide those who try another", async () => {
  const space = await organisation();
  const stranger = { space, actor: { kind: "platform" } } as const;
  const [one, other] = [newId("key", systemRandom), newId("person", systemRandom)];
  for (let half = 0; half < 200; half += 1) {
    refusals.note(stranger, "connect", one, "a wrong secret");
    clock.move(500);
  }
  refusals.noteSignIn(stranger, other);
  await refusals.flush();
  const entries = await entriesOf(space);
  assert.equal(countOf(entries.filter(({ about }) => about === one)), 200);
  assert.ok(entries.length < 80, `${entries.length} entries`);
  assert.deepEqual(
    entries.filter(({ about }) => about === other).map(({ what, facts }) => [what, facts]),
    [["signIn.refused", {}]],
  );
});

test("who was refused much may be listed again after a while", async () => {
  const space = await organisation();
  const again = caller(space);
  for (let each = 0; each < 1_000; each += 1) refusals.note(again, "device.read", device(), "no such device");
  await refusals.flush();
  clock.move(600_000);
  const wanted = device();
  refusals.note(again, "device.read", wanted, "no such device");
  await refusals.flush();
  assert.equal((await entriesOf(space)).filter(({ about }) => about === wanted).length, 1);
});

test("a long reason is cut, and a credential in it is not cut in two", async () => {
  const space = await organisation();
  const secret = `hfs_${"A".repeat(49)}`;
  refusals.note(
    caller(space),
    "telemetry.write",
    space.org,
    `publish to ${"x/".repeat(60)}${secret}/${"y".repeat(60_000)}`,
  );
  await refusals.flush();
  const [entry] = await entriesOf(space);
  const because = String(entry?.facts?.["because"]);
  assert.ok(because.length <= 160 && because.includes("[credential]") && !because.includes("hfs_"), because);
});
