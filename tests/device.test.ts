import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { connect as connectTcp, createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import { pathToFileURL } from "node:url";
import { Device, type Options } from "@holdfast/device";
import { openJournal } from "@holdfast/device/node";
import { parseTopic } from "@holdfast/protocol";
import { atEnd, TestClock } from "../apps/server/src/testing/index.ts";
import { selfSigned } from "@holdfast/client/testing";
import { uncompiled, uncompiledSketch } from "./arduino.fixture.ts";
import { startWorld, type Device as Made } from "./authority.fixture.ts";
import { eventually } from "./messages.fixture.ts";
import { mqtt } from "./revocation.fixture.ts";

// packages/device against the real platform: in this process, and as programs of their own.
const world = await startWorld();
atEnd.after(() => world.close());
const { platform, clock, ours } = world;
const application = await ours.application();
const folder = mkdtempSync(path.join(tmpdir(), "device-"));
atEnd.after(async () => rmSync(folder, { recursive: true }));
const url = platform.platform.mqttsUrl;
const ca = platform.platform.caPem ?? assert.fail();

const open = new Set<Device>();
atEnd.after(async () => {
  for (const device of open) await device.close();
});

type Command = { readonly id: string; readonly state: string; readonly result?: unknown; readonly error?: unknown };

const connect = ({ key }: Made, more: Partial<Options> = {}) => {
  const device = Device.connect({ url, ca, key, ...more });
  open.add(device);
  const faults: unknown[] = [];
  device.on("fault", (error) => faults.push(error));
  return { device, faults };
};
const valuesOf = async ({ id }: Made, attribute = "t") =>
  (
    await ours.asks.get<{ items: { time: string; value: unknown }[] }>(
      `/v1/devices/${id}/telemetry?attribute=${attribute}`,
    )
  ).items;
const send = ({ id }: Made, name: string, body: unknown = null) =>
  ours.asks.post<Command>(`/v1/devices/${id}/commands`, { name, body });
const read = ({ id }: Made, command: Command) => ours.asks.get<Command>(`/v1/devices/${id}/commands/${command.id}`);
const twin = ({ id }: Made) => ours.asks.get<{ reported: { interval?: number } }>(`/v1/devices/${id}/twin`);
async function ended(made: Made, command: Command): Promise<Command> {
  await eventually(
    async () => ["answered", "failed"].includes((await read(made, command)).state),
    () => `${command.id} was never answered`,
  );
  return read(made, command);
}

test("what was measured is kept with its time, over MQTT and through a WebSocket, and what is never taken is refused", async () => {
  const wss = `${platform.platform.url.replace("https", "wss")}/mqtt`;
  for (const place of [url, wss]) {
    const made = await ours.device(application.id);
    const { device, faults } = connect(made, { url: place });
    const time = clock.now() - 60_000;
    await device.send({ t: 1 }, { time });
    await device.send({ t: 2 }, { time: new Date(time + 1) });
    assert.deepEqual(
      (await valuesOf(made))
        .map(({ value, time: at }) => [value, Date.parse(at)])
        .toSorted(([a], [b]) => Number(a) - Number(b)),
      [
        [1, time],
        [2, time + 1],
      ],
    );
    await assert.rejects(device.send({ ["x".repeat(1_000)]: 1 }), { code: "platform.refused", reason: 0x99 });
    assert.deepEqual(device.spooled, { messages: 0, bytes: 0, dropped: 0 });
    await device.close();
    await assert.rejects(device.send({ t: 3 }), { code: "device.closed" });
    assert.deepEqual(faults, []);
  }
});

test("what is measured while the line is cut again and again arrives in order, and again only what was under way", async (t) => {
  const made = await ours.device(application.id);
  const { token } = await ours.tokenOf(["telemetry.read"]);
  const listener = await mqtt(platform, { username: "x", password: token, protocolVersion: 5 });
  t.after(() => listener.end());
  const arrived: number[] = [];
  listener.client.on("message", (_, payload) =>
    arrived.push((JSON.parse(payload.toString()) as { values: { t: number } }).values.t),
  );
  await listener.client.subscribeAsync(`devices/${made.id}/telemetry`, { qos: 1 });
  // A wire between device and platform that the test cuts.
  const wires = new Set<Socket>();
  const relay = createServer((near) => {
    const far = connectTcp(Number(new URL(url).port), "127.0.0.1");
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on("error", () => other.destroy()).on("close", () => other.destroy());
      one.pipe(other);
    }
    wires.add(near);
  }).listen(0, "127.0.0.1");
  t.after(() => relay.close());
  await once(relay, "listening");
  const { port } = relay.address() as AddressInfo; // it listens
  const atOnce = { random: { bytes: (count: number) => new Uint8Array(count) } };
  const device = Device.connect({ url: `mqtts://localhost:${port}`, ca, key: made.key }, atOnce);
  open.add(device);
  const cuts = 6;
  const start = clock.now() - 10_000;
  for (let n = 0; n < 600; n += 1) {
    await device.keep({ t: n }, { time: start + n });
    if (n % 100 !== 50) continue;
    await device.online();
    for (const wire of wires) wire.destroy();
    wires.clear();
  }
  await device.drained();
  await eventually(
    () => new Set(arrived).size === 600,
    () => `${new Set(arrived).size} came`,
  );
  assert.deepEqual(
    [...new Set(arrived)],
    Array.from({ length: 600 }, (_, n) => n),
  );
  assert.ok(arrived.length - 600 <= cuts * 16, `${arrived.length - 600} came once more`);
  assert.deepEqual(device.spooled, { messages: 0, bytes: 0, dropped: 0 });
});

test("a device that is not wanted waits long; nothing goes out in plain text or without a credential", async () => {
  const made = await ours.device(application.id);
  const { device } = connect(made, { key: { ...made.key, secret: (await ours.device(application.id)).key.secret } });
  const { reason, wait } = await new Promise<{ reason: number | undefined; wait: number }>((resolve) =>
    device.on("offline", resolve),
  );
  assert.equal(reason, 0x86);
  assert.ok(wait >= 30_000);
  await device.close();
  for (const plain of ["mqtt://localhost", "ws://localhost/mqtt"])
    assert.throws(() => connect(made, { url: plain }), { code: "url.insecure" });
  assert.throws(() => Device.connect({ url, ca }), { code: "credential.missing" });
});

test("a device says goodbye to a platform that does not answer any more, and is gone after five seconds", async (t) => {
  const made = await ours.device(application.id);
  const wires = new Set<Socket>();
  const relay = createServer((near) => {
    const far = connectTcp(Number(new URL(url).port), "127.0.0.1");
    for (const one of [near, far]) wires.add(one.on("error", () => {}));
    near.pipe(far).pipe(near);
  }).listen(0, "127.0.0.1");
  t.after(() => {
    for (const wire of wires) wire.destroy();
    relay.close();
  });
  await once(relay, "listening");
  const { port } = relay.address() as AddressInfo; // it listens
  const timers = new TestClock();
  const device = Device.connect({ url: `mqtts://localhost:${port}`, ca, key: made.key }, { timers, clock: timers });
  open.add(device);
  await device.online();
  const [near] = wires;
  near?.unpipe().pause(); // frozen: nothing goes on, and nothing is answered
  const sent = assert.rejects(device.send({ t: 1 }), { code: "device.closed" });
  const ended = once(near ?? assert.fail(), "close");
  let isClosed = false;
  const closed = device.close().then(() => (isClosed = true));
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(isClosed, false, "it may be answered yet");
  timers.move(5_000);
  await Promise.all([closed, sent]);
  near?.resume();
  await ended;
});

test("devices whose platform is away come back spread, later each time, and not before", async (t) => {
  let came = 0;
  const away = createServer((socket) => {
    came += 1;
    socket.destroy();
  }).listen(0, "127.0.0.1");
  t.after(() => away.close());
  await once(away, "listening");
  const { port } = away.address() as AddressInfo; // it listens
  const timers = new TestClock();
  const waits: number[] = [];
  const many = 60;
  for (let n = 0; n < many; n += 1) {
    const key = { id: `key_${n}`, secret: "none" };
    const device = Device.connect({ url: `mqtts://localhost:${port}`, ca, key }, { timers, clock: timers });
    open.add(device);
    device.on("offline", ({ wait }) => waits.push(wait));
  }
  for (const [round, bound] of [1_000, 2_000, 4_000].entries()) {
    await eventually(
      () => waits.length === many * (round + 1),
      () => `${waits.length} of round ${round}`,
    );
    assert.equal(came, waits.length, "each try is one connection, and nobody came before it was time");
    const these = waits.slice(-many);
    assert.ok(Math.max(...these) <= bound);
    // In each quarter some; that one of them stays empty happens once in a few million times.
    for (let quarter = 0; quarter < 4; quarter += 1)
      assert.ok(these.some((wait) => Math.min(3, Math.floor((wait * 4) / bound)) === quarter));
    timers.move(bound);
  }
});

test("a command runs once and is answered, what is wanted arrives and is reported, and no topic is one that the platform does not know", async () => {
  const made = await ours.device(application.id);
  const file = path.join(folder, "commands");
  const journal = openJournal({ file, secret: made.key.secret });
  await ours.asks.send("PATCH", `/v1/devices/${made.id}/twin`, { body: { desired: { interval: 60 } } });
  const { device, faults } = connect(made, { journal });
  device.onCommand("add", ({ body }) => (body as number[]).reduce((sum, one) => sum + one, 0));
  device.onCommand("fail", () => {
    throw new Error("too hot");
  });
  device.onDesired((desired) => device.report(desired));
  await device.online();
  const [sum, failing] = [await send(made, "add", [1, 2]), await send(made, "fail")];
  const answered = await ended(made, sum);
  assert.deepEqual([answered.state, answered.result], ["answered", 3]);
  assert.equal((await ended(made, failing)).error, "too hot");
  await ours.asks.send("PATCH", `/v1/devices/${made.id}/twin`, { body: { desired: { interval: 30 } } });
  await eventually(
    async () => (await twin(made)).reported.interval === 30,
    () => "never reported",
  );
  await device.close();
  assert.deepEqual(faults, []);
  const own = (topic: string) => parseTopic(topic.replace(/^me/, `devices/${made.id}`));
  for (const topic of [
    "me/telemetry",
    "me/twin/reported",
    "me/twin/desired",
    "me/commands/add",
    `me/replies/${sum.id}`,
  ])
    assert.ok(own(topic), topic);
});

/** A program that is a device, told who it is by its standard input. */
function run(command: string, args: readonly string[], told: object) {
  const cwd = mkdtempSync(path.join(folder, "program-"));
  const child = spawn(command, args, { cwd, stdio: ["pipe", "ignore", "inherit"] });
  atEnd.after(async () => void child.kill());
  child.stdin.end(JSON.stringify(told));
  return child;
}

/** It measures, adds, and takes over what is wanted. */
async function isDevice(made: Made, readings: number): Promise<void> {
  await eventually(
    async () => (await valuesOf(made, "temperature")).length === readings,
    () => "it sent nothing",
  );
  assert.equal((await ended(made, await send(made, "add", [1, 2, 3]))).result, 6);
  await ours.asks.send("PATCH", `/v1/devices/${made.id}/twin`, { body: { desired: { interval: 30 } } });
  await eventually(
    async () => (await twin(made)).reported.interval === 30,
    () => "never reported",
  );
}

/** Local addresses on which a process listens, as Linux tells them: sockets of state 0A (TCP) and 07 (UDP, which knows no other) that it holds. */
function listening(pid: number): string[] {
  const held = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return []; // closed since it was listed
      }
    }),
  );
  return ["tcp", "tcp6", "udp", "udp6"].flatMap((kind) =>
    readFileSync(`/proc/net/${kind}`, "utf8")
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter(
        ([, , , state, , , , , , inode]) => state === (kind.startsWith("tcp") ? "0A" : "07") && held.has(inode ?? ""),
      )
      .map(([, address]) => `${kind} ${address}`),
  );
}
const skip = process.platform !== "linux" && "what a process listens on is read from /proc";

test(
  "the program in the README sends, adds and takes over what is wanted, and listens on no port",
  { skip },
  async () => {
    const readme = readFileSync(path.join(import.meta.dirname, "../packages/device/README.md"), "utf8");
    const packages = (name: string) =>
      pathToFileURL(path.join(import.meta.dirname, "../packages/device/src", name)).href;
    // As it stands, but for where the package is.
    const program = (/```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "")
      .replace('"@holdfast/device"', JSON.stringify(packages("index.ts")))
      .replace('"@holdfast/device/node"', JSON.stringify(packages("node/index.ts")));
    const file = path.join(folder, "readme.ts");
    writeFileSync(file, program);
    const made = await ours.device(application.id);
    const child = run(process.execPath, [file], { url, ca, key: made.key });
    await isDevice(made, 2);
    assert.ok(listening(process.pid).length >= 2, "the platform's own ports are seen so");
    assert.deepEqual(listening(child.pid ?? 0), []);
    child.kill();
  },
);

const examples = path.join(import.meta.dirname, "../examples");
const caFile = path.join(folder, "ca.pem");
writeFileSync(caFile, ca);

test("the example for Node is such a device, and takes over no interval that a timer cannot wait for", async () => {
  const made = await ours.device(application.id);
  const child = run(
    process.execPath,
    [path.join(examples, "device.ts"), url, caFile, path.join(folder, "spool")],
    made.key,
  );
  await isDevice(made, 1);
  for (const interval of [3_600_000, 45])
    await ours.asks.send("PATCH", `/v1/devices/${made.id}/twin`, { body: { desired: { interval } } });
  await eventually(
    async () => (await twin(made)).reported.interval === 45,
    () => "never reported",
  );
  const changes = await ours.asks.get<unknown>(`/v1/devices/${made.id}/twin/changes`);
  assert.doesNotMatch(JSON.stringify(changes), /"side":"reported"[^}]*3600000/);
  child.kill();
});

const { status, error } = spawnSync("python3", ["-c", "import paho.mqtt.client"]);
const noPaho =
  error !== undefined
    ? "this machine has no Python (python3)"
    : status !== 0 && "this Python has no paho-mqtt (python3-paho-mqtt)";

test("the example for Python is such a device", { skip: noPaho }, async () => {
  const made = await ours.device(application.id);
  const { port } = new URL(url);
  const child = run("python3", [path.join(examples, "python/device.py"), "localhost", port, caFile], made.key);
  await isDevice(made, 1);
  // What it cannot run it answers, and hears the next.
  assert.match(String((await ended(made, await send(made, "add"))).error), /not iterable/);
  assert.equal((await ended(made, await send(made, "add", [1, 2]))).result, 3);
  child.kill();
});

test("the example for Python comes also where its first connection fails", { skip: noPaho }, async (t) => {
  const made = await ours.device(application.id);
  let came = 0;
  const wires = new Set<Socket>();
  const relay = createServer((near) => {
    came += 1;
    if (came === 1) return void near.destroy();
    const far = connectTcp(Number(new URL(url).port), "127.0.0.1");
    for (const one of [near, far]) wires.add(one.on("error", () => {}));
    near.pipe(far).pipe(near);
  }).listen(0, "127.0.0.1");
  t.after(() => {
    for (const wire of wires) wire.destroy();
    relay.close();
  });
  await once(relay, "listening");
  const { port } = relay.address() as AddressInfo; // it listens
  const child = run("python3", [path.join(examples, "python/device.py"), "localhost", String(port), caFile], made.key);
  await isDevice(made, 1);
  child.kill();
});

/** A way to the platform that ends, once it is told to, with the next that the device publishes. What it says from then on is lost. */
async function forgetfulWire(t: TestContext) {
  let forgets = false;
  let lost = 0;
  const wires = new Set<Socket>();
  const relay = createServer((near) => {
    const far = connectTcp(Number(new URL(url).port), "127.0.0.1");
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const)
      wires.add(one.on("error", () => other.destroy()).on("close", () => other.destroy()));
    far.pipe(near);
    near.on("data", (said) => {
      if (!forgets) return void far.write(said);
      lost += said.length;
      if (lost < 60) return; // an acknowledgement of what came before, which is less than half of that, even in TLS
      forgets = false;
      near.destroy();
    });
  }).listen(0, "127.0.0.1");
  t.after(() => {
    for (const wire of wires) wire.destroy();
    relay.close();
  });
  await once(relay, "listening");
  const { port } = relay.address() as AddressInfo; // it listens
  return { port, forget: () => void (forgets = true), forgot: () => !forgets };
}
type ForgetfulWire = Awaited<ReturnType<typeof forgetfulWire>>;

/** It measures, and answers one command, also the largest; another it does not know; and says again what was lost of that. */
async function isSmallDevice(made: Made, wire: ForgetfulWire): Promise<void> {
  await eventually(
    async () => (await valuesOf(made, "temperature")).length === 1,
    () => "it sent nothing",
  );
  assert.equal((await ended(made, await send(made, "ping"))).result, "pong");
  const filledTo = (bytes: number, body: object) => ({
    ...body,
    x: "x".repeat(bytes - JSON.stringify(body).length - 7),
  });
  for (const bytes of [512, 16_384]) {
    const body = filledTo(bytes, { id: "cmd_1", name: "pong", again: true });
    assert.equal(JSON.stringify(body).length, bytes);
    assert.equal((await ended(made, await send(made, "ping", body))).result, "pong", `${bytes} bytes`);
    assert.equal((await ended(made, await send(made, "p".repeat(64), body))).error, "no such command");
  }
  wire.forget();
  assert.equal((await ended(made, await send(made, "ping"))).result, "pong");
  assert.ok(wire.forgot());
}

const inC = path.join(folder, "thermometer");
const warnings = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"];
const uncompiledC = (source: string, program: string) =>
  uncompiled("cc", [...warnings, "-o", program, source, "-lssl", "-lcrypto", "-lm"]);
const noC = uncompiledC(path.join(examples, "mqtt.c"), inC);

test(
  "the example in C is such a device, of OpenSSL alone, and believes no other authority",
  { skip: noC },
  async (t) => {
    const made = await ours.device(application.id);
    const wire = await forgetfulWire(t);
    const port = String(wire.port);
    const child = run(inC, ["localhost", port, caFile], made.key);
    await isSmallDevice(made, wire);
    child.kill();
    const other = path.join(folder, "other.pem");
    writeFileSync(other, selfSigned().cert);
    const mistrusting = spawn(inC, ["localhost", port, other], { stdio: ["pipe", "ignore", "pipe"] });
    mistrusting.stdin.end(JSON.stringify(made.key));
    const [said] = await once(mistrusting.stderr, "data");
    assert.match(String(said), /certificate verify failed/);
    mistrusting.kill();
  },
);

test(
  "the example in C waits for no server for ever that says nothing, neither before TLS nor behind it",
  { skip: noC },
  async (t) => {
    // As it stands, but for its patience.
    const patient = readFileSync(path.join(examples, "mqtt.c"), "utf8");
    assert.match(patient, /PATIENCE = 20 /);
    const hasty = path.join(folder, "hasty");
    writeFileSync(`${hasty}.c`, patient.replace("PATIENCE = 20 ", "PATIENCE = 1 "));
    assert.equal(uncompiledC(`${hasty}.c`, hasty), false);
    const localhost = selfSigned();
    const authority = path.join(folder, "localhost.pem");
    writeFileSync(authority, localhost.cert);
    const came = { connection: 0, secureConnection: 0 };
    for (const said of ["connection", "secureConnection"] as const) {
      const wires = new Set<Socket>();
      const server = (said === "connection" ? createServer() : createTlsServer(localhost)).listen(0, "127.0.0.1");
      server.on("connection", (wire: Socket) => wires.add(wire)).on(said, () => void (came[said] += 1));
      t.after(() => {
        for (const wire of wires) wire.destroy();
        server.close();
      });
      await once(server, "listening");
      const { port } = server.address() as AddressInfo; // it listens
      const child = run(hasty, ["localhost", String(port), authority], { id: "key_1", secret: "s" });
      await eventually(
        () => came[said] >= 2,
        () => `it came ${came[said]} times`,
      );
      child.kill();
    }
  },
);

const sketch = readFileSync(path.join(examples, "arduino/thermometer.ino"), "utf8");
const onBoard = path.join(folder, "board");

test("the sketch for Arduino is such a device", { skip: noC }, async (t) => {
  const made = await ours.device(application.id);
  const wire = await forgetfulWire(t);
  const secrets = {
    WIFI_NAME: "",
    WIFI_PASSWORD: "",
    PLATFORM_HOST: "localhost",
    PLATFORM_PORT: wire.port,
    KEY_ID: made.key.id,
    KEY_SECRET: made.key.secret,
    PLATFORM_CA: ca,
  };
  const lines = Object.entries(secrets).map(([name, value]) => `#define ${name} ${JSON.stringify(value)}\n`);
  writeFileSync(path.join(folder, "secrets.h"), lines.join(""));
  const why = uncompiledSketch(sketch, onBoard);
  if (why !== false) return t.skip(why);
  const child = run(onBoard, [], {});
  await isSmallDevice(made, wire);
  child.kill();
});

test(
  "the sketch for Arduino tries again after weeks of connection, too, and waits between its tries",
  { skip: noC },
  (t) => {
    const names = ["WIFI_NAME", "WIFI_PASSWORD", "KEY_ID", "KEY_SECRET", "PLATFORM_CA"];
    const place = '#define PLATFORM_HOST "localhost"\n#define PLATFORM_PORT 1\n'; // where nobody listens
    const weeks = path.join(mkdtempSync(path.join(folder, "weeks-")), "board");
    writeFileSync(path.join(path.dirname(weeks), "secrets.h"), names.map((n) => `#define ${n} ""\n`).join("") + place);
    // As a board counts: in 32 bits.
    const small = sketch.replaceAll("unsigned long", "uint32_t").replaceAll("(long)", "(int32_t)");
    const counted = `static uint32_t now = 0;\nstatic uint32_t counted() { return now; }\n#define millis counted\n${small}`;
    const tries = (at: string, expected: number) =>
      `now = ${at}; loop(); if (failures != ${expected}) return ${expected};`;
    const main = [tries("0x90000000u", 1), tries("now", 1), tries("0xffffffffu", 2), tries("now", 2), tries("9000", 3)];
    const why = uncompiledSketch(counted, weeks, main.join(" "));
    if (why !== false) return t.skip(why);
    assert.equal(spawnSync(weeks).status, 0);
  },
);
