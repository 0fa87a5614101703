import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { newId, systemRandom, uuidOf, type Id } from "@holdfast/kernel";
import { asPlatform } from "../authority/index.ts";
import { atEnd } from "../testing/index.ts";
import { ColdChunks, FolderStore } from "./index.ts";
import { Retention } from "./retention.ts";
import { world } from "./store.fixture.ts";

const w = await world(atEnd);
const folder = mkdtempSync(path.join(tmpdir(), "holdfast-cold-"));
atEnd.after(async () => rmSync(folder, { recursive: true, force: true }));
const [hour, day] = [3_600_000, 86_400_000];
const objects = new FolderStore(folder);
const moving = { store: objects, after: 30 * day };
const open = () => w.open({ cold: new ColdChunks({ storage: w.storage, store: objects }), moving });
let store = await open();
const org = await w.org();

const files = () =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort((a, b) => (a < b ? -1 : 1));
const round = async () => {
  w.clock.move(day + 1);
  await store.care.round();
};
/** A reading a minute of each of so many days, the last of them `until` days ago. */
async function measure(device: Id<"device">, days: number, until = 0): Promise<void> {
  const last = w.clock.now() - until * day;
  for (let at = days - 1; at >= 0; at -= 1) {
    const body = Array.from({ length: 1_000 }, (_, n) => ({
      time: last - at * day - n * 20_000,
      values: { n: n % 100 },
    }));
    assert.equal(await store.say(org, device, body), 0);
  }
  await store.telemetry.compact();
}
/** A disk of which one bit is another when it is read, until it is mended. */
class Forgetful extends FolderStore {
  isMended = false;
  reads = 0;
  override async read(...asked: Parameters<FolderStore["read"]>): Promise<Uint8Array | undefined> {
    this.reads += 1;
    const bytes = await super.read(...asked);
    return this.isMended ? bytes : bytes?.with(20, (bytes[20] ?? 0) ^ 1);
  }
}
const all = (device: Id<"device">) => store.points(org, device, "n", { limit: 200_000 });
const rowsOf = (device: Id<"device">, which: string) =>
  w.sql(
    `select c.first from holdfast.chunk c join holdfast.series s on s.id = c.series where s.device = $1 and ${which}`,
    [uuidOf(device)],
  );

test("what is old is moved, sealed as it is, and read as before", async () => {
  const device = await org.device();
  await measure(device, 100);
  const { items } = await all(device);
  const hourly = { every: hour, aggregates: ["sum", "count", "max"], from: 0 } as const;
  const buckets = await store.aggregate(org, device, "n", hourly);
  await round();
  const [cold, warm] = [await rowsOf(device, "data is null"), await rowsOf(device, "object is null")];
  assert.ok(cold.length >= 30 && warm.length >= 12 && warm.length <= 18, `${cold.length} ${warm.length}`);
  assert.ok(files().length >= 2 && files().length <= 4, files().join()); // one a month
  assert.deepEqual((await all(device)).items, items);
  assert.deepEqual(await store.aggregate(org, device, "n", hourly), buckets);
  assert.deepEqual(await store.points(org, device, "n", { from: items[5_000]?.[0] ?? 0, limit: 10 }), {
    items: items.slice(5_000, 5_010),
    nextCursor: String(items[5_009]?.[0]),
  });
  // Nothing is left to be done, and what comes late is moved with the next day.
  const before = files();
  await round();
  assert.deepEqual(files().slice(0, before.length).length, before.length);
  await measure(device, 1, 80);
  w.clock.move(day + 1);
  await store.care.round();
  await round();
  assert.deepEqual(
    await w.sql("select c.first from holdfast.chunk c where c.data is not null and c.last < $1", [
      w.clock.now() - 33 * day,
    ]),
    [],
  );
  assert.ok((await all(device)).items.length > items.length);
});

test("a store that is away is told, for what was moved alone; so is what was lost or altered there", async () => {
  const [device, dense] = [await org.device(), await org.device()];
  await measure(device, 60);
  const begun = w.clock.now() - 50 * day;
  for (const from of [0, 1_000, 50 * 86_400]) {
    const body = Array.from({ length: 1_000 }, (_, n) => ({
      time: begun + (from + n) * 1_000 - 2_000_000,
      values: { n },
    }));
    assert.equal(await store.say(org, dense, body), 0);
    await store.telemetry.compact();
  }
  await round();
  assert.equal((await rowsOf(dense, "data is null")).length, 1);
  const old = () => store.points(org, device, "n", { to: w.clock.now() - 50 * day });
  await store.close();
  store = await open(); // nothing is in memory
  renameSync(folder, `${folder}-away`);
  await assert.rejects(old(), { code: "cold.unreachable" });
  assert.ok((await store.points(org, device, "n", { from: w.clock.now() - 10 * day })).items.length > 1_000);
  // What was summed up is in the rows still.
  const buckets = await store.aggregate(org, dense, "n", { every: day, aggregates: ["count"], from: 0 });
  assert.equal(
    buckets.reduce((sum, bucket) => sum + Number(bucket["count"]), 0),
    3_000,
  );
  for (let days = 0; days < 3; days += 1) await round(); // a chunk becomes old enough every day or two
  assert.match(w.reports.splice(0).join(), /^Old readings stay in the database: These readings/);
  renameSync(`${folder}-away`, folder);
  assert.ok((await old()).items.length > 1_000);
  const [file = ""] = files().slice(-1);
  const bytes = readFileSync(file);
  const altered = Buffer.from(bytes);
  for (let at = 100; at < altered.length; at += 100) altered[at] = (altered[at] ?? 0) ^ 1;
  const fresh = async () => {
    await store.close();
    store = await open();
    return Promise.allSettled([all(device)]).then(([one]) => (one?.status === "rejected" ? one.reason.code : "read"));
  };
  writeFileSync(file, altered);
  assert.equal(await fresh(), "seal.broken");
  writeFileSync(file, bytes.subarray(0, 50));
  assert.equal(await fresh(), "cold.lost");
  rmSync(file);
  assert.equal(await fresh(), "cold.lost");
  writeFileSync(file, bytes);
  assert.equal(await fresh(), "read");
});

test("what the object store does not give back as it was stays in the database, and is told", async () => {
  const device = await org.device();
  await measure(device, 36);
  const { items } = await all(device);
  await store.close();
  const forgetful = new Forgetful(folder);
  store = await w.open({
    cold: new ColdChunks({ storage: w.storage, store: objects }),
    moving: { ...moving, store: forgetful },
  });
  await round();
  assert.deepEqual(await rowsOf(device, "data is null"), []);
  assert.match(w.reports.splice(0).join(), /^Old readings stay in the database: /);
  assert.deepEqual((await all(device)).items, items);
  await store.close();
  store = await open();
  await round();
  assert.ok((await rowsOf(device, "data is null")).length > 0, "with the next round, where it keeps what it was given");
  assert.deepEqual((await all(device)).items, items);
});

test("a store that gave wrong bytes is believed again once it gives the right ones, without a restart", async () => {
  const device = await org.device();
  await measure(device, 60);
  const { items } = await all(device);
  await round();
  await store.close();
  const wrong = new Forgetful(folder);
  store = await w.open({ cold: new ColdChunks({ storage: w.storage, store: wrong }), moving });
  await assert.rejects(all(device), { code: "seal.broken" });
  wrong.isMended = true;
  assert.deepEqual((await all(device)).items, items);
});

test("what two have brought at the same time counts once of what is kept for the next", async () => {
  const { scope } = await org.space();
  const places = await w.sql<{ object: number; at: number; length: number }>(
    `select object::int as object, object_at as at, object_length as length from holdfast.chunk
      where object is not null order by 1, 2 limit 20`,
  );
  const bytes = places.reduce((sum, { length }) => sum + length, 0);
  const disk = new Forgetful(folder);
  const cold = new ColdChunks({ storage: w.storage, store: disk, most: bytes });
  await Promise.all([cold.read(scope, places), cold.read(scope, places)]);
  const { reads } = disk;
  await cold.read(scope, places);
  assert.deepEqual([places.length, disk.reads], [20, reads]);
});

test("objects that nothing points to go: half written, of an erased device, and too old", async () => {
  const device = await org.device();
  await measure(device, 70);
  await round();
  // As a stop leaves them: written down and not there, there and not pointed to, and by nobody's hand.
  const scope = asPlatform((await org.space()).scope);
  await w.sql(
    "insert into holdfast.cold_object (org, id, name, month, state, bytes, live) values ($1, 900001, 'x/y/1', 0, 'writing', 1, 1)",
    [uuidOf(org.id)],
  );
  await objects.write("x/y/1", new Uint8Array(5));
  const stray = `${w.keyring.instance}/${uuidOf(newId("org", systemRandom))}/1-aa`;
  await objects.write(stray, new Uint8Array(5));
  await mkdir(path.join(folder, "others"), { recursive: true });
  await writeFile(path.join(folder, "others/file"), "not ours");
  await store.close();
  store = await open();
  await round();
  const here = files().map((file) => path.relative(folder, file));
  assert.ok(!here.includes("x/y/1") && !here.includes(stray) && here.includes("others/file"), here.join());
  await store.telemetry.erasures.ofDevice(await org.permit("device.erase", device));
  assert.deepEqual(await rowsOf(device, "true"), []);
  await round();
  const rows = await w.sql<{ name: string; live: number; held: string }>(
    `select o.name, o.live, (select coalesce(sum(c.object_length), 0) from holdfast.chunk c where c.object = o.id) as held
       from holdfast.cold_object o order by o.name collate "C"`,
  );
  assert.ok(rows.length > 0 && rows.every(({ live, held }) => live > 0 && live === Number(held)), JSON.stringify(rows));
  assert.deepEqual(
    files().map((file) => path.relative(folder, file)),
    [...rows.map(({ name }) => name), "others/file"],
  );
  const retention = new Retention({ ...w, retentions: store.telemetry.retentions });
  await retention.set(await org.permit("org.update", org.id), { keep: 20 });
  await round();
  await round();
  assert.deepEqual(files(), [path.join(folder, "others/file")]);
  assert.deepEqual(await w.storage.read(scope, (unit) => unit.query("select id from cold_object", [])), []);
});

test("nothing above was a fault of ours", () => {
  assert.deepEqual(w.reports, []);
});
