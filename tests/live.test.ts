import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { systemClock } from "@holdfast/kernel";
import { connectAsync } from "mqtt";
import { WebSocket } from "ws";
import { atEnd, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { dial, http2, placeOf } from "./clients.fixture.ts";

// Clients compare certificates with the machine's time and cannot be told another, so that is where the clock starts.
const clock = new TestClock(systemClock.now());
const platform = await startTestPlatform({ clock, timers: clock });
atEnd.after(() => platform.close());
const place = placeOf(platform);
const { visitor } = platform;
const owner = await platform.setUp();
const me = visitor.as(owner.token);
const application = await me.post<{ id: string }>("/v1/applications", { name: "Greenhouse" });

type Problem = { code: string };
type Device = { id: string; key: { id: string; secret: string } };
const makeDevice = (name: string, tags = {}) =>
  me.post<Device>("/v1/devices", { application: application.id, name, tags });
const send = (device: Device, body: unknown) =>
  visitor.as(`${device.key.id}.${device.key.secret}`).post("/v1/me/telemetry", body);
const token = async (...grants: string[]) =>
  await me.post<{ id: string; token: string }>("/v1/tokens", { name: "watcher", grants });

type Event = { event: string; device?: string; values?: Record<string, unknown>; because?: string };
type Stream = { events: Event[]; until(count: number): Promise<Event[]>; over: Promise<unknown>; stop(): void };

/** The same stream by each of the three ways in. */
const ways = {
  "HTTP/1.1": overHttp1,
  "HTTP/2": overHttp2,
  WebSocket: (credential: string, query?: string) => overWebSocket(credential, query, "header"),
  "WebSocket with a first frame": (credential: string, query?: string) => overWebSocket(credential, query, "frame"),
};

async function overHttp1(credential: string, query = ""): Promise<Stream> {
  const line = await dial(place, place.port);
  line.socket.write(`GET /v1/live${query} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: ${credential}\r\n\r\n`);
  await line.until(/Readings follow/);
  // Without the heads of its chunks (RFC 9112, 7.1).
  const read = () =>
    eventsIn(
      Buffer.from(line.seen(), "latin1")
        .toString()
        .replaceAll(/\r\n[0-9a-f]+\r\n/g, ""),
    );
  // The answer ends with its last chunk; the connection may go on.
  return streamOf(read, line.until(/\r\n0\r\n\r\n$/), () => line.socket.destroy());
}

async function overHttp2(credential: string, query = ""): Promise<Stream> {
  const { session } = http2(place);
  const stream = session.request({ ":path": `/v1/live${query}`, "x-auth-token": credential });
  let text = "";
  stream.setEncoding("utf8").on("data", (part) => (text += part));
  stream.on("error", () => {}); // a reset is as good as an end
  const over = new Promise((resolve) => stream.once("close", resolve));
  await once(stream, "data");
  return streamOf(
    () => eventsIn(text),
    over,
    () => session.destroy(),
  );
}

async function overWebSocket(credential: string, query = "", by: "header" | "frame"): Promise<Stream> {
  const headers = by === "header" ? { authorization: `Bearer ${credential}` } : {};
  const socket = new WebSocket(`${place.url}/v1/live${query}`, { ca: place.ca, headers });
  const events: Event[] = [];
  socket.on("message", (data: Buffer) => {
    const event = JSON.parse(data.toString()) as Event; // what the platform sends
    if (isLookedAt(event)) events.push(event);
  });
  const over = new Promise((resolve) => socket.once("close", (code, reason) => resolve(`${code} ${String(reason)}`)));
  await once(socket, "open");
  if (by === "frame") socket.send(JSON.stringify({ token: credential }));
  // Whoever is let in is told nothing before the first reading, so the platform is asked how many there are.
  await watching();
  return streamOf(
    () => events,
    over,
    () => socket.terminate(),
  );
}

/** In steps, so that clients hear what is said in between. */
async function passing(milliseconds: number): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += 400) {
    clock.move(400);
    await setTimeout(1);
  }
}

let watchers = 0;
async function watching(): Promise<void> {
  for (let count = 0; count < 400; count += 1) {
    if ((await liveStreams()) > watchers) break;
    await setTimeout(5);
  }
}

async function liveStreams(): Promise<number> {
  const { text } = await visitor.send("GET", "/metrics");
  return Number(/^holdfast_live_streams (\d+)$/m.exec(text)?.[1]);
}

function eventsIn(text: string): Event[] {
  const found = text.matchAll(/^event: (\w+)\ndata: (.*)\n\n/gm);
  return [...found]
    .map(([, event, data]) => ({ event, ...(JSON.parse(data ?? "") as object) }) as Event) // what the platform sends
    .filter(isLookedAt);
}

/** Who comes and goes meanwhile is tried with presence. */
const isLookedAt = ({ event }: Event): boolean => event !== "presence";

function streamOf(read: () => Event[], over: Promise<unknown>, stop: () => void): Stream {
  return {
    get events() {
      return read();
    },
    async until(count) {
      for (let waited = 0; read().length < count && waited < 10_000; waited += 5) await setTimeout(5);
      return read();
    },
    over,
    stop,
  };
}

for (const [way, open] of Object.entries(ways)) {
  test(`over ${way} readings are told as they are kept, whichever way they came`, async () => {
    const [device, other] = [await makeDevice("Pump"), await makeDevice("Valve")];
    watchers = await liveStreams();
    const one = await open(owner.token, `?device=${device.id}`);
    watchers = await liveStreams();
    const all = await open(owner.token);
    await send(other, { open: true });
    await send(device, { time: "2026-01-01T10:00:00Z", values: JSON.parse('{"temperature":21.5,"__proto__":"own"}') });
    const client = await connectAsync(platform.platform.mqttsUrl, {
      ca: place.ca,
      username: device.key.id,
      password: device.key.secret,
    });
    await client.publishAsync("me/telemetry", '{"temperature": 22, "note": "über"}', { qos: 1 });
    await client.endAsync();

    const events = await one.until(2);
    assert.deepEqual(
      events.map(({ event, device: from, values }) => [event, from, JSON.stringify(values)]),
      [
        ["reading", device.id, '{"temperature":21.5,"__proto__":"own"}'],
        ["reading", device.id, '{"temperature":22,"note":"über"}'],
      ],
    );
    assert.deepEqual(
      (await all.until(3)).map(({ device: from }) => from),
      [other.id, device.id, device.id],
    );
    one.stop();
    all.stop();
  });

  test(`over ${way} a stream ends with the token that it was opened with, and nothing is told after that`, async () => {
    const device = await makeDevice("Pump");
    const { id, token: credential } = await token(`telemetry.read:${device.id}`);
    watchers = await liveStreams();
    const stream = await open(credential);
    await send(device, { t: 1 });
    await stream.until(1);
    await me.delete(`/v1/credentials/${id}`);
    await send(device, { t: 2 });
    await stream.over;
    assert.deepEqual(
      stream.events.map(({ event }) => event),
      ["reading", "end"],
    );
    assert.match(stream.events.at(-1)?.because ?? "", /ended/);
    stream.stop();
  });

  test(`over ${way} a stream ends when its token expires`, async () => {
    const { token: credential } = await me.post<{ token: string }>("/v1/tokens", {
      name: "short",
      grants: ["telemetry.read"],
      expiresIn: "30s",
    });
    watchers = await liveStreams();
    const stream = await open(credential);
    // The platform may be a little ahead of this clock: it goes by the greatest time that its database has seen.
    await passing(40_000);
    await stream.over;
    assert.deepEqual(
      stream.events.map(({ because }) => because),
      ["the credential has expired"],
    );
    stream.stop();
  });
}

test("what a watcher may not read any more is not told, though its stream goes on", async () => {
  const [mine, theirs] = [await makeDevice("Mine", { site: "a" }), await makeDevice("Theirs", { site: "a" })];
  const { token: credential } = await token("telemetry.read:tag:site=a");
  const stream = await overHttp1(credential);
  await send(theirs, { t: 1 });
  await stream.until(1);
  await me.patch(`/v1/devices/${theirs.id}`, { tags: { site: "b" } });
  await send(theirs, { t: 2 });
  await send(mine, { t: 3 });
  assert.deepEqual(
    (await stream.until(2)).map(({ values }) => values),
    [{ t: 1 }, { t: 3 }],
  );
  stream.stop();
});

test("who may not watch is told why, in the same words over HTTP and over a WebSocket", async () => {
  const device = await makeDevice("Pump");
  const { token: blind } = await token("device.read");
  const { token: narrow } = await token(`telemetry.read:${(await makeDevice("Other")).id}`);
  const cases: [string | undefined, string, number, string][] = [
    [undefined, "", 401, "credential.missing"],
    ["nonsense", "", 401, "credential.invalid"],
    [blind, "", 403, "permit.missing"],
    [owner.token, `?device=dev_${"0".repeat(32)}`, 404, "device.unknown"],
    [narrow, `?device=${device.id}`, 404, "device.unknown"],
    [owner.token, "?device=pump", 400, "request.malformed"],
    [owner.token, `?device=${device.id}&devise=1`, 400, "request.malformed"],
    [`${device.key.id}.${device.key.secret}`, "", 403, "permit.missing"],
  ];
  for (const [credential, query, status, code] of cases) {
    const asked = credential === undefined ? visitor : visitor.as(credential);
    const answer = await asked.send<Problem>("GET", `/v1/live${query}`);
    assert.deepEqual([answer.status, answer.body.code], [status, code], `${query} ${code}`);
    for (const by of ["header", "frame"] as const) {
      const headers = by === "header" && credential !== undefined ? { "x-auth-token": credential } : {};
      const socket = new WebSocket(`${place.url}/v1/live${query}`, { ca: place.ca, headers });
      const closed = once(socket, "close");
      await once(socket, "open");
      socket.send(credential === undefined ? "{}" : JSON.stringify({ token: credential }));
      const [got, reason] = await closed;
      assert.deepEqual([got, String(reason)], [4_000 + status, code]);
    }
  }
});

test("a WebSocket that shows nothing within ten seconds is closed", async () => {
  const socket = new WebSocket(`${place.url}/v1/live`, { ca: place.ca });
  const closed = once(socket, "close");
  await once(socket, "open");
  clock.move(10_000);
  assert.equal((await closed)[0], 4_408);
  const big = new WebSocket(`${place.url}/v1/live`, { ca: place.ca });
  const tooBig = once(big, "close");
  await once(big, "open");
  big.send("x".repeat(100_000));
  assert.equal((await tooBig)[0], 1009);
});

test("proxies and clients hear something every fifteen seconds", async () => {
  const line = await dial(place, place.port);
  line.socket.write(`GET /v1/live HTTP/1.1\r\nHost: x\r\nX-Auth-Token: ${owner.token}\r\n\r\n`);
  await line.until(/Readings follow/);
  const socket = new WebSocket(`${place.url}/v1/live`, { ca: place.ca, headers: { "x-auth-token": owner.token } });
  const opened = once(socket, "open");
  watchers = await liveStreams();
  await opened;
  await watching();
  const ping = once(socket, "ping");
  clock.move(15_000);
  await Promise.all([line.until(/\n:\n\n/), ping]);
  line.socket.destroy();
  socket.terminate();
});

test("a watcher who does not read is let go, and the others miss nothing", async () => {
  const device = await makeDevice("Chatty");
  watchers = await liveStreams();
  const stuck = await dial(place, place.port);
  stuck.socket.write(`GET /v1/live HTTP/1.1\r\nHost: x\r\nX-Auth-Token: ${owner.token}\r\n\r\n`);
  await stuck.until(/Readings follow/);
  stuck.socket.pause();
  const narrow = http2(place, { initialWindowSize: 100 });
  const unread = narrow.session.request({ ":path": "/v1/live", "x-auth-token": owner.token });
  unread.on("error", () => {}); // it is reset
  await once(unread, "response");
  const awake = await overHttp2(owner.token);
  const text = "x".repeat(4_000);
  const body = Array.from({ length: 200 }, () => ({ note: text }));
  let sent = 0;
  while ((await liveStreams()) > watchers + 1 && sent < 60) {
    await send(device, body);
    sent += 1;
    // It reads in this process, too, and who falls behind is let go as well.
    assert.equal((await awake.until(sent * 200)).length, sent * 200);
  }
  assert.ok(sent < 60, "they were let go");
  stuck.socket.destroy();
  narrow.session.destroy();
  awake.stop();
});

test("one credential has a hundred streams at most", async () => {
  const { token: greedy } = await token("telemetry.read");
  const clients = [http2(place), http2(place)];
  const ask = (at: number) => {
    const stream = clients[at % 2]?.session.request({ ":path": "/v1/live", "x-auth-token": greedy });
    return new Promise<number>((resolve) => stream?.once("response", (headers) => resolve(Number(headers[":status"]))));
  };
  const answers = await Promise.all(Array.from({ length: 102 }, (_, at) => ask(at)));
  assert.equal(answers.filter((status) => status === 200).length, 100);
  assert.equal(answers.filter((status) => status === 429).length, 2);
  for (const client of clients) client.session.destroy();
});
