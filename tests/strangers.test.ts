import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect as connectPlain } from "node:net";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout } from "node:timers/promises";
import tls from "node:tls";
import { Client, type LiveEvent, type LiveStranger } from "@holdfast/client";
import { nodeTransport } from "@holdfast/client/node";
import { newId, systemClock, systemRandom } from "@holdfast/kernel";
import { connectAsync } from "mqtt";
import { WebSocket } from "ws";
import { atEnd, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { placeOf } from "./clients.fixture.ts";

const clock = new TestClock(systemClock.now());
const platform = await startTestPlatform({ clock, timers: clock });
atEnd.after(() => platform.close());
const place = placeOf(platform);
const { visitor } = platform;
const owner = await platform.setUp();
const me = visitor.as(owner.token);
const application = await me.post<{ id: string }>("/v1/applications", { name: "Greenhouse" });
const { token } = await me.post<{ token: string }>("/v1/tokens", { name: "watcher", grants: ["telemetry.read"] });
const nobodysKey = newId("key", systemRandom);
const secret = `hfs_${"s".repeat(49)}`;

type Look = { readonly seen: readonly LiveStranger[]; until(count: number): Promise<readonly LiveStranger[]> };

/** What somebody sees who looks out for strangers. A second has passed since the last one did, so that all are told again. */
async function lookOut(t: TestContext, by = token, strangers: "true" | "false" = "true"): Promise<Look> {
  const stopping = new AbortController();
  const client = new Client({ url: place.url, token: by, transport: nodeTransport({ ca: place.ca }) });
  t.after(() => {
    stopping.abort();
    client.close();
  });
  clock.move(1_000);
  const seen: LiveStranger[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const note = (event: LiveEvent) => event.type === "stranger" && seen.push(event.data);
  const follow = async () => {
    for await (const event of client.watch({ strangers }, { signal: stopping.signal, onOpen: resolve })) note(event);
  };
  follow().catch(reject); // after it has opened, that is only our own end
  await promise;
  return {
    seen,
    async until(count) {
      for (let waited = 0; seen.length < count && waited < 5_000; waited += 5) await setTimeout(5);
      return seen;
    },
  };
}

const told = ({ seen }: Look) => seen.map(({ address, transport, code }) => `${address} ${transport} ${code}`);

/** Whether there is such a program here. */
async function runs(program: string, ...args: string[]): Promise<boolean> {
  const child = spawn(program, args, { stdio: ["pipe", "ignore", "ignore"], env: { PATH: process.env["PATH"] } });
  child.stdin.on("error", () => {}); // it may be gone already
  child.stdin.end("Q\n");
  return new Promise((resolve) => {
    child.once("error", () => resolve(false));
    child.once("close", () => resolve(true));
  });
}

const ports = [
  ["http", place.port],
  ["mqtt", place.mqttPort],
] as const;

for (const [transport, port] of ports) {
  test(`a client that does not trust the certificate of the ${transport} port is seen, whichever it is`, async (t) => {
    const look = await lookOut(t);
    const expected: string[] = [];
    const expect = (code: string) => expected.push(`127.0.0.1 ${transport} ${code}`);
    const curl = transport === "http" ? "tls.untrusted" : "tls.wrongPort"; // which it is told before it sees a certificate
    for (const more of [[], ["--tls-max", "1.2"]])
      if (await runs("curl", "-s", "-m", "10", ...more, `https://localhost:${port}/`)) expect(curl);
    const openssl = ["s_client", "-connect", `localhost:${port}`, "-verify_return_error"];
    if (await runs("openssl", ...openssl)) expect("tls.untrusted");
    const node = tls.connect({ host: "localhost", port, ca: [] });
    await once(node, "error");
    expect("tls.brokenOff");
    await look.until(expected.length);
    assert.deepEqual(told(look), expected);
    assert.match(look.seen.at(-1)?.title ?? "", /\/security\/certificates/);
  });

  test(`whoever speaks without TLS to the ${transport} port, or an old one, is seen, and not who only looks whether it is open`, async (t) => {
    const look = await lookOut(t);
    const say = async (bytes: string) => {
      const socket = connectPlain(port, "127.0.0.1");
      await once(socket, "connect");
      socket.end(bytes, "latin1");
      socket.resume();
      socket.on("error", () => {}); // a reset is as good as an end
      await new Promise<void>((resolve) => socket.once("close", () => resolve()));
    };
    await say("");
    await say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await say("\x10\x18\0\x04MQTT\x04\x02\0\x3c\0\x0cgarden-meter"); // a CONNECT
    await look.until(2);
    const old = tls.connect({
      host: "localhost",
      port,
      maxVersion: "TLSv1.1",
      minVersion: "TLSv1",
      ciphers: "ALL:@SECLEVEL=0",
    });
    await once(old, "error");
    await look.until(3);
    assert.deepEqual(
      told(look),
      ["plain", "plain", "incompatible"].map((code) => `127.0.0.1 ${transport} tls.${code}`),
    );
  });
}

test("mosquitto, told to trust others, is seen", async (t) => {
  const look = await lookOut(t);
  const others = path.join(platform.database.folder, "others.pem");
  writeFileSync(others, tls.rootCertificates[0] ?? "");
  const to = ["-h", "localhost", "-p", String(place.mqttPort), "--cafile", others];
  if (!(await runs("mosquitto_pub", ...to, "-t", "me/telemetry", "-m", "{}")))
    return t.skip("there is no mosquitto_pub");
  await look.until(1);
  assert.deepEqual(told(look), ["127.0.0.1 mqtt tls.untrusted"]);
});

test("a client of MQTT that was given no certificate to trust, or no key that is known, is seen, and one of HTTP too", async (t) => {
  const look = await lookOut(t);
  const options = { reconnectPeriod: 0, username: nobodysKey, password: secret };
  await assert.rejects(connectAsync(platform.platform.mqttsUrl, options));
  await look.until(1);
  await assert.rejects(connectAsync(platform.platform.mqttsUrl, { ...options, ca: place.ca }));
  await assert.rejects(
    connectAsync(platform.platform.mqttsUrl, { ...options, ca: place.ca, username: "me", password: "x" }),
  );
  await assert.rejects(connectAsync(platform.platform.mqttsUrl, { ca: place.ca, reconnectPeriod: 0 }));
  await look.until(4);
  for (const shown of [`${nobodysKey}.${secret}`, "nonsense", "hf_nonsense"])
    await visitor.as(shown).send("POST", "/v1/me/telemetry", { body: { t: 1 } });
  await visitor.send("POST", "/v1/me/telemetry", { body: { t: 1 } });
  await look.until(8);
  const of = (transport: string, code: string) => `127.0.0.1 ${transport} ${code}`;
  const unknown = (transport: string) => of(transport, "credential.invalid");
  assert.deepEqual(told(look), [
    of("mqtt", "tls.brokenOff"),
    ...Array.from({ length: 3 }, () => unknown("mqtt")),
    ...Array.from({ length: 3 }, () => unknown("http")),
    of("http", "credential.missing"),
  ]);
  assert.ok(!JSON.stringify(look.seen).includes(nobodysKey.slice(4)), "what was shown is not shown on");
});

test("a stranger from elsewhere is seen by who runs the platform, and by nobody else; and who did not ask sees none", async (t) => {
  const [mine, admin, deaf] = [await lookOut(t), await lookOut(t, owner.token), await lookOut(t, owner.token, "false")];
  const hangUp = async (localAddress: string) => {
    const socket = tls.connect({
      host: "127.0.0.1",
      servername: "localhost",
      port: place.mqttPort,
      localAddress,
      ca: [],
    } as tls.ConnectionOptions); // Node hands it on to the socket, and its types do not say so
    await once(socket, "error");
  };
  await hangUp("127.0.0.2");
  await admin.until(1);
  await hangUp("127.0.0.1");
  await Promise.all([admin.until(2), mine.until(1)]);
  assert.deepEqual(told(mine), ["127.0.0.1 mqtt tls.brokenOff"]);
  assert.deepEqual(told(admin), ["127.0.0.2 mqtt tls.brokenOff", "127.0.0.1 mqtt tls.brokenOff"]);
  assert.deepEqual(told(deaf), []);
});

test("whoever has a device is no stranger, whatever it is refused", async (t) => {
  const look = await lookOut(t);
  const device = await me.post<{ id: string; key: { id: string } }>("/v1/devices", {
    application: application.id,
    name: "Pump",
  });
  const { key } = await me.post<{ key: { secret: string } }>("/v1/devices", {
    application: application.id,
    name: "Other",
  });
  await visitor.as(`${device.key.id}.${key.secret}`).send("POST", "/v1/me/telemetry", { body: { t: 1 } });
  await visitor.as(token).send("GET", "/v1/devices");
  await visitor.send("GET", "/healthz");
  await visitor.as("nonsense").send("GET", "/v1/me"); // the one that is
  await look.until(1);
  assert.equal(look.seen.length, 1);
});

test("over a WebSocket strangers are asked for in the address or in the first frame", async (t) => {
  for (const way of ["address", "frame"]) {
    clock.move(1_000);
    const socket = new WebSocket(`${place.url}/v1/live${way === "address" ? "?strangers=true" : ""}`, { ca: place.ca });
    t.after(() => socket.terminate());
    await once(socket, "open");
    socket.send(JSON.stringify({ token, ...(way === "frame" && { strangers: "true" }) }));
    const first = once(socket, "message");
    let isSeen = false;
    void first.then(() => (isSeen = true));
    // Whoever is let in is told nothing before there is something to tell.
    while (!isSeen) {
      await visitor.as("nonsense").send("GET", "/v1/me");
      await setTimeout(5);
    }
    const [data] = (await first) as [Buffer];
    assert.partialDeepStrictEqual(JSON.parse(data.toString()), { event: "stranger", transport: "http" });
  }
});
