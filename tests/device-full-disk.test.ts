import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync } from "node:fs";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { Device, DeviceError } from "@holdfast/device";
import { openIdentity, openJournal } from "@holdfast/device/node";
import { Commands, Emitter, Spool, telemetry, type Limits } from "@holdfast/device/testing";
import { systemTimers as timers } from "@holdfast/kernel";
import { Disk } from "./faults/disk.ts";

const limits: Limits = { entries: 1_000, bytes: 1_000_000, share: 1, whenFull: "refuse" };
const topic = "me/commands/open";
const none = () => false;
const turns = () => new Promise((resolve) => setImmediate(resolve));
/** The disk takes the time that it takes. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await turns();
}
const entriesOf = (spool: Spool, lane: "reply" | "telemetry") => [...(spool.queues(lane).get("me/")?.values() ?? [])];
const payloads = (spool: Spool, lane: "reply" | "telemetry" = "telemetry") =>
  entriesOf(spool, lane).map(({ payload }) => payload);
const codesOf = (errors: readonly unknown[]) =>
  errors.map((error) => (error instanceof DeviceError ? error.code : error));

/** A test on a disk of one megabyte, with room at its beginning. */
function onDisk(name: string, run: (disk: Disk, file: string, t: TestContext) => Promise<void>): void {
  test(name, async (t) => {
    const disk = Disk.make(1);
    if (typeof disk === "string") return t.skip(disk);
    const folder = path.join(disk.folder, "spool");
    mkdirSync(folder);
    try {
      await run(disk, path.join(folder, "spool"), t);
    } finally {
      t.after(() => disk.close()); // after what is open there
    }
  });
}

function open(file: string, secret: string | string[] = "secret", more: Partial<Limits> = {}) {
  const faults: unknown[] = [];
  const dropped: string[] = [];
  const spool = new Spool(
    openJournal({ file, secret }),
    { ...limits, ...more },
    {
      dropped: ({ payload }) => void dropped.push(payload),
      fault: (error) => void faults.push(error),
    },
  );
  return { spool, faults, dropped };
}

/** To the last byte of its last block, too: what is written then is not. */
async function fill(full: Disk, spool: Spool): Promise<readonly string[]> {
  full.fillTo(0);
  await assert.rejects(
    async () => {
      for (;;) await spool.keep(telemetry, "-", none);
    },
    { code: "spool.unwritable" },
  );
  return payloads(spool);
}

function start(file: string) {
  const opened = open(file);
  const { spool } = opened;
  let ran = 0;
  const over = Promise.withResolvers<string>();
  let owed = 0;
  const commands = new Commands({ spool, emitter: new Emitter(), timers, owed: () => (owed += 1) });
  commands.handle(topic, () => {
    ran += 1;
    return over.promise;
  });
  const take = (again: boolean) =>
    commands.take(topic, JSON.stringify({ id: "cmd_1", name: "open", body: 1, expiresIn: 60_000, again }));
  return { ...opened, commands, take, over, ran: () => ran, owed: () => owed };
}

onDisk(
  "a spool of more than half of its disk opens where there is no room left, also behind a record that a kill cut short",
  async (full, file, t) => {
    const { spool } = open(file);
    for (let n = 0; n < 60; n += 1) await spool.keep(telemetry, `${n} ${"x".repeat(10_000)}`, none);
    const kept = payloads(spool);
    await spool.close();
    truncateSync(file, statSync(file).size - 10);
    full.fillTo(0);
    const { spool: again, faults } = open(file);
    assert.deepEqual(payloads(again), kept.slice(0, -1));
    // The first goes, whether that can be written or not; nothing new is kept.
    const all = await fill(full, again);
    const [first] = entriesOf(again, "telemetry");
    again.remove(first ?? assert.fail());
    assert.deepEqual(payloads(again), all.slice(1));
    await assert.rejects(again.keep(telemetry, "lost", none), { code: "spool.unwritable" });
    assert.deepEqual(codesOf(faults), ["spool.behind"]);
    // There is room again, and what was not written is.
    full.free();
    await again.keep(telemetry, "last", none);
    await again.close();
    const { spool: after } = open(file);
    t.after(() => after.close());
    assert.deepEqual(payloads(after), [...all.slice(1), "last"]);
    assert.equal(existsSync(`${file}.damaged`), false);
  },
);

onDisk(
  "a spool that must be written to be opened says so on a full disk, leaves the file as it is, and locks nobody out",
  async (full, file) => {
    const { spool } = open(file, "former");
    for (let n = 0; n < 60; n += 1) await spool.keep(telemetry, "x".repeat(10_000), none);
    await spool.close();
    const before = readFileSync(file);
    full.fillTo(0);
    for (const place of [file, `${file}-new`])
      assert.throws(
        () => open(place, ["next", "former"]),
        (error) =>
          error instanceof DeviceError && error.code === "spool.unopened" && /ENOSPC/.test(String(error.cause)),
      );
    assert.deepEqual(readFileSync(file), before);
    assert.deepEqual(readdirSync(path.dirname(file)), ["spool"]);
    full.free();
    full.fillTo(0);
    const { spool: asBefore } = open(file, ["former", "next"]);
    assert.equal(payloads(asBefore).length, 60);
    await asBefore.close();
  },
);

onDisk(
  "the outcome of a command that ends on a full disk is replied at once, and written once there is room; it runs once",
  async (full, file, t) => {
    const { spool, commands, take, over, ran, owed, faults } = start(file);
    take(false);
    await until(() => ran() === 1);
    const kept = await fill(full, spool);
    over.resolve("done");
    await until(() => owed() === 1);
    assert.deepEqual([payloads(spool, "reply"), owed(), codesOf(faults)], [['{"result":"done"}'], 1, ["spool.behind"]]);
    for (const entry of entriesOf(spool, "reply")) spool.remove(entry);
    take(true);
    await turns();
    assert.deepEqual([ran(), payloads(spool, "reply")], [1, ['{"result":"done"}']], "the same reply again");
    for (const entry of entriesOf(spool, "reply")) spool.remove(entry);
    assert.deepEqual(codesOf(faults), ["spool.behind"], "told once");

    full.free();
    await spool.keep(telemetry, "last", none);
    commands.end();
    await spool.close();
    const after = start(file);
    t.after(() => after.spool.close());
    assert.deepEqual(payloads(after.spool), [...kept, "last"]);
    assert.deepEqual(payloads(after.spool, "reply"), [], "what was sent is not sent again");
    after.take(true);
    await turns();
    assert.deepEqual([after.ran(), payloads(after.spool, "reply")], [0, ['{"result":"done"}']]);
    after.commands.end();
  },
);

onDisk(
  "over a restart on a full disk a command that ran is answered as interrupted, and does not run again",
  async (full, file, t) => {
    const { spool, commands, take, over, ran, owed } = start(file);
    take(false);
    await until(() => ran() === 1);
    await fill(full, spool);
    over.resolve("done");
    await until(() => owed() === 1);
    commands.end();
    await assert.rejects(spool.close(), { code: "spool.behind" });
    assert.deepEqual(readdirSync(path.dirname(file)), ["spool"], "its lock is gone all the same");

    const after = start(file);
    t.after(async () => {
      full.free();
      await after.spool.close();
    });
    assert.match(
      payloads(after.spool, "reply").join("\n"),
      /^\{"error":"The device stopped while it ran this\.[^\n]*$/,
    );
    after.take(true);
    await turns();
    assert.equal(after.ran(), 0);
    after.commands.end();
  },
);

onDisk(
  "a command that comes on a full disk does not run, and is answered so; the next one runs",
  async (full, file, t) => {
    const { spool, commands, take, over, ran, owed } = start(file);
    t.after(() => spool.close());
    await fill(full, spool);
    over.resolve("done");
    take(false);
    take(true);
    await turns();
    assert.match(payloads(spool, "reply").join("\n"), /^\{"error":"The device did not run this: [^\n]*$/);
    assert.deepEqual([ran(), owed()], [0, 2]);
    full.free();
    commands.take(topic, JSON.stringify({ id: "cmd_2", name: "open", body: 1, expiresIn: 60_000, again: false }));
    await until(() => owed() === 3);
    assert.deepEqual([ran(), payloads(spool, "reply")[1]], [1, '{"result":"done"}']);
    commands.end();
  },
);

onDisk(
  "the outcome of a task on a full disk is said at once, and written once there is room",
  async (full, file, t) => {
    const { spool, faults } = open(file);
    await fill(full, spool);
    const outcome = spool.owe("groups/crew/tasks/answer", '{"result":1}');
    const waiting = (one: Spool) => [...one.queues("reply").values()].flatMap((queue) => [...queue.values()]);
    assert.deepEqual([waiting(spool), codesOf(faults)], [[outcome], ["spool.behind"]]);
    full.free();
    await spool.close();
    const { spool: after } = open(file);
    t.after(() => after.close());
    assert.deepEqual(waiting(after), [outcome]);
  },
);

onDisk("an identity that has no room is refused by name, and leaves nothing behind", async (full, file) => {
  full.fillTo(0);
  const folder = path.dirname(file);
  const key = { id: "key", secret: "secret" };
  await assert.rejects(openIdentity({ url: "https://127.0.0.1:1", file, key }), { code: "place.unwritable" });
  assert.deepEqual(readdirSync(folder), []);
  full.free();
});

onDisk(
  "a device whose command was interrupted starts on a full disk, and whoever listens hears what is wrong",
  async (full, file) => {
    const { spool, commands, take, ran } = start(file);
    take(false);
    await until(() => ran() === 1);
    await fill(full, spool);
    commands.end();
    await spool.close();
    const device = Device.connect({
      url: "mqtts://127.0.0.1:1", // nobody
      key: { id: "key", secret: "secret" },
      journal: openJournal({ file, secret: "secret" }),
    });
    const faults: unknown[] = [];
    device.on("fault", (error) => faults.push(error));
    await turns();
    assert.deepEqual(codesOf(faults), ["spool.behind"]);
    await assert.rejects(device.keep({ n: 1 }), { code: "spool.unwritable" });
    full.free();
    await device.keep({ n: 2 });
    await device.close();
    assert.deepEqual(codesOf(faults), ["spool.behind"]);
  },
);

onDisk("what makes room in a full spool is told and counted where it cannot be written, too", async (full, file) => {
  const { spool, dropped } = open(file, "secret", { bytes: 30_000, whenFull: "dropOldest" });
  for (const text of ["1", "2", "3"]) await spool.keep(telemetry, text.repeat(5_000), none);
  const kept = await fill(full, spool);
  await assert.rejects(spool.keep(telemetry, "x".repeat(29_000), none), { code: "spool.unwritable" });
  assert.deepEqual([...dropped, ...payloads(spool)], kept);
  assert.ok(dropped.length > 3);
  assert.equal(spool.dropped, dropped.length);
  full.free();
  await spool.close();
});
