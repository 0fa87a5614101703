import assert from "node:assert/strict";
import { test } from "node:test";
import { systemTimers as timers } from "@holdfast/kernel";
import { Commands } from "./commands.ts";
import { Emitter } from "./emitter.ts";
import type { Journal } from "./journal.ts";
import { Spool } from "./spool.ts";
import { childTree } from "./topics.ts";

const limits = { entries: 100, bytes: 100_000, share: 0.1, whenFull: "wait" } as const;

const told = { dropped() {}, fault: (error: unknown) => assert.fail(String(error)) };

/** One whose records outlive it, as those of a file do. */
function kept(records: string[] = []): Journal {
  return {
    outlives: true,
    get size() {
      return records.length;
    },
    read: () => [...records],
    append: (record) => void records.push(record),
    sync: async () => {},
    rewrite: (anew) => void records.splice(0, records.length, ...anew),
    close: async () => {},
  };
}
function start(records: string[]) {
  const spool = new Spool(kept(records), limits, told);
  const commands = new Commands({ spool, emitter: new Emitter(), timers, owed: () => {} });
  const replies = () =>
    [...spool.queues("reply").values()].flatMap((queue) =>
      [...queue.values()].map((entry) => [entry.topic, entry.payload]),
    );
  return { spool, commands, replies };
}
const given = (id: string, again = false) => JSON.stringify({ id, name: "open", body: 1, expiresIn: 60_000, again });
const valve = `${childTree("valve")}commands/open`;
const interrupted = '{"error":"The device stopped while it ran this. Nobody knows how far it came."}';
const turns = () => new Promise((resolve) => setImmediate(resolve));

test("a child's command that a stop interrupted is answered in the child's name, and does not run again", async () => {
  const records: string[] = [];
  const before = start(records);
  before.commands.handle(valve, () => new Promise(() => {}));
  before.commands.take(valve, given("cmd_1"));
  await turns();
  let ran = 0;
  const after = start(records);
  after.commands.handle(valve, () => (ran += 1));
  assert.deepEqual(after.replies(), [["children/valve/replies/cmd_1", interrupted]]);
  after.commands.take(valve, given("cmd_1", true));
  await turns();
  assert.equal(ran, 0);
  assert.equal(after.replies().length, 1, "what is owed already is not owed twice");
});

test("a command that was begun before the package knew children is the device's own", () => {
  const { replies } = start([JSON.stringify(["begun", "cmd_1", 60_000])]);
  assert.deepEqual(replies(), [["me/replies/cmd_1", interrupted]]);
});

test("a command that ran comes again under the child's other name: it is answered by that, as before", async () => {
  const records: string[] = [];
  const { commands, spool, replies } = start(records);
  let ran = 0;
  commands.handle(valve, () => (ran += 1));
  commands.take(valve, given("cmd_1"));
  await turns();
  const owed = [...spool.queues("reply").values()].flatMap((queue) => [...queue.values()]);
  for (const entry of owed) spool.remove(entry);
  assert.deepEqual(replies(), []);
  commands.take(`${childTree("dev_1")}commands/open`, given("cmd_1", true));
  await turns();
  assert.deepEqual([ran, replies()], [1, [["children/dev_1/replies/cmd_1", '{"result":1}']]]);
  // And so it is after a start from what was written down, tidied or not.
  assert.deepEqual(start(records).replies(), replies());
  assert.deepEqual(start(records).replies(), replies());
});

test("without a journal that outlives it, what may have run before the start is not run", async () => {
  const spool = new Spool({ ...kept(), outlives: false }, limits, told);
  const commands = new Commands({ spool, emitter: new Emitter(), timers, owed: () => {} });
  let ran = 0;
  commands.handle(valve, () => (ran += 1));
  commands.take(valve, given("cmd_1", true));
  commands.take(valve, given("cmd_2"));
  await turns();
  assert.equal(ran, 1);
  const [first] = [...(spool.queues("reply").get(childTree("valve"))?.values() ?? [])];
  assert.match(first?.payload ?? "", /may have run before/);
});

test("a result that the platform would not take, since it is nested too deep, is answered as that", async () => {
  const { commands, replies } = start([]);
  let deep: unknown = 1;
  for (let n = 0; n < 64; n += 1) deep = [deep];
  commands.handle("me/commands/open", () => deep);
  commands.take("me/commands/open", given("cmd_1"));
  await turns();
  assert.deepEqual(replies(), [
    ["me/replies/cmd_1", '{"error":"The reply has more than 64 objects and arrays in each other."}'],
  ]);
});

test("whatever a handler throws or returns is a reply that the platform takes", async () => {
  const { commands, replies } = start([]);
  const topic = "me/commands/open";
  for (const [at, handler] of [
    () => {
      throw new Error("\u0000".repeat(100_000));
    },
    () => () => 1,
    () => undefined,
    () => {
      throw new Error(`${"x".repeat(1_999)}\u{1f6b0}${"x".repeat(10)}`);
    },
    () => {
      throw Object.create(null);
    },
  ].entries()) {
    commands.handle(topic, handler);
    commands.take(topic, given(`cmd_${at}`));
    await turns();
  }
  const texts = replies().map(([, payload = ""]) => payload);
  assert.ok(Buffer.byteLength(texts[0] ?? "") <= 16 * 1024);
  assert.ok((JSON.parse(texts[0] ?? "") as { error: string }).error.endsWith("\0…"));
  assert.deepEqual(texts.slice(1, 3), ['{"result":null}', '{"result":null}']);
  assert.ok(texts[3] !== undefined && !/\\ud83d"|\\ud83d…/.test(texts[3]), "no character is cut in two");
  assert.equal(texts[4], '{"error":"It threw what has no words."}');
  commands.end();
});
