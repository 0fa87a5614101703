import assert from "node:assert/strict";
import { test } from "node:test";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { Owner, textOf, type Device, type Token } from "./authority.fixture.ts";
import { closedWithin, events, mqtt, shown, webSocket, type Held } from "./revocation.fixture.ts";

// What is revoked is cut off: within a second, whatever it holds open, and nothing comes or goes afterwards.
const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const { visitor } = platform;
const ours = new Owner(visitor, await platform.setUp());
const patience = 1_000; // milliseconds

/** Devices of these are ended; the feeder is not. */
const application = await ours.application();
const product = await ours.product();
const feeding = await ours.application("Feeding");
const feeder = await ours.device(feeding.id);
const feed = (value: number, device: Device = feeder) =>
  visitor.as(textOf(device.key)).post("/v1/me/telemetry", { temperature: value });

type Prepared = { readonly held: readonly Held[]; readonly credential: string; end(): Promise<unknown> };
type Case = { readonly name: string; prepare(): Promise<Prepared> };

const slowest = { name: "", milliseconds: 0 };

/** Every way to watch a device with one credential. */
async function watching(credential: string, device = feeder.id): Promise<Held[]> {
  const [username, password] = credential.startsWith("hf_") ? ["me", credential] : credential.split(".");
  const as = { username: username ?? "", password: password ?? "" };
  const [three, five, over] = await Promise.all([
    mqtt(platform, { ...as, protocolVersion: 4 }),
    mqtt(platform, {
      ...as,
      protocolVersion: 5,
      properties: { sessionExpiryInterval: 3_600 },
      clean: false,
      clientId: `five-${as.password.slice(-9)}`,
    }),
    mqtt(platform, { ...as, over: "wss" }),
  ]);
  for (const { client } of [three, five, over]) await client.subscribeAsync(`devices/${device}/telemetry`, { qos: 1 });
  return [await events(platform, credential, device), await webSocket(platform, credential, device), three, five, over];
}

const token = (grants = ["telemetry.read"]) => ours.tokenOf(grants);
const watchers: Case[] = [
  {
    name: "a token",
    async prepare() {
      const { id, token: text } = await token();
      return { credential: text, held: await watching(text), end: () => ours.revoke(id) };
    },
  },
  {
    name: "a token by what made it",
    async prepare() {
      const parent = await ours.operatorKey();
      const between = await visitor.as(textOf(parent)).post<Token>("/v1/tokens", { name: "between", grants: ["*"] });
      const child = await visitor
        .as(between.token)
        .post<Token>("/v1/tokens", { name: "child", grants: ["telemetry.read"] });
      return { credential: child.token, held: await watching(child.token), end: () => ours.revoke(parent.id) };
    },
  },
  {
    name: "an operator key",
    async prepare() {
      const key = await ours.operatorKey();
      return { credential: textOf(key), held: await watching(textOf(key)), end: () => ours.revoke(key.id) };
    },
  },
  {
    name: "an access key by its application",
    async prepare() {
      const key = await ours.accessKey(feeding.id);
      const end = () => ours.asks.post("/v1/revocations", { about: feeding.id, ends: ["programs"] });
      return { credential: textOf(key), held: await watching(textOf(key)), end };
    },
  },
  {
    name: "all programs of the organisation",
    async prepare() {
      const { token: text } = await token();
      const end = () => ours.asks.post("/v1/revocations", { about: ours.org, ends: ["programs"] });
      return { credential: text, held: await watching(text), end };
    },
  },
  {
    name: "a token for a device that is moved out of its reach",
    async prepare() {
      const { token: text } = await token([`telemetry.read:tag:site=here`]);
      await ours.asks.patch(`/v1/devices/${feeder.id}`, { tags: { site: "here" } });
      const held = await watching(text);
      // The subscription stays, because a tag may come back; its messages do not come, and the streams of the device end.
      return {
        credential: text,
        held: held.slice(0, 2),
        end: () => ours.asks.patch(`/v1/devices/${feeder.id}`, { tags: {} }),
      };
    },
  },
];

test("whatever watches is closed when its credential ends, and gets nothing that comes afterwards", async (t) => {
  for (const { name, prepare } of watchers) {
    const { held, end, credential } = await prepare();
    await shown(held, 1_001.5, () => feed(1_001.5)); // it does watch
    const from = performance.now();
    await end();
    await feed(9_009.5);
    for (const one of held) {
      const milliseconds = await closedWithin(one, from, patience);
      assert.ok(!one.seen().includes("9009.5"), `${one.name} of ${name} got what came afterwards`);
      if (milliseconds > slowest.milliseconds) Object.assign(slowest, { name: `${one.name} of ${name}`, milliseconds });
    }
    const again = await visitor.as(credential).send("GET", `/v1/devices/${feeder.id}/telemetry/latest`);
    assert.ok(again.status === 401 || again.status === 404, name);
  }
  t.diagnostic(`slowest: ${slowest.name}, ${slowest.milliseconds.toFixed(1)} ms`);
});

const devices: { name: string; end(device: Device): Promise<unknown> }[] = [
  { name: "its key is revoked", end: ({ key }) => ours.revoke(key.id) },
  { name: "it is suspended", end: ({ id }) => ours.asks.post(`/v1/devices/${id}/suspend`) },
  { name: "it is retired", end: ({ id }) => ours.asks.post(`/v1/devices/${id}/retire`) },
  { name: "it is deleted", end: ({ id }) => ours.asks.delete(`/v1/devices/${id}`) },
  { name: "everything under it is ended", end: ({ id }) => ours.asks.post("/v1/revocations", { about: id }) },
  {
    name: "everything under its product is ended",
    end: () => ours.asks.post("/v1/revocations", { about: product.id, ends: ["devices"] }),
  },
  {
    name: "everything under its application is ended",
    end: () => ours.asks.post("/v1/revocations", { about: application.id }),
  },
];

test("a device is silent when it is ended: its connections close, what it sends afterwards is not kept, and its will is not published", async (t) => {
  const worst = { name: "", milliseconds: 0 };
  for (const { name, end } of devices) {
    const device = await ours.device(application.id, { product: product.id });
    const as = { username: device.key.id, password: device.key.secret };
    const will = { topic: "me/telemetry", payload: Buffer.from('{"will":1}'), qos: 1, retain: false } as const;
    const all = await Promise.all([
      mqtt(platform, { ...as, clientId: "three", protocolVersion: 4, will, clean: false }),
      mqtt(platform, {
        ...as,
        clientId: "five",
        protocolVersion: 5,
        will,
        properties: { sessionExpiryInterval: 3_600 },
        clean: false,
      }),
      mqtt(platform, { ...as, clientId: "web", over: "wss", will }),
    ]);
    let sent = 0;
    let kept = 0;
    let isOver = false;
    // Each sends as fast as it can, and goes on until it is closed.
    const sending = all.map(async ({ client }) => {
      while (client.connected) {
        sent += 1;
        const gone = client.publishAsync("me/telemetry", JSON.stringify({ count: sent }), { qos: 1 }).then(
          () => (kept += 1),
          () => undefined,
        );
        await Promise.race([gone, new Promise(setImmediate)]);
        if (isOver) await new Promise(setImmediate);
      }
    });
    while (kept < 20) await new Promise(setImmediate);
    const from = performance.now();
    await end(device);
    const before = sent;
    isOver = true;
    for (const one of all) {
      const milliseconds = await closedWithin(one, from, patience);
      if (milliseconds > worst.milliseconds) Object.assign(worst, { name: `${one.name} when ${name}`, milliseconds });
    }
    await Promise.all(sending);
    const refused = await visitor.as(textOf(device.key)).send("POST", "/v1/me/telemetry", { body: { count: 1e9 } });
    assert.equal(refused.status, name === "it is suspended" ? 403 : 401);
    await assert.rejects(
      mqtt(platform, { ...as, clientId: "five", protocolVersion: 5, clean: false }),
      /refused|authorized|password/i,
    );
    const { items } = await ours.asks.get<{ items: { attribute: string }[] }>(
      `/v1/devices/${device.id}/telemetry/latest`,
    );
    assert.deepEqual(
      items.map(({ attribute }) => attribute),
      ["count"],
      `no will when ${name}`,
    );
    const { items: counts } = await ours.asks.get<{ items: { value: number }[] }>(
      `/v1/devices/${device.id}/telemetry?attribute=count&limit=10000`,
    );
    const last = Math.max(...counts.map(({ value }) => value));
    assert.ok(counts.length >= kept && last <= before, `${last} was sent after ${before}, and kept, when ${name}`);
  }
  t.diagnostic(`slowest: ${worst.name}, ${worst.milliseconds.toFixed(1)} ms`);
});

test("a sign-in ends with the people, a program's token stays, and the other way round", async () => {
  const password = { email: "owner@example.com", password: "correct horse battery staple" };
  const signIn = () => visitor.post<{ token: string }>("/v1/sign-in", { ...password, org: ours.org });
  const statusOf = async (text: string) => (await visitor.as(text).send("GET", "/v1/me")).status;
  const person = await signIn();
  const program = await visitor.as(person.token).post<Token>("/v1/tokens", { name: "program", grants: ["org.read"] });
  const held = await events(platform, person.token, feeder.id);
  const from = performance.now();
  await ours.asks.post("/v1/revocations", { about: ours.person, ends: ["people"] });
  await closedWithin(held, from, patience);
  assert.deepEqual([await statusOf(person.token), await statusOf(program.token)], [401, 200]);
  assert.equal(await statusOf(ours.token), 401, "whoever asked for it as well");
  const again = new Owner(visitor, { org: ours.org, person: ours.person, token: (await signIn()).token });
  await again.asks.post("/v1/revocations", { about: ours.person, ends: ["programs"] });
  assert.deepEqual([await statusOf(again.token), await statusOf(program.token)], [200, 401]);
});
