import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:tls";
import { test, type TestContext } from "node:test";
import { selfSigned } from "@holdfast/client/testing";
import { Device, type DeviceError, type Group, type Task } from "@holdfast/device";
import { Broker, systemTime, type Gate, type Publication } from "@holdfast/mqtt";
import { TestClock } from "../apps/server/src/testing/index.ts";
import { eventually } from "./messages.fixture.ts";

// What a device makes of a platform that answers nonsense, too much, again, late or not at all: packages/mqtt, which says what the test wants.
type Said = { readonly verb: string; readonly body: Record<string, unknown>; readonly mark: string | undefined };
type Answer = { readonly text: string; readonly mark?: string };
const localhost = selfSigned();

async function start(t: TestContext, { denied = "" } = {}) {
  const said: Said[] = [];
  let answersTo: (said: Said) => { code?: number; answers?: readonly Answer[] } = () => ({});
  const gate: Gate = {
    cell: { epoch: 0 },
    epoch: 0,
    publish: () => 0,
    subscribe: (filter) => (filter === denied ? 0x87 : 0),
    receive: () => true,
  };
  const accept = (_: undefined, publication: Publication) => {
    const [, , , verb = ""] = publication.topic.split("/");
    const { correlationData } = publication.properties;
    const mark = correlationData && new TextDecoder().decode(correlationData);
    const about = { verb, body: JSON.parse(new TextDecoder().decode(publication.payload)) as Said["body"], mark };
    said.push(about);
    const { code = 0, answers = [] } = answersTo(about);
    for (const { text, mark: of = mark } of answers) tell("me/tasks/grp_1", text, of);
    if (code === 0) publication.settle(0);
    return code;
  };
  const broker = new Broker<undefined>({
    policy: {
      connect: () => ({ space: "all", principal: "device", gate, context: undefined }),
      renew: () => gate,
      accept,
    },
    time: systemTime,
    newClientId: () => "device",
    reportFault: (fault) => assert.fail(String(fault)),
  });
  const tell = (topic: string, text: string, mark?: string) => {
    const properties = mark === undefined ? {} : { correlationData: new TextEncoder().encode(mark) };
    const payload = new TextEncoder().encode(text);
    broker.offer("all", { topic, payload, qos: 1, retain: false, properties }).settle(0);
  };
  const server = createServer(localhost, (socket) =>
    broker.accept(socket, { remoteAddress: "", secure: true, name: "mqtts" }),
  ).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // it listens
  const timers = new TestClock();
  const url = `mqtts://localhost:${port}`;
  const device = Device.connect(
    { url, ca: localhost.cert, key: { id: "key_1", secret: "s" } },
    { timers, clock: timers },
  );
  const faults: (string | undefined)[] = [];
  device.on("fault", (error) => faults.push((error as Partial<DeviceError>).code));
  t.after(async () => {
    await device.close();
    server.close();
    await broker.close();
  });
  await device.online();
  const asked = (verb: string) => said.filter((one) => one.verb === verb);
  const wasAsked = (verb: string, times: number) =>
    eventually(
      () => asked(verb).length === times,
      () => JSON.stringify(said),
    );
  return {
    device,
    group: device.group("crew"),
    timers,
    faults,
    asked,
    wasAsked,
    tell,
    answer: (to: typeof answersTo) => void (answersTo = to),
  };
}

const good = { id: "tsk_1", name: "dig", lease: 1, seconds: 60 };
const textOf = (answer: unknown) => ({ text: JSON.stringify(answer) });
const codeOf = (task: Task | undefined) => (task?.signal.reason as DeviceError | undefined)?.code;
async function one(group: Group, seconds = 60): Promise<Task> {
  const [task] = await group.lease({ seconds });
  return task ?? assert.fail();
}

test("an answer of the board that is none is told, costs neither connection nor process, and the next one is understood", async (t) => {
  const { device, group, answer, tell, faults, asked } = await start(t);
  const nonsense = [
    "{",
    "null",
    "[]",
    "1",
    "{}",
    '{"leased":null}',
    '{"leased":[null]}',
    '{"leased":[{}]}',
    ...[{ id: 1 }, { name: null }, { lease: "1" }, { lease: 1.5 }, { seconds: "60" }, { seconds: -1 }].map((wrong) =>
      JSON.stringify({ leased: [{ ...good, ...wrong }] }),
    ),
    JSON.stringify({ leased: [good, { ...good, id: 2 }] }),
  ];
  for (const text of nonsense) {
    answer(() => ({ answers: [{ text }] }));
    await assert.rejects(group.lease(), { code: "board.malformed" }, text);
  }
  // Of somebody else's asking, and of nobody's.
  answer(() => ({ answers: [{ ...textOf({ leased: [good] }), mark: "other" }, textOf({ leased: [] })] }));
  assert.deepEqual(await group.lease(), []);
  tell("me/tasks/grp_1", "{");
  // Again, as a message of QoS 1 may come.
  answer(() => ({ answers: [textOf({ leased: [good, good] }), textOf({ leased: [good] })] }));
  const leased = await group.lease({ count: 2 });
  assert.deepEqual(
    leased.map(({ id, body }) => [id, body]),
    [["tsk_1", null]],
  );
  await leased[0]?.finish(1);
  assert.deepEqual(
    asked("answer").map(({ body }) => body),
    [{ task: "tsk_1", lease: 1, result: 1 }],
  );
  assert.deepEqual([device.isOnline, faults], [true, []]);
});

test("a lease is believed for no longer than was asked for, and ends here before it ends there where renewals are not answered, or wrongly", async (t) => {
  const { device, group, answer, timers, wasAsked, asked, faults } = await start(t);
  const wrong = [undefined, {}, null, { ...good, id: "tsk_2" }, { ...good, lease: 2 }, { ...good, seconds: "x" }];
  for (const [n, renewed] of wrong.entries()) {
    const before = asked("renew").length;
    answer(({ verb }) => {
      if (verb === "lease") return { answers: [textOf({ leased: [{ ...good, seconds: 1e9 }] })] };
      return { answers: verb === "renew" && n > 0 ? [textOf({ renewed })] : [] };
    });
    const task = await one(group);
    timers.move(20_000);
    await wasAsked("renew", before + 1);
    await device.send({ n }); // acknowledged behind the answer: that has been heard
    timers.move(33_999);
    assert.equal(task.signal.aborted, false);
    timers.move(1);
    assert.equal(codeOf(task), "task.lost", JSON.stringify(renewed));
    await assert.rejects(task.finish(1), { code: "task.lost" });
  }
  // The last has nobody who would say how long: it is as long as the platform takes to notice that we are gone.
  answer(({ verb }) => ({ answers: verb === "lease" ? [textOf({ leased: [{ ...good, seconds: 3_600 }] })] : [] }));
  const long = await one(group, 3_600);
  timers.move(98_999);
  assert.equal(long.signal.aborted, false);
  timers.move(1);
  assert.equal(codeOf(long), "task.lost");
  assert.deepEqual(faults, []);
});

test("a lease counts from when it was asked for, however late the answer comes", async (t) => {
  const { group, timers, wasAsked, asked, tell } = await start(t);
  const leasing = one(group);
  await wasAsked("lease", 1);
  timers.move(5_000);
  tell("me/tasks/grp_1", JSON.stringify({ leased: [good] }), asked("lease")[0]?.mark);
  const task = await leasing;
  timers.move(48_999);
  assert.equal(task.signal.aborted, false);
  timers.move(1);
  assert.equal(codeOf(task), "task.lost");
});

test("a lease that ran out while the machine was suspended is over when it wakes, and time that it slept through renews one early", async (t) => {
  const { group, answer, timers, wasAsked, asked, tell, faults } = await start(t);
  const leased = textOf({ leased: [good] });
  answer(({ verb }) => ({ answers: verb === "lease" ? [leased] : [] }));
  // A suspend, as a program sees it: the clock goes on, and nothing else does.
  const suspend = (milliseconds: number) => timers.set(timers.now() + milliseconds);
  const told = await one(group);
  let isTold = false;
  told.signal.addEventListener("abort", () => (isTold = true));
  timers.move(1_000);
  suspend(53_000);
  timers.move(1_000);
  assert.deepEqual([isTold, codeOf(told)], [true, "task.lost"]);
  const looks = await one(group);
  suspend(54_000);
  assert.equal(codeOf(looks), "task.lost", "who looks is told at once");
  const late = await one(group);
  suspend(54_000);
  await assert.rejects(late.finish(1), { code: "task.lost" });
  // Set back it is no longer, also where it had slept before or sleeps after; steered it is no shorter.
  const back = await one(group);
  for (const by of [20_000, -3_600_000, 400, -20_000, 13_600]) {
    suspend(by);
    timers.move(1_000);
  }
  timers.move(15_399);
  assert.equal(back.signal.aborted, false);
  timers.move(1);
  assert.equal(codeOf(back), "task.lost");
  // What it slept through while it asked counts, too, and whether it was asleep or awake it renews when a third is over.
  answer(() => ({}));
  const renewals = asked("renew").length;
  const leasing = one(group);
  await wasAsked("lease", 5);
  suspend(20_000);
  tell("me/tasks/grp_1", leased.text, asked("lease")[4]?.mark);
  const slow = await leasing;
  timers.move(0);
  await wasAsked("renew", renewals + 1);
  timers.move(33_999);
  assert.equal(slow.signal.aborted, false);
  timers.move(1);
  assert.equal(codeOf(slow), "task.lost");
  // And who begins with what is over already would hear of that from nobody.
  let begun = 0;
  const working = group.work(() => (begun += 1));
  await wasAsked("lease", 6);
  suspend(54_000);
  tell("me/tasks/grp_1", leased.text, asked("lease")[5]?.mark);
  await wasAsked("lease", 7);
  await working.stop();
  assert.deepEqual([begun, faults], [0, []]);
});

test("a renewal that the platform cannot take now is tried again; one that it refuses is the end of it", async (t) => {
  const { device, group, answer, timers, wasAsked } = await start(t);
  let code = 0x97;
  answer(({ verb }) => {
    if (verb === "lease") return { answers: [textOf({ leased: [good] })] };
    return verb === "renew" ? { code } : {};
  });
  const task = await one(group);
  timers.move(20_000);
  await wasAsked("renew", 1);
  for (let n = 2; n <= 4; n += 1) {
    await device.send({ n }); // acknowledged behind the answer: that has been heard
    timers.move(2_000);
    await wasAsked("renew", n);
  }
  assert.equal(task.signal.aborted, false);
  code = 0x99;
  await device.send({ n: 5 });
  timers.move(2_000);
  await eventually(
    () => task.signal.aborted,
    () => "it goes on",
  );
  assert.equal(codeOf(task), "task.lost");
});

test("a board that says nothing is asked again with patience, one that shouts is asked no more often, and too much is given back", async (t) => {
  const { device, group, answer, tell, timers, wasAsked, asked, faults } = await start(t);
  const silent = group.lease();
  await wasAsked("lease", 1);
  timers.move(30_000);
  await assert.rejects(silent, { code: "board.silent" });
  answer(({ verb }) => ({ answers: verb === "lease" ? [textOf({ leased: [] })] : [] }));
  const working = group.work(() => new Promise(() => {}), { atOnce: 2 });
  await wasAsked("lease", 2);
  await device.send({ n: 1 }); // acknowledged behind the answer: that has been heard
  for (let n = 0; n < 500; n += 1) tell("groups/crew/tasks/waiting", "{}");
  tell("groups/crew/tasks/waiting", "{");
  await group.say("all", "of it was heard");
  assert.equal(asked("lease").length, 2);
  const all = [1, 2, 3, 4].map((n) => ({ ...good, id: `tsk_${n}` }));
  answer(({ verb }) => ({ answers: verb === "lease" ? [textOf({ leased: all })] : [] }));
  timers.move(250);
  await wasAsked("lease", 3);
  await wasAsked("release", 2);
  assert.deepEqual(
    asked("release").map(({ body }) => body["task"]),
    ["tsk_3", "tsk_4"],
  );
  void working.stop();
  assert.deepEqual(faults, []);
});

test("where the platform does not let a device hear its answers, that is said, and nothing is leased unheard", async (t) => {
  const { group, asked, faults } = await start(t, { denied: "me/tasks/+" });
  await assert.rejects(group.lease(), { code: "platform.refused", reason: 0x87 });
  assert.deepEqual([asked("lease"), faults], [[], ["platform.refused"]]);
});
