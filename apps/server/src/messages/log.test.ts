import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { Broker } from "@holdfast/mqtt";
import type { About, Instant } from "@holdfast/kernel";
import { until, world } from "../telemetry/store.fixture.ts";
import { TestClock } from "../testing/index.ts";
import { MessageLog } from "./log.ts";
import { Presences } from "./presences.ts";
import { timeOf } from "./time.ts";

const kilobyte = 1024;

/** The log of one organisation in a real database, and a broker that nobody connects to: what it retains is all that it has to keep. */
async function logOf(t: TestContext, freeBytes = () => 1_000) {
  const clock = new TestClock();
  const reserve = { bytes: 500, freeBytes: async () => freeBytes() };
  const w = await world(t, { clock, storage: { timers: clock, reserve } });
  const org = await w.org();
  const { telemetry } = await w.open();
  const reports: { message: string; code: unknown }[] = [];
  const report = (message: string, about?: About) => void reports.push({ message, code: about?.code });
  const presences = await Presences.open({ storage: w.storage, clock, timers: clock, report, lastKnown: 0 as Instant });

  /** As after a start. */
  async function start() {
    const log = await MessageLog.open({ storage: w.storage, spaces: w.spaces, telemetry, presences, clock, report });
    const broker = new Broker({
      policy: {
        connect: async () => ({ turnedAway: 0x87 }),
        renew: () => ({ end: 0x98 }),
        revive: () => ({ end: 0x98 }),
        accept: () => 0x87,
      },
      journal: log,
      time: timeOf(clock, clock),
      newClientId: () => "assigned",
      reportFault: (fault) => assert.fail(String(fault)),
    });
    log.serve(broker);
    t.after(() => log.close());
    w.spaces.forget(org.id);
    const space = await org.space();
    await log.ready(space);
    const settled = () => new Promise<number>((resolve) => telemetry.record(space, undefined, resolve));
    const retain = async (topic: string, bytes: number) => {
      broker.publish(space, { topic, payload: Buffer.alloc(bytes, "x"), qos: 1, retain: true });
      await settled();
    };
    const record = (bytes: Uint8Array) => new Promise<number>((resolve) => telemetry.record(space, bytes, resolve));
    return { log, broker, space, retain, record };
  }

  const rows = async () =>
    w.sql<{ pos: number; bytes: number }>(
      "select pos::float8 as pos, octet_length(body) as bytes from holdfast.message_log order by pos",
    );
  const bytes = async () => (await rows()).reduce((sum, row) => sum + row.bytes, 0);
  return { w, clock, reports, start, rows, bytes };
}

test("rows that were altered or come from a newer version are left out, told, and stay when the rest is written anew", async (t) => {
  const { w, reports, start, rows, bytes } = await logOf(t);
  const first = await start();
  await first.retain("a", 10);
  await first.record(Uint8Array.of(2, 1, 1, 1));
  await first.retain("lost", 10);
  await first.retain("b", 10);
  const [, newer, altered] = await rows();
  assert.ok(newer && altered);
  await w.sql(
    `update holdfast.message_log set body = set_byte(body, 40, 255 - get_byte(body, 40)) where pos = ${altered.pos}`,
  );

  const { broker, retain } = await start();
  assert.equal(broker.statistics.retained, 2);
  assert.deepEqual(
    reports.splice(0).map(({ message, code }) => [/\(the first at (\d+)\)/.exec(message)?.[1], code]),
    [
      [`${altered.pos}`, "seal.broken"],
      [`${newer.pos}`, "storage.newer"],
    ],
  );
  for (let n = 0; n < 15; n += 1) await retain("c", 100 * kilobyte);
  await until(async () => (await bytes()) < 1_000 * kilobyte);
  const left = new Set((await rows()).map(({ pos }) => pos));
  assert.ok(left.has(newer.pos) && left.has(altered.pos));
  assert.deepEqual(reports, []);
  const again = await start();
  assert.equal(again.broker.statistics.retained, 3);
});

test("a log whose rows cannot be removed is written anew when it has doubled, not with each record", async (t) => {
  const { w, reports, start, bytes } = await logOf(t);
  const { retain } = await start();
  await w.sql(`create function holdfast.never() returns trigger language plpgsql as
    $$ begin raise exception 'not now'; end $$`);
  await w.sql("create trigger never before delete on holdfast.message_log execute function holdfast.never()");
  // An attempt that takes longer begins the next one later.
  let written = 0;
  for (; written < 60 || (reports.length < 2 && written < 400); written += 1) await retain("a", 200 * kilobyte);
  await until(() => reports.length >= 2);
  assert.ok(reports.length <= 5, `${reports.length} times`);
  for (const { message } of reports) assert.match(message, /could not be written anew, and goes on/);
  await w.sql("drop trigger never on holdfast.message_log");
  // The last attempt may have failed behind all of them: twice as much has to come.
  for (let n = 0; n < 1.5 * written; n += 1) await retain("a", 200 * kilobyte);
  await retain("b", 1);
  await until(async () => (await bytes()) < 6_000 * kilobyte);
  assert.equal((await start()).broker.statistics.retained, 2);
});

test("a log of which most is still true is not written anew because the platform was started", async (t) => {
  const { start, rows, bytes } = await logOf(t);
  const first = await start();
  for (let n = 0; n < 15; n += 1) await first.retain(`a${n}`, 100 * kilobyte);
  await first.log.close(); // what it is writing down anew comes to its end, and adds no rows below
  const { retain } = await start();
  const whole = (await rows()).length;
  await retain("b", 1);
  await retain("b", 2);
  await start();
  assert.equal((await rows()).length, whole + 2);
  const { retain: retainMore } = await start();
  // What the process before was still writing when this one read is not counted: half a megabyte at most.
  for (let n = 0; n < 18; n += 1) await retainMore("c", 100 * kilobyte);
  let more = 0;
  for (; (await bytes()) >= 2_700 * kilobyte; more += 1) {
    assert.ok(more < 20, "it is never written anew");
    await retainMore("c", 100 * kilobyte);
    await new Promise((resolve) => setTimeout(resolve, 200)); // it is written anew behind what comes
  }
  assert.equal((await start()).broker.statistics.retained, 17);
});

test("on a full disk the log takes what ends something, nothing that would last and no picture of the whole, which is written when there is room", async (t) => {
  let free = 1_000;
  const { clock, reports, start, rows, bytes } = await logOf(t, () => free);
  const { log, broker, retain, record } = await start();
  await retain("a", 10);
  free = 100;
  clock.move(1_000);
  await until(() => log.whyFull() !== undefined);
  assert.match(log.whyFull() ?? "", /^The disk is almost full/);
  const before = await rows();
  await retain("b", 10);
  assert.equal(broker.statistics.publishesNotKept, 1);
  assert.deepEqual(await rows(), before);
  const done = Uint8Array.of(1, 11, 99, 99, 9); // that a message which nobody knows is not owed any more
  for (let n = 0; n < 20; n += 1)
    assert.equal(await record(Buffer.concat([done, ...Array(20_000).fill(done.subarray(1))])), 0);
  assert.ok((await bytes()) > 1_500 * kilobyte);
  assert.equal((await rows()).length, before.length + 20);
  assert.deepEqual(reports, []);

  free = 1_000;
  clock.move(1_000);
  await until(() => log.whyFull() === undefined);
  await retain("b", 10);
  await until(async () => (await bytes()) < 10 * kilobyte);
  assert.equal((await start()).broker.statistics.retained, 2);
  assert.deepEqual(reports, []);
});
