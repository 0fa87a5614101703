import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import path from "node:path";
import { test as reported } from "node:test";
import { connectAsync } from "mqtt";
import { atEnd } from "../apps/server/src/testing/index.ts";
import type { Device } from "./authority.fixture.ts";
import { placeOf } from "./clients.fixture.ts";
import { eventually } from "./messages.fixture.ts";
import { Frozen, hasMosquitto, Stage, Wire, type Scene } from "./presence.fixture.ts";
import { Datagrams, SocketDevice } from "./sockets.fixture.ts";

// What becomes of real clients that leave, vanish, freeze and come back, each over a real socket, on a clock that is moved. All are played at
// once on one platform, each in an organisation of its own; then each is a test.
const broken = "the connection broke";
const goodbye = "it said goodbye";
const silence = "silent for longer than its keep-alive";
const gone = "its gateway is away";
const stopped = "the platform stopped";
const many = "it went with many others at once";

const scenes = new Map<string, (scene: Scene) => Promise<void>>();
const skipped = new Set<string>();
/** One that is played with the others, and reported afterwards. */
const test = (name: string, play: (scene: Scene) => Promise<void>): void => void scenes.set(name, play);
/** One that needs mosquitto's own clients. */
const stock = (name: string, play: (scene: Scene) => Promise<void>): void => {
  if (hasMosquitto) test(name, play);
  else skipped.add(name);
};

/** Once all that the device was sent has come so far. */
async function sent(it: Scene, { id }: Device, name: string, ...states: readonly string[]): Promise<void> {
  await it.owner.asks.post(`/v1/devices/${id}/commands`, { name });
  const items = async () =>
    (await it.owner.asks.get<{ items: { state: string }[] }>(`/v1/devices/${id}/commands`)).items;
  await eventually(
    async () => (await items()).every(({ state }) => states.includes(state)),
    () => "a command did not come so far",
  );
}

/** Its client has what it is sent, and says so. */
const listens = (it: Scene, device: Device) => sent(it, device, "hello", "acknowledged", "answered", "expired");
const leaves = (it: Scene, device: Device) => sent(it, device, "blink", "acknowledged", "answered", "expired", "sent");

const measured = (topic = "me/telemetry") => [topic, '{"temperature": 1}', { qos: 1, messageId: 1 }] as const;

stock(
  "mosquitto that is frozen is offline after one and a half keep-alives, and online once it goes on and comes again",
  async (it) => {
    const device = await it.device();
    const client = await it.mosquitto(device, "-k", "20", "-t", "me/commands/+");
    await listens(it, device); // or what it says when it comes would be read once time has passed
    client.freeze();
    const heardAt = it.now;
    await it.becomes(device, "offline", { at: heardAt + 30, because: silence });
    assert.equal(Date.parse((await it.presenceOf(device)).lastSeenAt ?? ""), it.stage.wallAt(heardAt));
    client.thaw();
    await it.turns(device, "online");
    await client.end("SIGKILL");
    await it.turns(device, "offline", broken);
  },
);

stock("mosquitto that is frozen for less than that was never away", async (it) => {
  const device = await it.device();
  const client = await it.mosquitto(device, "-k", "20", "-t", "me/commands/+");
  await listens(it, device);
  const { since } = await it.presenceOf(device);
  client.freeze();
  await it.pass(29);
  await it.is(device, "online");
  client.thaw();
  await listens(it, device);
  await it.pass(29);
  assert.equal((await it.is(device, "online")).since, since);
  await client.end("SIGTERM");
  await it.turns(device, "offline", goodbye);
});

stock("mosquitto that is killed is offline at once because its connection broke", async (it) => {
  const device = await it.device();
  const client = await it.mosquitto(device, "-t", "me/commands/+");
  await it.pass(7);
  await client.end("SIGKILL");
  await it.turns(device, "offline", broken);
});

stock(
  "mosquitto that is frozen while commands come to it receives nothing after thirty seconds, until it goes on",
  async (it) => {
    const device = await it.device();
    const client = await it.mosquitto(device, "-k", "65535", "-t", "me/commands/+");
    await listens(it, device);
    client.freeze();
    await it.pass(100); // nothing is owed to it
    await it.is(device, "online");
    const sentAt = it.now;
    await leaves(it, device);
    await it.pass(10);
    await leaves(it, device);
    await it.becomes(device, "notReceiving", {
      at: sentAt + 30,
      because: "it acknowledges nothing of what it is sent",
    });
    assert.equal((await it.presenceOf(device)).connected, true);
    client.thaw();
    await eventually(
      async () => (await it.presenceOf(device)).state === "online",
      () => "it went on receiving nothing",
    );
    await client.end("SIGTERM");
  },
);

test("a client that leaves with DISCONNECT said goodbye, and its will is not sent; one that breaks away leaves its will", async (it) => {
  const [polite, rude, wilful] = [await it.device(), await it.device(), await it.device()];
  const will = { topic: "me/telemetry", payload: '{"temperature": -1}', qos: 1 };
  const lines = [await it.peer(polite, { will }), await it.peer(rude, { will })];
  const five = await it.peer(wilful, { will, protocolVersion: 5 });
  await it.pass(3);
  lines[0]?.send({ cmd: "disconnect" });
  lines[1]?.destroy();
  five.send({ cmd: "disconnect", reasonCode: 4 }); // with its will
  await it.turns(polite, "offline", goodbye);
  await it.turns(rude, "offline", broken);
  await it.turns(wilful, "offline", goodbye);
  const read = async ({ id }: Device) =>
    (await it.owner.asks.get<{ items: unknown[] }>(`/v1/devices/${id}/telemetry?attribute=temperature`)).items.length;
  for (const [device, count] of [
    [polite, 0],
    [rude, 1],
    [wilful, 1],
  ] as const)
    await eventually(
      async () => (await read(device)) === count,
      () => `there are not ${count} wills`,
    );
});

test("whoever ends TLS without a word, or resets the connection, broke away at once", async (it) => {
  const [ended, reset] = [await it.device(), await it.device()];
  const wire = await Wire.open(it.stage);
  const { peer, socket } = await it.line();
  peer.connect({ clientId: "a", username: ended.key.id, password: ended.key.secret });
  await peer.take("connack");
  await it.peer(reset, {}, wire.port);
  await it.pass(2);
  socket.end();
  await it.turns(ended, "offline", broken);
  await it.pass(1);
  wire.reset();
  await it.turns(reset, "offline", broken);
});

test("a connection whose network dies unnoticed is online for one and a half keep-alives, and then offline", async (it) => {
  const device = await it.device();
  const wire = await Wire.open(it.stage);
  const peer = await it.peer(device, { keepalive: 40 }, wire.port);
  await it.pass(39);
  await peer.quiet();
  wire.die();
  await it.becomes(device, "offline", { at: it.now + 60, because: silence });
});

test("a client without a keep-alive is not away by its silence", async (it) => {
  const device = await it.device();
  await it.peer(device, { keepalive: 0 });
  await it.pass(290);
  await it.is(device, "online");
});

test("a client that only pings stays online, and any packet of it counts", async (it) => {
  const device = await it.device();
  const peer = await it.peer(device, { keepalive: 10 });
  for (let ping = 0; ping < 5; ping += 1) {
    await it.pass(14.5);
    await peer.quiet();
  }
  peer.publish(...measured());
  await peer.take("puback");
  const heardAt = it.now;
  await it.becomes(device, "offline", { at: heardAt + 15, because: silence });
});

test("whoever holds a connection and never says who he is, is nobody's presence, also with half a CONNECT", async (it) => {
  const device = await it.device();
  const { peer } = await it.line();
  const half = await it.line();
  half.peer.raw(0x10, 0x30, 0, 4);
  await it.pass(120);
  assert.deepEqual(await it.presenceOf(device), { state: "never", connected: false });
  await Promise.all([peer.closed(), half.peer.closed()]);
});

test("a client whose session another connection takes over was never away, whichever of its keys that shows", async (it) => {
  const device = await it.device();
  const key = await it.owner.deviceKey(device.id);
  const old = await it.peer(device, { clientId: "one" });
  const { since } = await it.presenceOf(device);
  await it.pass(5);
  const young = await it.peer(device, { clientId: "one", username: key.id, password: key.secret });
  await old.closed();
  assert.equal((await it.is(device, "online")).since, since);
  await it.pass(5);
  young.destroy();
  await it.turns(device, "offline", broken);
});

test("of a device with two clients the last one tells why it is away", async (it) => {
  const device = await it.device();
  const [frozen, other] = [
    await it.peer(device, { clientId: "a", keepalive: 20 }),
    await it.peer(device, { clientId: "b" }),
  ];
  await it.pass(31);
  await frozen.closed();
  await it.is(device, "online");
  other.send({ cmd: "disconnect" });
  await it.turns(device, "offline", goodbye);
});

test("a device is offline because it was suspended, retired or revoked, or because its door or a list shut, from that moment on", async (it) => {
  const devices = await it.devices(5);
  const peers = await Promise.all(devices.map((device) => it.peer(device)));
  const [suspended, retired, revoked, shut, listed] = devices as [Device, Device, Device, Device, Device];
  await it.pass(4);
  const { asks } = it.owner;
  await asks.post(`/v1/devices/${suspended.id}/suspend`);
  await asks.post(`/v1/devices/${retired.id}/retire`);
  await it.owner.revoke(revoked.key.id);
  await asks.put(`/v1/devices/${shut.id}/door`, { transports: ["https"] });
  await it.owner.deny(listed.id, "device");
  await it.turns(suspended, "offline", "suspended");
  await it.turns(retired, "offline", "retired");
  await it.turns(revoked, "offline", "revoked");
  await it.turns(shut, "offline", "its door or a list does not let it in");
  await it.turns(listed, "offline", "its door or a list does not let it in");
  await Promise.all(peers.map((peer) => peer.closed()));
});

test("whoever went and is refused when it comes again is offline for that, since it went", async (it) => {
  const device = await it.device();
  (await it.peer(device)).destroy();
  await it.turns(device, "offline", broken);
  const wentAt = it.now;
  await it.owner.asks.put(`/v1/devices/${device.id}/door`, { transports: ["https"] });
  await it.pass(20);
  const { peer } = await it.line();
  peer.connect({ clientId: "a", username: device.key.id, password: device.key.secret });
  await eventually(
    async () => (await it.presenceOf(device)).because === "it came again, and was refused",
    () => "nobody said that it was refused",
  );
  assert.equal(Date.parse((await it.presenceOf(device)).since ?? ""), it.stage.wallAt(wentAt));
  await it.pass(5);
  await it.owner.asks.put(`/v1/devices/${device.id}/door`, { transports: ["mqtts"] });
  await it.peer(device);
  await it.turns(device, "online");
});

test("whoever breaks the rules of MQTT is offline for that", async (it) => {
  const device = await it.device();
  const peer = await it.peer(device);
  await it.pass(1);
  peer.raw(0, 0); // a packet of a type that there is not
  await it.turns(device, "offline", "it broke the rules of MQTT");
});

test("a client that pings and sends, and acknowledges nothing, receives nothing; what it acknowledges ends that", async (it) => {
  for (const qos of [1, 2]) {
    const device = await it.device();
    const peer = await it.peer(device, { protocolVersion: 5 });
    peer.subscribe(1, "me/commands/+", qos);
    await peer.take("suback");
    await leaves(it, device);
    const sentAt = it.now;
    const sent = await peer.take("publish");
    for (let turn = 0; turn < 4; turn += 1) {
      await it.pass(7);
      await peer.quiet();
      peer.publish(...measured());
      await peer.take("puback");
    }
    await it.becomes(device, "notReceiving", {
      at: sentAt + 30,
      because: "it acknowledges nothing of what it is sent",
    });
    peer.send({ cmd: sent.qos === 2 ? "pubrec" : "puback", messageId: sent.messageId });
    await peer.quiet();
    await it.is(device, "online");
  }
});

test("a client that comes back and acknowledges what waited again receives; one that goes on owing it has thirty seconds anew", async (it) => {
  const device = await it.device();
  const lasting = { clean: false, clientId: "lasting" };
  const first = await it.peer(device, lasting);
  first.subscribe(1, "me/commands/+", 1);
  await first.take("suback");
  await leaves(it, device);
  await it.becomes(device, "notReceiving", {
    at: it.now + 30,
    because: "it acknowledges nothing of what it is sent",
  });
  first.destroy();
  await it.turns(device, "offline", broken);
  await it.pass(3);
  const second = await it.peer(device, lasting);
  const { messageId } = await second.take("publish");
  await it.turns(device, "online");
  await it.becomes(device, "notReceiving", {
    at: it.now + 30,
    because: "it acknowledges nothing of what it is sent",
  });
  second.send({ cmd: "puback", messageId });
  await second.quiet();
  await it.is(device, "online");
});

const tells = "no reading for two of its reporting intervals";

test("a device that is connected and sends nothing within its own interval is silent, whatever else it does, until its next reading", async (it) => {
  const device = await it.device({ reportingInterval: "20s" });
  const other = await it.device(); // of which nobody said how often
  const [peer] = [await it.peer(device), await it.peer(other)];
  await it.pass(39);
  peer.publish(...measured());
  await peer.take("puback");
  const heardAt = it.now;
  for (let ping = 0; ping < 3; ping += 1) {
    await it.pass(10);
    await peer.quiet();
  }
  await it.becomes(device, "silent", { at: heardAt + 40, because: tells });
  await it.is(other, "online");
  peer.publish(...measured());
  await peer.take("puback");
  const again = it.now;
  await it.is(device, "online");
  await it.owner.asks.patch(`/v1/devices/${device.id}`, { reportingInterval: "50s" });
  await it.becomes(device, "silent", { at: again + 100, because: tells });
});

stock("mosquitto that is frozen is silent first and offline then, and that is one alert", async (it) => {
  const device = await it.device({ reportingInterval: "10s" });
  const client = await it.mosquitto(device, "-k", "60", "-t", "me/commands/+");
  await it.rule({ states: ["silent", "offline"], after: "40s" });
  await listens(it, device);
  client.freeze();
  const frozenAt = it.now;
  await it.becomes(device, "silent", { at: frozenAt + 20, because: tells });
  await it.stage.until(frozenAt + 58);
  await it.tells([{ of: [device], state: "raised" }]);
  await it.becomes(device, "offline", { at: frozenAt + 90, because: silence });
  await it.pass(60);
  await it.tells([{ of: [device], state: "raised" }]);
  await client.end("SIGKILL");
});

test("a device that comes and goes six times in five minutes flaps, since then, until it has been steady for two; that is told once", async (it) => {
  const device = await it.device();
  await it.rule({ states: ["flapping", "offline"], after: "30s" });
  for (let turn = 0; turn < 3; turn += 1) {
    const peer = await it.peer(device);
    await it.pass(20);
    peer.destroy();
    if (turn < 2) await it.turns(device, "offline", broken);
    if (turn < 2) await it.pass(15);
  }
  const sentence = "it came and went six times within five minutes, or has not been steady for two since";
  await it.turns(device, "flapping", sentence);
  const began = it.now;
  await it.pass(28);
  assert.deepEqual(await it.alerts(), []);
  await it.tells([{ of: [device], state: "raised" }]);
  const last = await it.peer(device);
  const cameAt = it.now;
  await it.pass(100);
  assert.equal(Date.parse((await it.is(device, "flapping", sentence)).since ?? ""), it.stage.wallAt(began));
  await it.stage.until(cameAt + 119);
  await it.is(device, "flapping", sentence);
  await it.pass(2);
  await it.is(device, "online");
  await it.tells([{ of: [device], state: "cleared" }]);
  last.destroy();
});

test("over a WebSocket a device comes and goes as over TLS: with goodbye, broken, silent", async (it) => {
  const devices = await it.devices(3);
  const { port, ca } = placeOf(it.stage.platform);
  const lines = await Promise.all(
    devices.map(({ key: { id, secret } }) =>
      connectAsync(`wss://localhost:${port}/mqtt`, {
        wsOptions: { ca },
        username: id,
        password: secret,
        reconnectPeriod: 0,
        keepalive: 60,
      }),
    ),
  );
  const [polite, rude, frozen] = devices as [Device, Device, Device];
  for (const line of lines) line.on("error", () => undefined); // how it ends is what is looked at
  const heardAt = it.now;
  await it.pass(6);
  await lines[0]?.endAsync();
  await it.turns(polite, "offline", goodbye);
  lines[1]?.stream.destroy();
  await it.turns(rude, "offline", broken);
  await it.becomes(frozen, "offline", { at: heardAt + 90, because: silence });
});

test("what speaks HTTPS alone was never connected, and is silent when its readings cease", async (it) => {
  const device = await it.device({ reportingInterval: "15s" });
  await it.pass(100);
  assert.deepEqual(await it.presenceOf(device), { state: "never", connected: false });
  await it.rule({ states: ["silent"] });
  await it.deliver(device);
  await it.pass(29);
  await it.is(device, "never");
  await it.deliver(device);
  const heardAt = it.now;
  await it.becomes(device, "silent", { at: heardAt + 30, because: tells });
  await it.stage.until(heardAt + 39);
  await it.tells([{ of: [device], state: "raised" }]);
  await it.deliver(device);
  await it.is(device, "never");
  await it.tells([{ of: [device], state: "cleared" }]);
});

test("what sends frames over a direct socket was never connected, and is silent when its frames cease", async (it) => {
  const device = await it.device({ reportingInterval: "15s" });
  await it.owner.asks.put(`/v1/devices/${device.id}/door`, { transports: ["socket"] });
  const { secret } = await it.owner.asks.post<{ secret: string }>(`/v1/devices/${device.id}/keys`, { kind: "socket" });
  const [end, udp] = [new SocketDevice(secret), new Datagrams(it.stage.udpPort)];
  it.stage.atEnd(() => udp.close());
  for (const _ of [1, 2]) {
    assert.equal(end.heard(await udp.ask(end.frame("temperature=1")), end.counter - 1), "kept");
    await it.is(device, "never");
    await it.becomes(device, "silent", { at: it.now + 30, because: tells });
  }
});

test("a network that loses many at once is told once, and each of them says so", async (it) => {
  const devices = await it.devices(9);
  const wire = await Wire.open(it.stage);
  await it.rule();
  const [stays, ...lost] = devices as [Device, ...Device[]];
  await it.peer(stays);
  for (const device of lost) await it.peer(device, {}, wire.port);
  await it.pass(5);
  wire.reset();
  for (const device of lost) await it.turns(device, "offline", many);
  await it.is(stays, "online");
  await it.pass(9);
  assert.deepEqual(await it.alerts(), []);
  await it.tells([{ of: lost, state: "raised", because: many }]);
  for (const device of lost) await it.peer(device);
  await it.tells([{ of: lost, state: "cleared", because: many }]);
});

test("four that break away at once are each away for themselves", async (it) => {
  const devices = await it.devices(5);
  const peers = await Promise.all(devices.map((device) => it.peer(device)));
  await it.pass(5);
  for (const peer of peers.slice(0, 4)) peer.destroy();
  for (const device of devices.slice(0, 4)) await it.turns(device, "offline", broken);
  await it.pass(30);
  for (const device of devices.slice(0, 4)) await it.is(device, "offline", broken);
});

/** A gateway and its children, of which each was spoken for once. */
async function family(it: Scene, more: Record<string, unknown> = {}, wire?: Wire) {
  const gateway = await it.device();
  const children = await it.devices(3, { gateway: gateway.id });
  const peer = await it.peer(gateway, more, wire?.port);
  for (const { id } of children) {
    peer.publish(...measured(`children/${id}/telemetry`));
    await peer.take("puback");
  }
  return { gateway, children: children as [Device, Device, Device], peer };
}

test("children that a gateway speaks for are online as it is, and not connected; when it freezes they are offline for that, with one alert of the gateway", async (it) => {
  const { gateway, children, peer } = await family(it, { keepalive: 20 });
  const quiet = await it.device({ gateway: gateway.id }); // nobody spoke for it
  const [first, , itself] = children;
  const own = await it.peer(itself);
  await it.rule();
  const heardAt = it.now;
  assert.equal((await it.is(first, "online")).connected, false);
  await it.becomes(gateway, "offline", { at: heardAt + 30, because: silence });
  for (const child of children.slice(0, 2)) await it.is(child, "offline", gone);
  const { since } = await it.presenceOf(gateway);
  assert.equal((await it.presenceOf(first)).since, since);
  await it.is(itself, "online"); // it is there by itself
  assert.deepEqual(await it.presenceOf(quiet), { state: "never", connected: false });
  await it.pass(8);
  await it.tells([{ of: [gateway], state: "raised", because: silence }]);
  await peer.closed();
  await it.pass(30);
  await it.tells([{ of: [gateway], state: "raised", because: silence }]);
  await it.peer(gateway);
  for (const child of children.slice(0, 2)) await it.turns(child, "online");
  await it.tells([{ of: [gateway], state: "cleared", because: silence }]);
  own.destroy();
  await it.turns(itself, "offline", broken);
});

test("where a rule is about children and not about their gateway, all of them together are one alert", async (it) => {
  const { gateway, children, peer } = await family(it);
  for (const { id } of children) await it.owner.asks.patch(`/v1/devices/${id}`, { tags: { kind: "valve" } });
  await it.rule({ of: { tag: { key: "kind", value: "valve" } } });
  await it.pass(3);
  peer.send({ cmd: "disconnect" });
  await it.turns(gateway, "offline", goodbye);
  await it.pass(9);
  await it.tells([{ of: children, state: "raised", because: gone }]);
  await it.peer(gateway);
  await it.tells([{ of: children, state: "cleared", because: gone }]);
});

test("a gateway that comes and goes makes no child flap, and a child that sends nothing is silent though its gateway is there", async (it) => {
  const { gateway, children, peer } = await family(it);
  const [first, second] = children;
  await it.owner.asks.patch(`/v1/devices/${first.id}`, { reportingInterval: "20s" });
  let line = peer;
  for (let turn = 0; turn < 3; turn += 1) {
    await it.pass(5);
    line.destroy();
    await eventually(
      async () => !(await it.presenceOf(gateway)).connected,
      () => "it did not go",
    );
    await it.is(second, "offline", gone);
    line = await it.peer(gateway);
  }
  assert.equal((await it.presenceOf(gateway)).state, "flapping");
  for (const child of [first, second]) await it.turns(child, "online");
  await it.becomes(first, "silent", { at: it.now + 40, because: tells });
  await it.is(second, "online");
});

test("a child that is unbound is no part of what becomes of its former gateway, and one that is bound again follows the new one", async (it) => {
  const { children, peer, gateway } = await family(it);
  const [unbound, moved] = children;
  const other = await it.device();
  const line = await it.peer(other);
  await it.owner.asks.delete(`/v1/devices/${unbound.id}/gateway`);
  await it.owner.asks.put(`/v1/devices/${moved.id}/gateway`, { gateway: other.id });
  await it.pass(2);
  assert.equal((await it.presenceOf(unbound)).state, "never");
  peer.destroy();
  await it.turns(gateway, "offline", broken);
  await it.is(moved, "online");
  line.publish(...measured(`children/${moved.id}/telemetry`));
  await line.take("puback");
  await it.pass(2);
  line.destroy();
  await it.turns(moved, "offline", gone);
});

test("the device's own program that is frozen is away by its keep-alive, comes again by itself, and is killed", async (it) => {
  const device = await it.device();
  const { mqttsUrl, caPem } = it.stage.platform.platform;
  const program = path.join(import.meta.dirname, "presence-program.fixture.ts");
  const child = spawn(process.execPath, [program], { stdio: ["pipe", "inherit", "inherit"] });
  const client = new Frozen(child);
  it.stage.atEnd(() => void client.end("SIGKILL"));
  child.stdin.end(JSON.stringify({ url: mqttsUrl, ca: caPem, key: device.key, keepAlive: 30 }));
  await it.turns(device, "online");
  await listens(it, device);
  client.freeze();
  await it.becomes(device, "offline", { at: it.now + 45, because: silence });
  client.thaw();
  await it.turns(device, "online");
  await it.pass(5);
  await client.end("SIGKILL");
  await it.turns(device, "offline", broken);
});

test("setting the machine's clock, forward and back, begins and ends nothing, and what is waited for comes when it would have", async (it) => {
  const device = await it.device({ reportingInterval: "50s" });
  const frozen = await it.device();
  await it.rule({ states: ["silent", "offline"] });
  await it.peer(device);
  await it.peer(frozen, { keepalive: 80 });
  const heardAt = it.now;
  await it.stage.until(60.5);
  it.stage.setClock(3_600_000);
  await it.is(device, "online");
  await it.is(frozen, "online");
  await it.becomes(device, "silent", { at: heardAt + 100, because: tells });
  await it.becomes(frozen, "offline", { at: heardAt + 120, because: silence });
  await it.pass(3);
  const raised = (await it.alerts()).map(({ state, count }) => [state, count]);
  assert.deepEqual(raised, [["raised", 1]], "of the one that has been away for so long");
  await it.stage.restarted();
});

// What outlasts a restart.

test("after a restart whoever was connected is offline because the platform stopped, and online once it is back; that is not told", async (it) => {
  const devices = await it.devices(2);
  await it.rule();
  for (const device of devices) await it.peer(device);
  const [back, stays] = devices as [Device, Device];
  await it.stage.restarted();
  for (const device of devices) await it.is(device, "offline", stopped);
  const startedAt = it.now;
  await it.pass(60);
  await it.peer(back);
  await it.turns(back, "online");
  await it.stage.until(startedAt + 118);
  assert.deepEqual(await it.alerts(), []);
  await it.tells([{ of: [stays], state: "raised", because: stopped }]);
});

stock("after a restart mosquitto comes back by itself", async (it) => {
  const device = await it.device();
  await it.rule();
  const client = await it.mosquitto(device, "-k", "65535", "-t", "me/commands/+");
  await it.stage.restarted();
  await it.turns(device, "online");
  await it.pass(140);
  assert.deepEqual(await it.alerts(), []);
  await client.end("SIGTERM");
  await it.turns(device, "offline", goodbye);
});

test("an alert that is open stays so over a restart, and is cleared when its device is back", async (it) => {
  const device = await it.device();
  await it.rule();
  (await it.peer(device)).destroy();
  await it.turns(device, "offline", broken);
  const { since } = await it.presenceOf(device);
  await it.pass(9);
  await it.tells([{ of: [device], state: "raised", because: broken }]);
  await it.stage.restarted();
  assert.equal((await it.is(device, "offline", broken)).since, since);
  await it.pass(125);
  await it.tells([{ of: [device], state: "raised", because: broken }]);
  await it.peer(device);
  await it.tells([{ of: [device], state: "cleared", because: broken }]);
});

test("children follow their gateway over a restart", async (it) => {
  const { gateway, children } = await family(it);
  await it.rule();
  await it.stage.restarted();
  for (const device of [gateway, ...children]) await it.is(device, "offline", stopped);
  await it.pass(50);
  const peer = await it.peer(gateway);
  for (const child of children) await it.turns(child, "online");
  await it.pass(80);
  assert.deepEqual(await it.alerts(), []);
  peer.destroy();
  for (const child of children) await it.turns(child, "offline", gone);
  await it.pass(9);
  await it.tells([{ of: [gateway], state: "raised", because: broken }]);
});

test("a device that is connected and silent is so after a restart too, once it is back, and its alert stays open", async (it) => {
  const device = await it.device({ reportingInterval: "10s" });
  await it.rule({ states: ["silent"] });
  const first = await it.peer(device);
  await it.becomes(device, "silent", { at: it.now + 20, because: tells });
  const { since } = await it.presenceOf(device);
  await it.pass(8);
  await it.tells([{ of: [device], state: "raised" }]);
  await it.stage.restarted();
  await first.closed();
  await it.is(device, "offline", stopped);
  await it.pass(3);
  const peer = await it.peer(device);
  assert.equal((await it.is(device, "silent", tells)).since, since);
  await it.pass(125);
  await it.tells([{ of: [device], state: "raised" }]);
  peer.publish(...measured());
  await peer.take("puback");
  await it.is(device, "online");
  await it.tells([{ of: [device], state: "cleared" }]);
});

test("silence and flapping outlast a restart, and both are counted anew", async (it) => {
  const [silent, flapping] = [await it.device({ reportingInterval: "10s" }), await it.device()];
  await it.deliver(silent);
  await it.becomes(silent, "silent", { at: it.now + 20, because: tells });
  await it.stage.until(200);
  for (let turn = 0; turn < 3; turn += 1) {
    (await it.peer(flapping)).destroy();
    await eventually(
      async () => !(await it.presenceOf(flapping)).connected,
      () => "it did not go",
    );
  }
  const since = async (device: Device, state: string) => {
    const presence = await it.presenceOf(device);
    assert.equal(presence.state, state);
    return presence.since;
  };
  const before = [await since(silent, "silent"), await since(flapping, "flapping")];
  await it.pass(70);
  await it.stage.restarted();
  assert.deepEqual([await since(silent, "silent"), await since(flapping, "flapping")], before);
  const startedAt = it.now;
  await it.stage.until(startedAt + 118);
  await since(flapping, "flapping");
  await it.stage.until(startedAt + 122);
  await it.is(flapping, "offline", broken);
  await it.deliver(silent);
  await it.is(silent, "never");
});

const stage = await Stage.set();
atEnd.after(() => stage.close());
const played = await stage.play(scenes);

for (const name of [...scenes.keys(), ...skipped])
  reported(name, { skip: skipped.has(name) && "there is no mosquitto_sub" }, () => {
    const came = played.get(name);
    if (came?.status !== "fulfilled") throw came?.reason ?? new Error("it was not played");
  });

reported("each of at least twenty presences was played with a real client", () => {
  assert.ok(played.size >= 20);
});
