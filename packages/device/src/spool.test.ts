import assert from "node:assert/strict";
import { test } from "node:test";
import { DeviceError } from "./failure.ts";
import { noJournal, type Journal } from "./journal.ts";
import type { Limits } from "./room.ts";
import { Spool } from "./spool.ts";
import { replies, telemetry, type Lane } from "./topics.ts";

const none = () => false;
const entriesOf = (spool: Spool, lane: Lane) =>
  [...spool.queues(lane).values()].flatMap((queue) => [...queue.values()]);
const payloads = (spool: Spool) => entriesOf(spool, "telemetry").map(({ payload }) => payload);

test("one that is full refuses, waits in order, or drops the oldest measurement and counts it; never what is under way, nor a reply", async () => {
  const two = (whenFull: Limits["whenFull"], dropped: string[] = []) =>
    new Spool(
      noJournal,
      { entries: 2, bytes: 10_000, share: 1, whenFull },
      { dropped: ({ payload }) => void dropped.push(payload), fault: (error) => assert.fail(String(error)) },
    );
  const refusing = two("refuse");
  for (const text of ["1", "2"]) await refusing.keep(telemetry, text, none);
  await assert.rejects(refusing.keep(telemetry, "3", none), { code: "spool.full" });
  await assert.rejects(refusing.keep(telemetry, "x".repeat(10_000), none), { code: "spool.tooLarge" });
  refusing.finish("cmd_1", "{}");
  assert.deepEqual(
    entriesOf(refusing, "reply").map(({ topic }) => topic),
    [`${replies}cmd_1`],
  );

  const waiting = two("wait");
  const kept: string[] = [];
  const all = ["1", "2", "3", "4"].map(async (text) => kept.push((await waiting.keep(telemetry, text, none)).payload));
  await Promise.all(all.slice(0, 2));
  assert.deepEqual(kept, ["1", "2"]);
  for (const entry of entriesOf(waiting, "telemetry")) waiting.remove(entry);
  await Promise.all(all);
  assert.deepEqual(
    [kept, payloads(waiting)],
    [
      ["1", "2", "3", "4"],
      ["3", "4"],
    ],
  );
  const late = waiting.keep(telemetry, "5", none);
  await Promise.all([assert.rejects(late, { code: "device.closed" }), waiting.close()]);

  const dropped: string[] = [];
  const dropping = two("dropOldest", dropped);
  for (const text of ["1", "2"]) await dropping.keep(telemetry, text, none);
  await dropping.keep(telemetry, "3", ({ payload }) => payload === "1");
  assert.deepEqual([payloads(dropping), dropped, dropping.dropped], [["1", "3"], ["2"], 1]);
  await assert.rejects(
    dropping.keep(telemetry, "4", () => true),
    { code: "spool.full" },
  );
});

/** A journal on a disk that may be full. */
function onDisk(records: string[] = []) {
  const disk = { hasRoom: true, isSound: true, isOpen: true, rewritten: 0 };
  const check = (isWell: boolean) => {
    if (!isWell) throw new Error("the disk does not take this");
  };
  const journal: Journal = {
    outlives: true,
    get size() {
      return records.join("").length;
    },
    read: () => [...records],
    append(record) {
      check(disk.hasRoom);
      records.push(record);
    },
    sync: async () => check(disk.isSound),
    rewrite(anew) {
      disk.rewritten += 1;
      check(disk.hasRoom);
      records.splice(0, records.length, ...anew);
    },
    close: async () => void (disk.isOpen = false),
  };
  const faults: unknown[] = [];
  const limits = { entries: 1_000, bytes: 1_000_000, share: 1, whenFull: "refuse" } as const;
  const spool = new Spool(journal, limits, { dropped() {}, fault: (error) => void faults.push(error) });
  return { spool, disk, faults, records };
}
const codesOf = (errors: readonly unknown[]) =>
  errors.map((error) => (error instanceof DeviceError ? error.code : String(error)));

test("a journal that cannot be written anew is tried a few times and not at each message, tells it as a fault, and is small in the end", async () => {
  const records: string[] = [];
  const { spool: before } = onDisk(records);
  for (let n = 0; n < 400; n += 1) await before.keep(telemetry, "x".repeat(1_000), none);
  for (const entry of entriesOf(before, "telemetry").slice(0, 200)) before.remove(entry);
  // So that most of it is over when it is opened.
  for (const entry of entriesOf(before, "telemetry").slice(0, 180))
    records.push(JSON.stringify(["gone", entry.number]));
  records.unshift(...Array.from({ length: 400 }, () => JSON.stringify(["over", "x".repeat(1_000)])));
  const { spool, disk, faults } = onDisk(records);
  disk.hasRoom = false;
  for (const entry of entriesOf(spool, "telemetry").slice(0, 19)) spool.remove(entry);
  assert.ok(disk.rewritten > 1 && disk.rewritten < 6, `${disk.rewritten} times`);
  assert.deepEqual(new Set(codesOf(faults)), new Set(["spool.behind", "spool.untidied"]));
  disk.hasRoom = true;
  for (const entry of entriesOf(spool, "telemetry")) spool.remove(entry);
  spool.tidy();
  assert.deepEqual(records, []);
});

test("a spool is closed also where the disk does not confirm the last of it, and what is acknowledged then is no fault", async () => {
  const { spool, disk, faults } = onDisk();
  const entry = await spool.keep(telemetry, "1", none);
  disk.isSound = false;
  await assert.rejects(spool.sync(), { code: "spool.unsynced" });
  await assert.rejects(spool.close(), { code: "spool.unsynced" });
  assert.equal(disk.isOpen, false);
  spool.remove(entry);
  assert.deepEqual(faults, []);
  assert.throws(() => spool.finish("cmd_1", "{}"), { code: "device.closed" });
});
