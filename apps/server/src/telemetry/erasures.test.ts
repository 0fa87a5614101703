import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, systemRandom, uuidOf, type Id } from "@holdfast/kernel";
import { asPlatform } from "../authority/index.ts";
import { atEnd } from "../testing/index.ts";
import { ChunkSeal } from "./sealing.ts";
import { world } from "./store.fixture.ts";

const w = await world(atEnd);
const org = await w.org();
let store = await w.open();
const { scope } = await org.space();
const minute = 60_000;

async function measure(device: Id<"device">, count: number, value: number): Promise<void> {
  w.clock.move(minute);
  const body = Array.from({ length: count }, (_, at) => ({ time: w.clock.now() - at * 1_000, values: { n: value } }));
  assert.equal(await store.say(org, device, body), 0);
}
const shown = async (device: Id<"device">) => {
  const { items } = await store.points(org, device, "n");
  return [...new Set(items.map(([, value]) => Number(value)))].sort((a, b) => a - b);
};
const chunksOf = (device: Id<"device">) =>
  w.sql(
    "select c.* from holdfast.chunk c join holdfast.series s on s.org = c.org and s.id = c.series where s.device = $1",
    [uuidOf(device)],
  );
const give = (device: Id<"device">, user: Id<"user"> | undefined) =>
  w.storage.note(asPlatform(scope), (unit) => store.telemetry.erasures.turn(unit, device, user));
/** As an older backup of the database has it. */
const putBack = async (rows: readonly Record<string, unknown>[]) => {
  for (const row of rows) {
    const names = Object.keys(row);
    await w.sql(
      `insert into holdfast.chunk (${names.join()}) values (${names.map((_, at) => `$${at + 1}`).join()})`,
      Object.values(row),
    );
  }
};

test("what a device measured is shown to nobody once it is erased, and opens nowhere: not in chunks, not in the log, not in a backup", async () => {
  const [device, beside] = [await org.device(), await org.device()];
  await measure(device, 600, 1);
  await measure(beside, 600, 1);
  await store.telemetry.compact();
  await measure(device, 20, 2);
  await measure(beside, 20, 2);
  const before = await chunksOf(device);
  const log = await w.sql<{ segment: string }>("select segment from holdfast.log");
  assert.ok(before.length > 0 && log.length > 0);
  const erasing = store.telemetry.erasures.ofDevice(await org.permit("device.erase", device));
  assert.equal((await erasing).points, 600);
  assert.deepEqual(await shown(device), []);
  assert.deepEqual(await store.latest(org, device), {});
  assert.deepEqual(await store.aggregate(org, device, "n", { every: 86_400_000, aggregates: ["count"] }), []);
  assert.deepEqual(await shown(beside), [1, 2]);

  // The key, and those of every segment that it was in.
  assert.equal(await w.keyring.find("device", device), undefined);
  const unsealing = ChunkSeal.of({ keys: w.keyring, random: systemRandom }, scope.org, device, 0);
  await assert.rejects(unsealing, { code: "device.erased" });
  const segments = [...new Set(log.map(({ segment }) => segment))];
  assert.deepEqual(await w.keyring.holding("segment", segments), []);
  assert.deepEqual(await w.sql("select from holdfast.log where segment = any($1::bigint[])", [segments]), []);
  assert.deepEqual(await chunksOf(device), []);
  await putBack(before);
  assert.deepEqual(await shown(device), []);
  await w.sql("delete from holdfast.chunk c using holdfast.series s where s.id = c.series and s.device = $1", [
    uuidOf(device),
  ]);

  // It goes on, also after a start.
  await measure(device, 10, 3);
  assert.deepEqual(await shown(device), [3]);
  await store.close();
  store = await w.open();
  assert.deepEqual(await shown(device), [3]);
  await store.telemetry.compact();
  await measure(device, 10, 4);
  await store.telemetry.compact();
  assert.deepEqual(await shown(device), [3, 4]);
  assert.deepEqual(await shown(beside), [1, 2]);
});

test("what devices measured while they were a customer's is erased, and what they did before and after stays", async () => {
  const [device, other] = [await org.device(), await org.device()];
  const [she, he] = [newId("user", systemRandom), newId("user", systemRandom)];
  await measure(device, 30, 1);
  await give(device, she);
  await measure(device, 30, 2);
  await measure(other, 30, 2);
  await give(device, he);
  await measure(device, 30, 3);
  await store.telemetry.compact();
  await give(other, she);
  await measure(other, 30, 4);
  assert.deepEqual(
    [await shown(device), await shown(other)],
    [
      [1, 2, 3],
      [2, 4],
    ],
  );
  const application = (await org.space()).device(device)?.application;
  assert.ok(application);
  const permit = await org.permit("applicationUser.erase", application);
  await store.telemetry.erasures.ofUser(permit, she);
  assert.deepEqual([await shown(device), await shown(other)], [[1, 3], [2]]);
  // Also where hers was the newest, in chunks or not in any yet.
  assert.deepEqual((await store.latest(org, other))["n"]?.[1], 2);
  // She keeps the other one.
  await measure(other, 30, 5);
  await store.close();
  store = await w.open();
  await store.telemetry.compact();
  assert.deepEqual(
    [await shown(device), await shown(other)],
    [
      [1, 3],
      [2, 5],
    ],
  );
  await store.telemetry.erasures.ofUser(permit, she);
  assert.deepEqual([await shown(device), await shown(other)], [[1, 3], [2]]);
});

test("a database from before an erasure is put right at the start: what it has of the device is gone again, and the device goes on", async () => {
  const device = await org.device();
  await measure(device, 600, 1);
  await store.telemetry.compact();
  const before = await chunksOf(device);
  await store.telemetry.erasures.ofDevice(await org.permit("device.erase", device));
  await store.close();
  await w.sql("delete from holdfast.owner_period where device = $1", [uuidOf(device)]);
  await putBack(before);
  store = await w.open();
  assert.match(w.reports.splice(0).join(), /readings of 1 devices that were erased/);
  assert.deepEqual(await chunksOf(device), []);
  await measure(device, 10, 2);
  await store.telemetry.compact();
  assert.deepEqual(await shown(device), [2]);
});

test("an erasure that a stop cut short is finished at the next start", async () => {
  const device = await org.device();
  await measure(device, 600, 1);
  await store.telemetry.compact();
  await measure(device, 20, 2);
  // Written down, and nothing more.
  const { erase } = w.keyring;
  w.keyring.erase = () => Promise.reject(new Error("the process ends here"));
  await assert.rejects(store.telemetry.erasures.ofDevice(await org.permit("device.erase", device)), /ends here/);
  assert.deepEqual(await shown(device), []);
  assert.equal((await chunksOf(device)).length, 1);
  w.keyring.erase = erase;
  await store.close();
  store = await w.open();
  assert.deepEqual(await chunksOf(device), []);
  assert.deepEqual(await shown(device), []);
  assert.equal(await w.keyring.find("device", device), undefined);
});

test("nothing above was a fault of ours", () => {
  assert.deepEqual(w.reports, []);
});
