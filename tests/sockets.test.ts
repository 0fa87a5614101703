import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { Client } from "@holdfast/client";
import { nodeTransport } from "@holdfast/client/node";
import { systemClock, type Id } from "@holdfast/kernel";
import fc from "fast-check";
import { atEnd, freshDatabase, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import vectors from "../vectors/socket.json" with { type: "json" };
import { Owner, type Thing } from "./authority.fixture.ts";
import { placeOf } from "./clients.fixture.ts";
import { Datagrams, SocketDevice } from "./sockets.fixture.ts";

// Frames over UDP and TCP, as devices send them, on the real platform.
const clock = new TestClock(systemClock.now());
const database = await freshDatabase();
const config = { udpPort: 0, tcpPort: 0 };
const start = () => startTestPlatform({ clock, database, config });
let platform = await start();
let owner = new Owner(platform.visitor, await platform.setUp());
let other = new Owner(platform.visitor, await platform.setUp());
const application = await owner.application();
const portOf = (url = "") => Number(new URL(url).port);
let udp = new Datagrams(portOf(platform.platform.sockets.udp));
atEnd.after(async () => {
  udp.close();
  await platform.close();
  await database.drop();
});

const open = { transports: ["https", "mqtts", "wss", "socket"] };
const setDoor = (of: Thing, door: object, by = owner) => by.asks.put(`/v1/devices/${of.id}/door`, door);
type Secret = { readonly id: string; readonly secret: string };
const mint = (of: Thing, more: object = {}, by = owner) =>
  by.asks.post<Secret>(`/v1/devices/${of.id}/keys`, { kind: "socket", ...more });

async function device({ door = open, by = owner, ...more }: { door?: object; by?: Owner; attributes?: string[] } = {}) {
  const of = by === owner ? application : await by.application();
  const made = await by.device(of.id);
  if (Object.keys(door).length > 0) await setDoor(made, door, by);
  const key = await mint(made, more, by);
  return { id: made.id, key, end: new SocketDevice(key.secret) };
}
type Made = Awaited<ReturnType<typeof device>>;

async function valuesOf({ id }: Made, attribute = "temperature", by = owner): Promise<unknown[]> {
  type Page = { items: { value: unknown }[] };
  const path = `/v1/devices/${id}/telemetry?attribute=${attribute}&limit=1000`;
  return (await by.asks.get<Page>(path)).items.map(({ value }) => value);
}

test("a sealed reading of two values takes 44 bytes with names and 25 with numbers in their place, is kept, and the answer says so", async () => {
  const made = await device({ attributes: ["temperature", "humidity"] });
  const named = made.end.frame(Uint8Array.fromHex("a26b74656d7065726174757265f94d606868756d69646974791830"));
  const numbered = made.end.frame(Uint8Array.fromHex("a200f94d60011830"));
  assert.deepEqual([named.length, numbered.length], [44, 25]);
  const told: (string | undefined)[] = [];
  for (const [at, frame] of [named, numbered].entries()) {
    const answer = await udp.ask(frame);
    assert.ok(answer.length <= 13);
    told.push(made.end.heard(answer, at));
  }
  assert.deepEqual(told, ["kept", "kept"]);
  assert.equal(made.end.heard(await udp.ask(made.end.frame("temperature=-3.25 humidity=50")), 2), "kept");
  assert.deepEqual(await valuesOf(made), [21.5, 21.5, -3.25]);
  assert.deepEqual(await valuesOf(made, "humidity"), [48, 48, 50]);
});

test("a frame is kept once, however often it comes, and what is older than what is remembered never; also after a restart", async () => {
  const made = await device();
  const frames = [1, 2, 3].map((value) => made.end.frame(`temperature=${value}`));
  for (const [at, frame] of frames.entries()) assert.equal(made.end.heard(await udp.ask(frame), at), "kept");
  for (const [at, frame] of frames.entries()) assert.equal(made.end.heard(await udp.ask(frame), at), "kept");
  const late = made.end.frame("temperature=99", { counter: 40, boot: 1 });
  assert.equal(made.end.heard(await udp.ask(late), 40), "kept");
  udp.close();
  await platform.close();
  platform = await start();
  udp = new Datagrams(portOf(platform.platform.sockets.udp));
  [owner, other] = [new Owner(platform.visitor, owner), new Owner(platform.visitor, other)];
  // Counters 0 to 2 are 38 and more behind; 40 was kept, 20 was never there, and an earlier boot is past for good.
  for (const frame of frames) udp.send(frame);
  udp.send(made.end.frame("temperature=98", { boot: 0, counter: 50 }));
  assert.equal(made.end.heard(await udp.ask(late), 40), "kept");
  assert.equal(made.end.heard(await udp.ask(made.end.frame("temperature=4", { boot: 1, counter: 20 })), 20), "kept");
  assert.equal(made.end.heard(await udp.ask(made.end.frame("temperature=5", { boot: 2, counter: 0 })), 0, 2), "kept");
  for (const frame of [late, ...frames]) udp.send(frame);
  assert.equal(made.end.heard(await udp.ask(made.end.frame("temperature=6", { boot: 2, counter: 1 })), 1, 2), "kept");
  assert.equal(udp.answers.length, 4);
  assert.deepEqual(await valuesOf(made), [1, 2, 3, 99, 4, 5, 6]);
});

test("nobody who has not got the secret is answered, whatever he sends, and nothing of it is kept", async () => {
  const [made, theirs] = [await device(), await device({ by: other })];
  const good = made.end.frame("temperature=1");
  assert.equal(made.end.heard(await udp.ask(good), 0), "kept");
  const count = udp.answers.length;
  const asOther = new SocketDevice(theirs.key.secret);
  const mixed = new SocketDevice(`hfu_${made.end.address}${theirs.key.secret.slice(16)}`);
  const unknown = new SocketDevice(`hfu_${"00".repeat(22)}`);
  for (const frame of [
    mixed.frame("temperature=2", { counter: 5, boot: 1 }),
    unknown.frame("temperature=2"),
    good.with(-1, (good.at(-1) ?? 0) ^ 1),
    made.end.frame("temperature=2", { counter: 6, boot: 1 }).with(8, 7),
    new TextEncoder().encode(`${made.end.address} temperature=2`),
    new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"),
    new Uint8Array(),
    randomBytes(1_500),
  ])
    udp.send(frame);
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), fc.boolean(), async (bytes, isAddressed) => {
      udp.send(isAddressed ? Uint8Array.of(0x93, ...good.subarray(1, 7), ...bytes) : bytes);
      await new Promise(setImmediate);
    }),
    { numRuns: 300 },
  );
  assert.equal(asOther.heard(await udp.ask(asOther.frame("temperature=7")), 0), "kept");
  assert.equal(made.end.heard(await udp.ask(made.end.frame("temperature=8")), 1), "kept");
  assert.equal(udp.answers.length, count + 2);
  assert.deepEqual([await valuesOf(made), await valuesOf(theirs, undefined, other)], [[1, 8], [7]]);
});

test("a frame with a wrong tag is dropped without an answer, counted, and counter and boot stay where they were", async () => {
  const made = await device();
  const framesOf = async (outcome: string) => {
    const { text } = await platform.visitor.send("GET", "/metrics");
    return Number(new RegExp(`^holdfast_socket_frames_total\\{outcome="${outcome}"\\} (\\d+)$`, "m").exec(text)?.[1]);
  };
  assert.equal(made.end.heard(await udp.ask(made.end.frame("temperature=1")), 0), "kept");
  const [forged, kept, answers] = [await framesOf("forged"), await framesOf("kept"), udp.answers.length];
  const good = made.end.frame("temperature=2");
  // Boot and counter are a byte each, behind the address. Of boot 0 it is past, and nobody looks into it.
  const places = Array.from(good.keys()).slice(8);
  for (const at of places) udp.send(good.with(at, (good[at] ?? 0) ^ 1));
  udp.send(good.with(7, 5));
  assert.equal(made.end.heard(await udp.ask(good), 1), "kept");
  assert.equal(udp.answers.length, answers + 1);
  assert.equal(await framesOf("forged"), forged + places.length + 1);
  assert.equal(await framesOf("kept"), kept + 1);
  assert.deepEqual(await valuesOf(made), [1, 2]);
});

test("a socket is closed where no door opens it, opens in the mode that the door takes at least, and an organisation forbids all at once", async () => {
  const made = await device({ door: {} });
  const ask = async (mode: "sealed" | "signed" = "sealed") => {
    const counter = made.end.counter;
    return made.end.heard(
      await udp.ask(made.end.frame("temperature=1", { mode, counter: made.end.counter++, boot: 1 })),
      counter,
    );
  };
  assert.equal(await ask(), "later");
  await setDoor(made, { transports: ["https"] });
  assert.equal(await ask(), "later");
  await setDoor(made, open);
  assert.deepEqual([await ask(), await ask("signed")], ["kept", "later"]);
  await setDoor(made, { ...open, socket: "signed" });
  assert.deepEqual([await ask(), await ask("signed")], ["kept", "kept"]);
  await setDoor(made, { ...open, tls: "TLSv1.2" });
  assert.equal(await ask(), "later");
  await setDoor(made, { ...open, socket: "plain" });
  for (const [leastTransport, expected] of [
    ["sealed", ["kept", "later"]],
    ["tls", ["later", "later"]],
    ["plain", ["kept", "kept"]],
  ] as const) {
    await owner.asks.patch("/v1/org", { demands: { devices: { leastTransport } } });
    assert.deepEqual([await ask(), await ask("signed")], expected, leastTransport);
  }
  await owner.asks.patch("/v1/org", { demands: { devices: { leastTls: "TLSv1.2" } } });
  assert.equal(await ask(), "later");
  await owner.asks.patch("/v1/org", { demands: {} });
  const why = await owner.asks.post<{ because: string }>("/v1/explain", {
    credential: made.key.id,
    action: "telemetry.write",
    resource: made.id,
    transport: "https",
  });
  assert.match(why.because, /grants telemetry.write/);
});

test("plain text is taken where a door says so, is never answered, and the device says so wherever it appears", async () => {
  const made = await device({ door: { ...open, socket: "plain" } });
  type Shown = { findings: string[] };
  assert.deepEqual((await owner.asks.get<Shown>(`/v1/devices/${made.id}`)).findings, ["plain", "neverSeen"]);
  const count = udp.answers.length;
  const line = (text: string) => new TextEncoder().encode(`${made.end.address} ${text}`);
  for (const text of ["temperature=1", "temperature=true no", "temperature=2 ", 'temperature=3 note="a b"\n'])
    udp.send(line(text));
  assert.equal(made.end.heard(await udp.ask(made.end.frame("temperature=4")), 0), "kept");
  assert.equal(udp.answers.length, count + 1);
  assert.deepEqual(await valuesOf(made), [1, 3, 4]);
  assert.deepEqual(await valuesOf(made, "note"), ["a b"]);
  await setDoor(made, open);
  assert.deepEqual((await owner.asks.get<Shown>(`/v1/devices/${made.id}`)).findings, []);
});

test("what will never be kept is told apart from what may be later; a secret that is over is not answered", async () => {
  const made = await device();
  const say = async (payload: string) => {
    const { counter } = made.end;
    return made.end.heard(await udp.ask(made.end.frame(payload)), counter);
  };
  assert.equal(await say("temperature=1"), "kept");
  assert.equal(await say("temperature"), "refused");
  assert.equal(await say('temperature="warm"'), "refused");
  await owner.asks.post(`/v1/devices/${made.id}/suspend`);
  assert.equal(await say("temperature=2"), "later");
  await owner.asks.post(`/v1/devices/${made.id}/resume`);
  assert.equal(await say("temperature=3"), "kept");
  await setDoor(made, { ...open, rate: { perMinute: 1, burst: 1 } });
  assert.deepEqual([await say("temperature=4"), await say("temperature=5")], ["kept", "later"]);
  await setDoor(made, open);
  const next = await device();
  await owner.asks.delete(`/v1/credentials/${made.key.id}`);
  const count = udp.answers.length;
  udp.send(made.end.frame("temperature=6"));
  assert.equal(next.end.heard(await udp.ask(next.end.frame("temperature=7")), 0), "kept");
  assert.equal(udp.answers.length, count + 1);
  assert.deepEqual(await valuesOf(made), [1, 3, 4]);
});

test("a secret that somebody hands in is over, and neither its address alone nor another's secret ends one", async () => {
  const [made, other] = [await device(), await device()];
  assert.equal(made.end.heard(await udp.ask(made.end.frame("temperature=1")), 0), "kept");
  const report = async (secret: string) => {
    clock.move(1_000);
    const { status, body } = await platform.visitor.send("POST", "/v1/leaks", { body: { secret } });
    return JSON.stringify([status, body]);
  };
  const { secret } = made.key;
  const mixed = secret.slice(0, 16) + other.key.secret.slice(16);
  for (const wrong of [mixed, `hfu_${"00".repeat(22)}`, secret.slice(0, 16), other.key.secret.slice(0, -1)])
    assert.equal(await report(wrong), "[200,{}]");
  assert.equal(made.end.heard(await udp.ask(made.end.frame("temperature=2")), 1), "kept");
  for (let time = 0; time < 2; time += 1) assert.equal(await report(` ${secret}\n`), "[200,{}]");
  const count = udp.answers.length;
  udp.send(made.end.frame("temperature=3"));
  assert.equal(other.end.heard(await udp.ask(other.end.frame("temperature=4")), 0), "kept");
  assert.equal(udp.answers.length, count + 1);
  type Shown = { state: string; findings: string[] };
  const { state, findings } = await owner.asks.get<Shown>(`/v1/credentials/${made.key.id}`);
  assert.deepEqual([state, findings], ["revoked", ["leaked"]]);
  assert.deepEqual(await valuesOf(made), [1, 2]);
});

test("over TCP the same frames come behind their length, and whoever drips, lies about it or is nobody is hung up on", async () => {
  const made = await device();
  const port = portOf(platform.platform.sockets.tcp);
  const framed = (frame: Uint8Array) => Buffer.concat([Uint8Array.of(frame.length >> 8, frame.length & 255), frame]);
  const client = connect(port, "127.0.0.1");
  await once(client, "connect");
  const both = Buffer.concat([framed(made.end.frame("temperature=1")), framed(made.end.frame("temperature=2"))]);
  let heard = Buffer.alloc(0);
  client.on("data", (more: Buffer) => (heard = Buffer.concat([heard, more])));
  client.write(both.subarray(0, 1));
  for (const byte of both.subarray(1, 50)) client.write(Uint8Array.of(byte));
  client.write(both.subarray(50));
  while (heard.length < 24) await once(client, "data");
  for (const at of [0, 1]) {
    const answer = heard.subarray(at * 12 + 2, at * 12 + 12);
    assert.equal(made.end.heard(new Uint8Array(answer), at), "kept");
  }
  client.destroy();
  for (const bad of [
    Uint8Array.of(255, 255),
    framed(randomBytes(40)),
    framed(new SocketDevice(`hfu_${"11".repeat(22)}`).frame("a=1")),
  ]) {
    const liar = connect(port, "127.0.0.1");
    const closed = new Promise((resolve) => liar.once("close", resolve)); // `once` would fail with a reset, which is as good as an end
    liar.on("error", () => liar.destroy()).write(bad);
    await closed;
  }
  assert.deepEqual(await valuesOf(made), [1, 2]);
});

test("whoever watches a device sees what came by its socket, and what was refused there and why", async () => {
  const made = await device();
  const { url, ca } = placeOf(platform);
  const client = new Client({ url, token: owner.token, transport: nodeTransport({ ca }) });
  const stream = new AbortController();
  const seen: string[] = [];
  const { promise: watching, resolve: onOpen } = Promise.withResolvers<void>();
  const { promise: whole, resolve: enough } = Promise.withResolvers<void>();
  const follow = async () => {
    for await (const event of client.watch({ device: made.id as Id<"device"> }, { signal: stream.signal, onOpen })) {
      if (event.type !== "reading" && event.type !== "refused") continue;
      seen.push(`${event.data.transport} ${event.type === "refused" ? event.data.code : event.type}`);
      if (seen.length === 4) enough();
    }
  };
  const followed = follow().catch((error: unknown) => assert.ok(stream.signal.aborted, String(error)));
  await watching;
  assert.equal(made.end.heard(await udp.ask(made.end.frame("temperature=1", { boot: 1, counter: 50 })), 50), "kept");
  const wrong = made.end.frame("temperature=2", { boot: 1, counter: 51 });
  udp.send(wrong.with(-1, (wrong.at(-1) ?? 0) ^ 1));
  udp.send(made.end.frame("temperature=3", { boot: 1, counter: 3 }));
  udp.send(made.end.frame("temperature", { boot: 1, counter: 52 }));
  await whole;
  stream.abort();
  await followed;
  assert.deepEqual(seen.toSorted(), [
    "socket credential.invalid",
    "socket frame.past",
    "socket reading",
    "socket telemetry.malformed",
  ]);
});

test("a flood of frames under unknown addresses costs little, and nobody else his answer", async () => {
  const unknown = Array.from({ length: 2_000 }, () => Uint8Array.of(0x93, ...randomBytes(6), 1, 0, ...randomBytes(30)));
  const made = await device();
  assert.equal(made.end.heard(await udp.ask(made.end.frame("temperature=1")), 0), "kept");
  const count = udp.answers.length;
  const began = process.cpuUsage();
  for (const [at, frame] of unknown.entries()) {
    udp.send(frame);
    // No more than the platform takes in one turn of this process: what is beyond the system's room for them it drops, of whomever it is.
    if (at % 20 === 19) await new Promise(setImmediate);
  }
  const counter = made.end.counter;
  assert.equal(made.end.heard(await udp.ask(made.end.frame("temperature=2")), counter), "kept");
  const { user, system } = process.cpuUsage(began);
  assert.equal(udp.answers.length, count + 1);
  // Sender and platform are one process here: a twentieth of a millisecond each, about, and a whole one at most on a busy machine.
  assert.ok((user + system) / unknown.length < 1_000, `${(user + system) / unknown.length} µs a frame`);
});

// The encoder for devices, in C: compiled here, held against the vectors, and run against the platform.
const source = path.join(import.meta.dirname, "../examples/socket.c");
const folder = mkdtempSync(path.join(tmpdir(), "socket-c-"));
atEnd.after(async () => rmSync(folder, { recursive: true, force: true }));
const program = path.join(folder, "socket");

function uncompiled(): string | false {
  try {
    execFileSync("cc", ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O2", "-o", program, source]);
    return false;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT")
      return "this machine has no C compiler (cc)";
    throw error;
  }
}
const skip = uncompiled();

const run = async (...args: string[]): Promise<{ code: unknown; out: string }> => {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  let out = "";
  child.stdout.on("data", (more: Buffer) => (out += more.toString()));
  const [code] = await once(child, "close");
  return { code, out };
};

test("the encoder in C has fewer than two hundred lines, and makes the frames of the vectors", { skip }, async () => {
  assert.ok(readFileSync(source, "utf8").split("\n").length - 1 < 200);
  const lines = vectors.valid.filter(({ isText, wantsAnswer }) => isText && wantsAnswer);
  assert.ok(lines.length >= 4);
  for (const { mode, boot, counter, payload, frame, what } of lines) {
    const line = new TextDecoder().decode(Uint8Array.fromHex(payload));
    const flags = mode === "signed" ? ["--signed", "--print"] : ["--print"];
    assert.equal((await run(...flags, "x", "0", vectors.text, `${boot}`, `${counter}`, line)).out, frame, what);
  }
});

test(
  "a device in C sends over UDP and TCP, hears what became of it, and is let in no further than its door says",
  { skip },
  async () => {
    const made = await device();
    const port = String(portOf(platform.platform.sockets.udp));
    const tcp = String(portOf(platform.platform.sockets.tcp));
    const send = async (counter: number, line: string, ...flags: string[]) =>
      (await run(...flags, "127.0.0.1", port, made.key.secret, "1", `${counter}`, line)).code;
    assert.equal(await send(0, "temperature=21.5 humidity=48"), 0);
    assert.equal(await send(0, "temperature=21.5 humidity=48"), 0);
    assert.equal(await send(1, "temperature"), 2);
    assert.equal(await send(2, "temperature=22", "--signed"), 3);
    assert.deepEqual(await valuesOf(made), [21.5]);
    const sendByTcp = async (counter: number, line: string, ...flags: string[]) =>
      (await run("--tcp", ...flags, "127.0.0.1", tcp, made.key.secret, "1", `${counter}`, line)).code;
    assert.deepEqual([await sendByTcp(200, "temperature=23"), await sendByTcp(200, "temperature=23")], [0, 0]);
    assert.deepEqual([await sendByTcp(201, "temperature"), await sendByTcp(202, "temperature=24", "--signed")], [2, 3]);
    assert.deepEqual(new Set(await valuesOf(made)), new Set([21.5, 23]));
    assert.equal((await valuesOf(made)).length, 2, "once each");
  },
);
