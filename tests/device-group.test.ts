import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { Device, type DeviceError, type Options, type Task } from "@holdfast/device";
import { atEnd, TestClock } from "../apps/server/src/testing/index.ts";
import { startWorld, type Device as Made, type Thing } from "./authority.fixture.ts";
import { eventually } from "./messages.fixture.ts";
import { mqtt } from "./revocation.fixture.ts";
import { startWire } from "./wire.fixture.ts";

// Groups by packages/device against the real platform. The platform's clock is moved; its rounds are each second of the machine's.
const world = await startWorld();
atEnd.after(() => world.close());
const { platform, clock, ours } = world;
const application = await ours.application();
const groupsOf = `/v1/applications/${application.id}/groups`;
const folder = mkdtempSync(path.join(tmpdir(), "device-group-"));
atEnd.after(async () => rmSync(folder, { recursive: true }));
const url = platform.platform.mqttsUrl;
const ca = platform.platform.caPem ?? assert.fail();

type State = Thing & {
  name: string;
  state: string;
  leases: number;
  holder?: string;
  until?: string;
  result?: unknown;
  error?: unknown;
};

let made = 0;
async function groupOf(count: number) {
  const group = await ours.asks.post<Thing & { name: string }>(groupsOf, { name: `crew-${(made += 1)}` });
  const members = `${groupsOf}/${group.id}/members`;
  const devices: Made[] = [];
  for (let at = 0; at < count; at += 1) {
    const device = await ours.device(application.id);
    await ours.asks.put(`${members}/${device.id}`, {});
    devices.push(device);
  }
  const tasks = `${groupsOf}/${group.id}/tasks`;
  return {
    name: group.name,
    id: group.id,
    devices,
    put: (name: string, body?: object) => ours.asks.post<State>(tasks, { name, body }),
    read: ({ id }: Thing) => ours.asks.get<State>(`${tasks}/${id}`),
    list: async () => (await ours.asks.get<{ items: State[] }>(tasks)).items,
    admit: ({ id }: Thing) => ours.asks.put(`${members}/${id}`, {}),
    expel: ({ id }: Thing) => ours.asks.delete(`${members}/${id}`),
  };
}
type Crew = Awaited<ReturnType<typeof groupOf>>;

const open = new Set<Device>();
atEnd.after(async () => {
  for (const device of open) await device.close();
});
function connect(
  made: Made | undefined,
  more: Partial<Options> = {},
  needs: Parameters<typeof Device.connect>[1] = {},
) {
  const device = Device.connect({ url, ca, key: made?.key ?? assert.fail(), ...more }, needs);
  open.add(device);
  const faults: DeviceError[] = [];
  device.on("fault", (error) => faults.push(error as DeviceError)); // they are asserted on
  return { device, faults };
}
const becomes = (crew: Crew, task: Thing, state: string) =>
  eventually(
    async () => (await crew.read(task)).state === state,
    () => `${task.id} was never ${state}`,
  );
const aborted = (task: Task) =>
  eventually(
    () => task.signal.aborted,
    () => "nobody was told that it is lost",
  );

test("members say and hear as each asked, not what they say themselves, and what is no JSON harms nobody", async (t) => {
  const crew = await groupOf(3);
  const [a, b] = [connect(crew.devices[0]), connect(crew.devices[1])];
  const [pumps, same] = [a.device.group(crew.name), b.device.group(crew.id)];
  const heard: [string, string, unknown][] = [];
  for (const topic of ["level/+", "level/1", "#"]) pumps.hear(topic, (body, at) => void heard.push([topic, at, body]));
  const ownHeard: unknown[] = [];
  const end = same.hear("#", (body) => void ownHeard.push(body));
  await Promise.all([a.device.online(), b.device.online()]);
  // Who came at the same time may not have been heard out about what it wants to hear.
  await eventually(
    async () => (await pumps.say("hello", 1), ownHeard.length > 0),
    () => "not heard",
  );
  await same.say("level/1", { of: "b" });
  await eventually(
    () => heard.length === 3,
    () => JSON.stringify(heard),
  );
  assert.deepEqual(heard, [
    ["level/1", "level/1", { of: "b" }],
    ["level/+", "level/1", { of: "b" }],
    ["#", "level/1", { of: "b" }],
  ]);
  const firmware = crew.devices[2] ?? assert.fail();
  const { client, end: leave } = await mqtt(platform, {
    username: firmware.key.id,
    password: firmware.key.secret,
    protocolVersion: 5,
  });
  t.after(() => leave());
  await client.publishAsync(`groups/${crew.name}/level/2`, "{nonsense", { qos: 1 });
  await client.publishAsync(`groups/${crew.name}/level/2`, "2", { qos: 1 });
  await eventually(
    () => heard.length === 5,
    () => JSON.stringify(heard),
  );
  assert.deepEqual(
    [a.faults.map(({ code }) => code), a.device.isOnline],
    [["group.malformed", "group.malformed"], true],
  );
  end();
  await pumps.say("hello", "after");
  assert.equal(ownHeard.includes("after"), false);
  for (const topic of ["", "a/+", "tasks/lease", "#"])
    await assert.rejects(pumps.say(topic, 1), { code: "name.invalid" });
  await a.device.close();
  await assert.rejects(pumps.say("hello", 3), { code: "connection.ended" });
});

test("who is expelled says and does nothing more, its work passes on at once, and it is told; who is admitted again goes on", async () => {
  const crew = await groupOf(2);
  const timers = new TestClock(clock.now());
  const [a, b] = [connect(crew.devices[0], {}, { timers, clock: timers }), connect(crew.devices[1])];
  const task = await crew.put("guard");
  const [out, stays] = [a.device.group(crew.name), b.device.group(crew.name)];
  const begun: Task[] = [];
  const enough = Promise.withResolvers<string>();
  const working = out.work((one, { signal }) => {
    begun.push(one);
    const lost = new Promise((resolve) => signal.addEventListener("abort", () => resolve("never"), { once: true }));
    return Promise.race([lost, enough.promise]);
  });
  await eventually(
    () => begun.length === 1,
    () => "nothing was leased",
  );
  await crew.expel(crew.devices[0] ?? assert.fail());
  assert.equal((await crew.read(task)).state, "waiting", "it is anybody's in the same commit");
  stays.work(({ name }) => `${name} by another`);
  await becomes(crew, task, "done");
  await assert.rejects(out.say("hello", 1), { code: "group.refused", reason: 0x87 });
  await assert.rejects(out.put("more"), { code: "group.refused" });
  await assert.rejects(out.lease(), { code: "group.refused" });
  timers.move(20_000); // when it renews
  const lost = begun[0] ?? assert.fail();
  await aborted(lost);
  assert.equal((lost.signal.reason as DeviceError).code, "task.lost");
  await assert.rejects(lost.finish(1), { code: "task.lost" });
  assert.deepEqual([(await crew.read(task)).result, (await crew.read(task)).leases], ["guard by another", 2]);
  await eventually(
    () => a.faults.some(({ code }) => code === "group.refused"),
    () => "it was not told",
  );
  await b.device.close();
  await crew.admit(crew.devices[0] ?? assert.fail());
  const next = await crew.put("guard");
  timers.move(60_000); // who is not wanted waits half a minute at least
  await eventually(
    () => begun.length === 2,
    () => "it does not work any more",
  );
  assert.equal(begun[1]?.id, next.id);
  const stopping = working.stop();
  enough.resolve("done");
  await stopping;
  assert.deepEqual([(await crew.read(next)).state, (await crew.read(next)).result], ["done", "done"]);
  await a.device.close();
});

test("of two that share work one is killed: the other has all of it within the declared ten seconds, and each task is done once", async () => {
  const crew = await groupOf(2);
  const [killed, other] = crew.devices;
  const caFile = path.join(folder, "ca.pem");
  writeFileSync(caFile, ca);
  const program = path.join(import.meta.dirname, "../examples/worker.ts");
  const args = [program, url, caFile, path.join(folder, "worker"), crew.name];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  atEnd.after(async () => void child.kill("SIGKILL"));
  child.stdin.end(JSON.stringify(killed?.key));
  let said = "";
  child.stdout.on("data", (more: Buffer) => (said += more.toString()));
  const long = [await crew.put("long", { seconds: 600 }), await crew.put("long", { seconds: 600 })];
  await eventually(
    () => said.split(" begun").length === 3,
    () => said,
  );
  const done: string[] = [];
  const { device, faults } = connect(other);
  device.group(crew.name).work(
    ({ id, lease }) => {
      done.push(id);
      return lease;
    },
    { atOnce: 4 },
  );
  const short = [];
  for (let n = 0; n < 8; n += 1) short.push(await crew.put("short"));
  await Promise.all(short.map((one) => becomes(crew, one, "done")));
  for (const one of long) assert.equal((await crew.read(one)).holder, killed?.id);
  child.kill("SIGKILL");
  await once(child, "close");
  await eventually(
    async () =>
      (await Promise.all(long.map((one) => crew.read(one)))).every(
        ({ until }) => until !== undefined && Date.parse(until) <= clock.now() + 10_000,
      ),
    () => "its leases are as long as before",
  );
  assert.equal(done.length, 8);
  clock.move(10_000);
  await Promise.all(long.map((one) => becomes(crew, one, "done")));
  assert.deepEqual(done.toSorted(), [...short, ...long].map(({ id }) => id).toSorted());
  for (const one of await crew.list()) assert.equal(one.result, long.some(({ id }) => id === one.id) ? 2 : 1);
  assert.deepEqual(faults, []);
});

test("a task stays who works on it, however long that takes and however far his clock is set back; what fails is told, what is given back is another's", async () => {
  const crew = await groupOf(2);
  const timers = new TestClock(clock.now());
  const [a, b] = [connect(crew.devices[0], {}, { timers, clock: timers }), connect(crew.devices[1])];
  const [mine, theirs] = [a.device.group(crew.name), b.device.group(crew.name)];
  await Promise.all([a.device.online(), b.device.online()]);
  await mine.put("dig", { depth: 2 }, { expiresIn: 30 * 86_400_000 });
  const [task] = await mine.lease({ seconds: 90 });
  assert.ok(task);
  assert.deepEqual([task.name, task.body, task.lease], ["dig", { depth: 2 }, 1]);
  const untilOf = async () => Date.parse((await crew.read(task)).until ?? "");
  for (let n = 0; n < 6; n += 1) {
    timers.set(timers.now() - 86_400_000);
    // It asks after twenty seconds and waits for thirty: an answer that comes behind the next move is in time.
    clock.move(20_000);
    timers.move(20_000);
    await eventually(
      async () => {
        timers.move(0); // where the answer of before came behind the move, it is due by now
        return (await untilOf()) >= clock.now() + 89_000;
      },
      () => "not renewed",
    );
  }
  assert.deepEqual([task.signal.aborted, await theirs.lease()], [false, []]);
  assert.equal((await crew.read(task)).leases, 1);
  await task.fail("too hard");
  assert.deepEqual([(await crew.read(task)).state, (await crew.read(task)).error], ["failed", "too hard"]);
  const [, second] = [await theirs.put("lift"), (await mine.lease())[0] ?? assert.fail()];
  await second.giveBack();
  const third = (await theirs.lease({ count: 100 }))[0] ?? assert.fail();
  assert.deepEqual([third.id, third.lease], [second.id, 2]);
  await assert.rejects(second.finish(1), { code: "task.lost" });
  await assert.rejects(third.finish("x".repeat(17_000)), { code: "task.tooLarge" });
  await b.device.close();
  assert.equal((third.signal.reason as DeviceError).code, "device.closed");
  await eventually(
    async () => (await crew.read(second)).state === "waiting",
    () => "it was not given back",
  );
  assert.throws(() => mine.lease({ count: 0 }), { code: "work.invalid" });
  assert.throws(() => mine.work(() => 1, { seconds: 4 }), { code: "work.invalid" });
  await assert.rejects(mine.put("no/name"), { code: "name.invalid" });
  assert.throws(() => a.device.group("+"), { code: "name.invalid" });
  assert.deepEqual([a.faults, b.faults], [[], []]);
});

test("a worker that fails with all that a program wrote fails the task by the beginning of it, and holds it no longer", async () => {
  const crew = await groupOf(1);
  const { device, faults } = connect(crew.devices[0]);
  const task = await crew.put("compile");
  const working = device.group(crew.name).work(() => {
    throw new Error(`Command failed: make\n${"warning: unused\n".repeat(2_000)}`);
  });
  await becomes(crew, task, "failed");
  assert.match(String((await crew.read(task)).error), /^Command failed: make\nwarning/);
  await working.stop();
  assert.deepEqual(faults, []);
});

test("whose line is cut stops before others may have the task, asks anew when it is back, and what it put meanwhile is put once", async (t) => {
  const crew = await groupOf(2);
  const wire = await startWire(url);
  t.after(() => wire.close());
  const timers = new TestClock(clock.now());
  const [a, b] = [connect(crew.devices[0], { url: wire.url }, { timers, clock: timers }), connect(crew.devices[1])];
  const [mine, theirs] = [a.device.group(crew.name), b.device.group(crew.name)];
  await Promise.all([a.device.online(), b.device.online()]);
  const kept = await crew.put("short");
  clock.move(1); // the oldest first
  const lost = await crew.put("long");
  const leased = await mine.lease({ count: 2, seconds: 3_600 });
  assert.deepEqual(
    leased.map(({ id }) => id),
    [kept.id, lost.id],
  );
  const [first, second] = leased;
  assert.ok(first && second);
  const offline = () => new Promise((resolve) => a.device.on("offline", resolve));
  const untilOf = async (task: Thing) => Date.parse((await crew.read(task)).until ?? "");
  let gone = offline();
  wire.cut();
  await gone;
  const put = mine.put("later");
  await assert.rejects(mine.lease(), { code: "connection.ended" });
  await eventually(
    async () => (await untilOf(first)) <= clock.now() + 10_000,
    () => "the platform did not see it go",
  );
  timers.move(8_999);
  assert.equal(first.signal.aborted, false);
  wire.join();
  timers.move(0);
  await a.device.online();
  await eventually(
    async () => (await untilOf(first)) > clock.now() + 3_000_000,
    () => "it did not ask anew",
  );
  await put;
  await first.finish("in time");
  assert.deepEqual((await crew.list()).map(({ name }) => name).toSorted(), ["later", "long", "short"]);
  gone = offline();
  wire.cut();
  await gone;
  await eventually(
    async () => (await untilOf(second)) <= clock.now() + 10_000,
    () => "the platform did not see it go",
  );
  timers.move(9_000);
  assert.equal((second.signal.reason as DeviceError).code, "task.lost");
  clock.move(10_000);
  await eventually(
    async () => (await crew.read(second)).state === "waiting",
    () => "it passed to nobody",
  );
  const others: Task[] = [];
  await eventually(
    async () => {
      // What the platform is looking at in that moment, it gives at the next asking.
      others.push(...(await theirs.lease({ count: 2 - others.length })));
      return others.length === 2;
    },
    () => "it was given to nobody",
  );
  assert.deepEqual(Object.fromEntries(others.map(({ name, lease }) => [name, lease])), { later: 1, long: 2 });
  assert.deepEqual([a.faults, b.faults], [[], []]);
});
