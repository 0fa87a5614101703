import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { systemClock } from "@holdfast/kernel";
import { connectAsync } from "mqtt";
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
const device = await me.post<{ id: string; key: { id: string; secret: string } }>("/v1/devices", {
  application: application.id,
  name: "Pump",
});

type Problem = { code: string };

/** Lets time pass until something has happened: what is waited for may begin a moment after the client saw its part. */
async function passing(milliseconds: number, until: Promise<unknown>): Promise<void> {
  let isDone = false;
  void until.then(() => (isDone = true));
  while (!isDone) {
    clock.move(milliseconds);
    await setTimeout(5);
  }
}

test("two hundred who never finish a request slow nobody down, and are hung up on", async () => {
  const lines = await Promise.all(
    Array.from({ length: 200 }, async (_, at) => {
      const line = await dial(place, place.port, { ALPNProtocols: at % 2 === 0 ? ["http/1.1"] : ["h2"] });
      // A head that does not end; a connection preface (RFC 9113, 3.4) that does not either.
      line.socket.write(at % 2 === 0 ? "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: " : "PRI * HTTP/2.0\r\n");
      return line;
    }),
  );
  let median = Infinity;
  for (let tries = 0; median >= 100 && tries < 3; tries += 1) {
    const times: number[] = [];
    for (let round = 0; round < 20; round += 1) {
      const began = performance.now();
      assert.equal((await me.send("GET", "/v1/me")).status, 200);
      times.push(performance.now() - began);
    }
    median = times.toSorted((a, b) => a - b)[10] ?? Infinity;
  }
  assert.ok(median < 100, `${median} ms`);
  clock.move(9_000);
  for (const { socket } of lines) socket.write("a");
  assert.equal(lines.filter(({ socket }) => socket.destroyed).length, 0, "they have ten seconds");
  await passing(1_100, Promise.all(lines.map((line) => line.toTheEnd())));
});

test("a connection that asks nothing more is kept for a minute, in both versions", async () => {
  using line = await dial(place, place.port);
  line.socket.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  assert.match(await line.until(/ok/), /Keep-Alive: timeout=60/);
  using client = http2(place);
  await client.ask({ ":path": "/healthz" });
  clock.move(59_000);
  line.socket.write("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
  await line.until(/ready/);
  assert.equal((await client.ask({ ":path": "/healthz" })).status, 200);
  line.socket.write("GET /hea");
  const closed = once(client.session, "close");
  await passing(60_000, Promise.all([line.toTheEnd(), closed]));
});

test("a body that does not arrive in half a minute is refused, and the connection ended", async () => {
  const slow = "POST /v1/me/telemetry HTTP/1.1\r\nHost: x\r\n";
  using line = await dial(place, place.port);
  line.socket.write(
    `${slow}X-Auth-Token: ${device.key.id}.${device.key.secret}\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n`,
  );
  await line.until(/100 Continue/);
  line.socket.write("{");
  clock.move(29_000);
  line.socket.write('"t"');
  clock.move(1_100);
  assert.match(await line.until(/request\.tooSlow/), /HTTP\/1\.1 408 [^]*connection: close/i);
  await passing(2_000, line.toTheEnd());

  using client = http2(place);
  const stream = client.session.request({
    ":method": "POST",
    ":path": "/v1/me/telemetry",
    "x-auth-token": `${device.key.id}.${device.key.secret}`,
    expect: "100-continue",
  });
  await once(stream, "continue");
  stream.write("{");
  clock.move(30_000);
  const [headers] = (await once(stream, "response")) as [Record<string, unknown>]; // what the event carries
  assert.equal(headers[":status"], 408);
  stream.resume();
  await once(stream, "close");
});

test("an answer that nobody reads is given up after two minutes", async () => {
  using client = http2(place, { initialWindowSize: 100 });
  const stream = client.session.request({ ":path": "/openapi.json" });
  await once(stream, "response");
  stream.on("error", () => {}); // it is reset
  await passing(30_000, new Promise((resolve) => stream.once("close", resolve)));
});

test("the rest of a caller's budget stands on each answer, and one who overdraws it is told how long to wait", async () => {
  const { token } = await me.post<{ token: string }>("/v1/tokens", { name: "busy", grants: ["application.read"] });
  const first = await visitor.as(token).send("GET", "/v1/me");
  assert.equal(first.headers["ratelimit-policy"], '"credential";q=2000;w=10');
  assert.equal(first.headers["ratelimit"], '"credential";r=1999;t=1');
  using client = http2(place);
  const ask = () => client.ask({ ":path": "/v1/me", "x-auth-token": token });
  for (let left = 1_999; left > 0; left -= 50) {
    await Promise.all(Array.from({ length: Math.min(50, left) }, ask));
  }
  const refused = await ask();
  assert.deepEqual([refused.status, (JSON.parse(refused.text) as Problem).code], [429, "rate.exceeded"]);
  assert.equal(refused.headers["retry-after"], "1");
  assert.equal((await me.send("GET", "/v1/me")).status, 200, "others are not slowed");
  clock.move(1_000);
  assert.equal((await ask()).headers["ratelimit"], '"credential";r=199;t=10');
});

test("setting up and signing in are few for each address, because each costs a slow hash", async () => {
  const attempt = () =>
    visitor.send<Problem>("POST", "/v1/setup", {
      body: { secret: "x", email: "a@b.example", password: "long enough it is", org: "x" },
    });
  const codes = [];
  for (let count = 0; count < 31; count += 1) codes.push((await attempt()).body.code);
  assert.deepEqual(new Set(codes.slice(0, 29)), new Set(["setup.invalid"]));
  assert.equal(codes.at(-1), "rate.exceeded");
  clock.move(5_000);
  assert.equal((await attempt()).body.code, "setup.invalid");
});

test("whoever guesses is told to wait, and a good credential from the same address passes all the same", async () => {
  const reports = platform.reports.length;
  const guess = () => visitor.as(`${device.key.id}.hfs_${"A".repeat(49)}`).send<Problem>("GET", "/v1/me");
  const codes = [];
  for (let attempt = 0; attempt < 65; attempt += 1) codes.push((await guess()).body.code);
  assert.deepEqual(codes, [...Array<string>(60).fill("credential.invalid"), ...Array<string>(5).fill("rate.exceeded")]);
  const limited = await guess();
  assert.deepEqual([limited.status, limited.headers["retry-after"]], [429, "1"]);
  assert.equal((await visitor.as(`${device.key.id}.${device.key.secret}`).send("GET", "/v1/me")).status, 200);
  assert.equal((await visitor.send("GET", "/healthz")).status, 200);
  clock.move(10_000);
  assert.equal((await guess()).body.code, "credential.invalid", "after a while there are attempts again");
  clock.move(50_000);
  const lines = platform.reports.slice(reports).filter((line) => /without a good credential/.test(line));
  assert.equal(lines.length, 1, "one line a minute, not one an attempt");
});

test("the same holds for MQTT, and for both together", async () => {
  const connect = (password: string, protocolVersion: 4 | 5) =>
    connectAsync(platform.platform.mqttsUrl, {
      ca: place.ca,
      username: device.key.id,
      password,
      protocolVersion,
      reconnectPeriod: 0,
    });
  for (let attempt = 0; attempt < 60; attempt += 1) {
    await visitor.as(`${device.key.id}.hfs_${"A".repeat(49)}`).send("GET", "/v1/me");
  }
  await assert.rejects(connect(`hfs_${"A".repeat(49)}`, 5), { code: 0x9f });
  await assert.rejects(connect(`hfs_${"A".repeat(49)}`, 4), { code: 3 });
  const client = await connect(device.key.secret, 5);
  await client.publishAsync("me/telemetry", '{"t": 1}', { qos: 1 });
  await client.endAsync();
});

test("an MQTT client that has fallen silent is let go after one and a half keep-alives", async () => {
  const client = await connectAsync(platform.platform.mqttsUrl, {
    ca: place.ca,
    username: device.key.id,
    password: device.key.secret,
    protocolVersion: 5,
    keepalive: 20,
    reconnectPeriod: 0,
  });
  const told = new Promise((resolve) => client.once("disconnect", ({ reasonCode }) => resolve(reasonCode)));
  clock.move(29_000);
  await client.publishAsync("me/telemetry", '{"t": 2}', { qos: 1 });
  await passing(10_000, told);
  assert.equal(await told, 0x8d);
  await client.endAsync(true);
});
