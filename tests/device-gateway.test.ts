import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { Device, type DeviceError, type Options } from "@holdfast/device";
import { openJournal } from "@holdfast/device/node";
import { atEnd, TestClock } from "../apps/server/src/testing/index.ts";
import { startWorld, type Device as Made, type Thing } from "./authority.fixture.ts";
import { eventually } from "./messages.fixture.ts";
import { mqtt } from "./revocation.fixture.ts";
import { startWire } from "./wire.fixture.ts";

// Gateways by packages/device and the devices that they speak for, against the real platform.
const world = await startWorld();
atEnd.after(() => world.close());
const { platform, clock, ours } = world;
const application = await ours.application();
const folder = mkdtempSync(path.join(tmpdir(), "device-gateway-"));
atEnd.after(async () => rmSync(folder, { recursive: true }));
const url = platform.platform.mqttsUrl;
const ca = platform.platform.caPem ?? assert.fail();
/** Comes back at once, where a wait is from nothing on. */
const atOnce = { random: { bytes: (count: number) => new Uint8Array(count) } };

const open = new Set<Device>();
atEnd.after(async () => {
  for (const device of open) await device.close();
});
function connect({ key }: Made, more: Partial<Options> = {}, needs: Parameters<typeof Device.connect>[1] = {}) {
  const device = Device.connect({ url, ca, key, ...more }, needs);
  open.add(device);
  const faults: DeviceError[] = [];
  device.on("fault", (error) => faults.push(error as DeviceError)); // they are asserted on
  return { device, faults };
}

type Command = { readonly id: string; readonly state: string; readonly result?: unknown };
const send = ({ id }: Thing, name: string, body: unknown = null) =>
  ours.asks.post<Command>(`/v1/devices/${id}/commands`, { name, body });
const read = ({ id }: Thing, command: Command) => ours.asks.get<Command>(`/v1/devices/${id}/commands/${command.id}`);
const becomes = (device: Thing, command: Command, state: string) =>
  eventually(
    async () => (await read(device, command)).state === state,
    () => `${command.id} was never ${state}`,
  );
const wants = ({ id }: Thing, desired: object) =>
  ours.asks.send("PATCH", `/v1/devices/${id}/twin`, { body: { desired } });
const reportedOf = async ({ id }: Thing) =>
  (await ours.asks.get<{ reported: Record<string, unknown> }>(`/v1/devices/${id}/twin`)).reported;
const valuesOf = async ({ id }: Thing, attribute = "n") =>
  (
    await ours.asks.get<{ items: { value: number }[] }>(`/v1/devices/${id}/telemetry?attribute=${attribute}&limit=500`)
  ).items
    .map(({ value }) => value)
    .toSorted((a, b) => a - b);

test("over a disconnect what three children measured arrives once each and in order, and their commands run once each", async (t) => {
  const made = await ours.device(application.id);
  const children = [
    await ours.device(application.id, { gateway: made.id, alias: "valve-1" }),
    await ours.device(application.id, { gateway: made.id, alias: "valve 2" }),
    await ours.device(application.id, { gateway: made.id }),
  ];
  const { token } = await ours.tokenOf(["telemetry.read"]);
  const listener = await mqtt(platform, { username: "x", password: token, protocolVersion: 5 });
  t.after(() => listener.end());
  const arrived = new Map<string, number[]>();
  listener.client.on("message", (topic, payload) => {
    const { n } = (JSON.parse(payload.toString()) as { values: { n: number } }).values;
    arrived.set(topic, [...(arrived.get(topic) ?? []), n]);
  });
  await listener.client.subscribeAsync("devices/+/telemetry", { qos: 1 });
  const wire = await startWire(url);
  t.after(() => wire.close());
  const journal = openJournal({ file: path.join(folder, "three"), secret: made.key.secret });
  const { device, faults } = connect(made, { url: wire.url, journal }, atOnce);
  const ran: string[] = [];
  const names = ["valve-1", "valve 2", children[2]?.id ?? ""];
  const slow = Promise.withResolvers<void>();
  for (const name of names) {
    const child = device.child(name);
    assert.equal(device.child(name), child);
    child.onCommand("double", async ({ id, body }) => {
      ran.push(id);
      await slow.promise;
      return [name, Number(body) * 2];
    });
    child.onDesired((desired) => child.report(desired));
  }
  await device.online();
  const under = await Promise.all(children.map((child) => send(child, "double", 1)));
  await eventually(
    () => ran.length === 3,
    () => "they were not asked",
  );
  wire.cut(); // in the midst of it
  slow.resolve();
  await new Promise((resolve) => device.on("offline", resolve));
  const start = clock.now() - 60_000;
  for (let n = 0; n < 20; n += 1) for (const name of names) await device.child(name).keep({ n }, { time: start + n });
  const later = await Promise.all(children.map((child) => send(child, "double", 2)));
  await Promise.all(children.map((child) => wants(child, { on: true })));
  assert.deepEqual(arrived, new Map());
  wire.join();
  await device.drained();
  for (const [n, child] of children.entries()) {
    for (const [times, command] of [under[n], later[n]].entries()) {
      if (!command) assert.fail();
      await becomes(child, command, "answered");
      assert.deepEqual((await read(child, command)).result, [names[n], 2 * (times + 1)]);
    }
    await eventually(
      async () => (await reportedOf(child))["on"] === true,
      () => "never reported",
    );
    const all = Array.from({ length: 20 }, (_, at) => at);
    await eventually(
      () => arrived.get(`devices/${child.id}/telemetry`)?.length === 20,
      () => JSON.stringify([...arrived]),
    );
    assert.deepEqual([arrived.get(`devices/${child.id}/telemetry`), await valuesOf(child)], [all, all]);
  }
  assert.deepEqual(ran.toSorted(), [...under, ...later].map(({ id }) => id).toSorted());
  assert.deepEqual([device.spooled.messages, faults], [0, []]);
});

test("a child that this gateway may not speak for is told so, holds up nobody, and is heard once it is bound", async () => {
  const made = await ours.device(application.id);
  const [bound, loose] = [await ours.device(application.id, { gateway: made.id }), await ours.device(application.id)];
  const timers = new TestClock(clock.now());
  const { device, faults } = connect(made, { limits: { entries: 30 } }, { timers, clock: timers });
  const refused: string[] = [];
  device.on("refused", ({ error }) => refused.push(error.code));
  const held: (string | undefined)[] = [];
  device.on("held", ({ child }) => held.push(child));
  await device.online();
  const child = device.child(loose.id);
  child.onCommand("ping", () => "pong");
  for (const what of [child.send({ n: 1 }), child.report({ on: true })])
    await assert.rejects(what, { code: "child.refused", reason: 0x87 });
  // Kept, up to its share of three: the fourth waits for nothing that comes.
  const start = clock.now() - 1_000;
  for (let n = 2; n <= 4; n += 1) await child.keep({ n }, { time: start + n });
  await eventually(
    () => held.length === 1,
    () => "not held",
  );
  await assert.rejects(child.keep({ n: 5 }), { code: "child.refused" });
  await assert.rejects(child.send({ n: 6 }), { code: "child.refused" });
  await device.child(bound.id).send({ n: 7 });
  await device.send({ n: 8 });
  assert.deepEqual([device.spooled.messages, held], [3, [loose.id]]);
  assert.deepEqual(refused, ["child.refused", "child.refused"], "what was never kept was never refused");
  assert.deepEqual(
    faults.map(({ code }) => code),
    ["child.refused"],
    "it may not listen either",
  );
  await ours.asks.put(`/v1/devices/${loose.id}/gateway`, { gateway: made.id });
  const command = await send(loose, "ping");
  timers.move(60_000); // who is not wanted waits half a minute at least
  await device.drained();
  assert.deepEqual([await valuesOf(loose), await valuesOf(bound), await valuesOf(made)], [[2, 3, 4], [7], [8]]);
  await becomes(loose, command, "answered");
  await ours.asks.delete(`/v1/devices/${loose.id}/gateway`);
  await child.keep({ n: 9 });
  await eventually(
    () => held.length === 2,
    () => "not held again",
  );
  child.forget();
  await device.drained();
  assert.deepEqual(await valuesOf(loose), [2, 3, 4]);
  for (const name of ["", "a/b", "+", "#", " a", "x".repeat(65)])
    assert.throws(() => device.child(name), { code: "name.invalid" }, name);
});

test("commands for a child that is out of reach wait at the platform until it comes; what it measured before goes on", async () => {
  const made = await ours.device(application.id);
  const child = await ours.device(application.id, { gateway: made.id });
  const { device, faults } = connect(made);
  const itself = device.child(child.id);
  itself.onCommand("ping", () => "pong");
  await device.online();
  const first = await send(child, "ping");
  await becomes(child, first, "answered");
  itself.leave();
  await itself.send({ n: 1 });
  const second = await send(child, "ping");
  await device.send({ n: 2 }); // after which a command would have come
  assert.equal((await read(child, second)).state, "waiting");
  itself.come();
  await becomes(child, second, "answered");
  assert.deepEqual([await valuesOf(child), faults], [[1], []]);
});

/** A program that is a gateway, told who it is by its standard input. */
function run(command: string, args: readonly string[], told: object) {
  const cwd = mkdtempSync(path.join(folder, "program-"));
  const child = spawn(command, args, { cwd, stdio: ["pipe", "ignore", "inherit"] });
  atEnd.after(async () => void child.kill());
  child.stdin.end(JSON.stringify(told));
  return child;
}

/** Each of its children measures, adds, and takes over what is wanted. */
async function isGateway(children: readonly Made[]): Promise<void> {
  for (const child of children) {
    await eventually(
      async () => (await valuesOf(child, "temperature")).length === 1,
      () => "it sent nothing",
    );
    const command = await send(child, "add", [1, 2, 3]);
    await becomes(child, command, "answered");
    assert.equal((await read(child, command)).result, 6);
    await wants(child, { interval: 30 });
    await eventually(
      async () => (await reportedOf(child))["interval"] === 30,
      () => "never reported",
    );
  }
}

const examples = path.join(import.meta.dirname, "../examples");
const caFile = path.join(folder, "ca.pem");
writeFileSync(caFile, ca);

async function gatewayOf(aliases: readonly [string, string]) {
  const made = await ours.device(application.id);
  const [first, second] = aliases;
  const children = [
    await ours.device(application.id, { gateway: made.id, alias: first }),
    await ours.device(application.id, { gateway: made.id, alias: second }),
  ];
  return { made, children };
}

test("the example of a gateway for Node speaks for its children", async () => {
  const aliases = ["pump-1", "pump-2"] as const;
  const { made, children } = await gatewayOf(aliases);
  const args = [path.join(examples, "gateway.ts"), url, caFile, path.join(folder, "gateway"), ...aliases];
  const program = run(process.execPath, args, made.key);
  await isGateway(children);
  program.kill();
});

const { status, error } = spawnSync("python3", ["-c", "import paho.mqtt.client"]);
const noPaho =
  error !== undefined
    ? "this machine has no Python (python3)"
    : status !== 0 && "this Python has no paho-mqtt (python3-paho-mqtt)";

test("the example of a gateway for Python speaks for its children", { skip: noPaho }, async () => {
  const aliases = ["lamp-1", "lamp-2"] as const;
  const { made, children } = await gatewayOf(aliases);
  const { port } = new URL(url);
  const args = [path.join(examples, "python/gateway.py"), "localhost", port, caFile, ...aliases];
  const program = run("python3", args, made.key);
  await isGateway(children);
  // What it cannot run it answers, and hears the next.
  for (const child of children) {
    const wrong = await send(child, "add");
    await becomes(child, wrong, "failed");
    const right = await send(child, "add", [1, 2]);
    await becomes(child, right, "answered");
  }
  program.kill();
});
