import assert from "node:assert/strict";
import { test } from "node:test";
import pg from "pg";
import { atEnd, startTestPlatform, waitingFor } from "../apps/server/src/testing/index.ts";
import { dumpOf } from "./at-rest/dump.ts";
import { Search } from "./at-rest/search.ts";
import { Owner, secretIn, textOf } from "./authority.fixture.ts";
import { mqtt } from "./revocation.fixture.ts";

// What lies in the database, past every door of ours: whoever reads its rows finds ids, times and counts, and no content.
const platform = await startTestPlatform();
const { visitor } = platform;
const owner = new Owner(visitor, await platform.setUp());
const { tls: _, ...config } = platform.database.login;
const database = new pg.Client(config);
await database.connect();
atEnd.after(async () => {
  await database.end();
  await platform.close();
});

const number = 731_982_645_017_263;
const lasting = { clean: false, protocolVersion: 5, properties: { sessionExpiryInterval: 600 } } as const;

test("what an organisation wrote is in no row of any table as it wrote it, in whatever form", async () => {
  await owner.asks.patch("/v1/org", { name: "Zinnia works" });
  const application = await owner.application("Zinnia hall");
  const product = await owner.asks.post<{ id: string }>("/v1/products", {
    name: "Zinnia pump",
    attributes: { "Zinnia-level": { type: "number" } },
  });
  const device = await owner.device(application.id, {
    name: "Zinnia 1",
    product: product.id,
    alias: "Zinnia-1",
    tags: { Zinnia: "Zinnia row" },
  });
  const token = await owner.tokenOf([`telemetry.read:tag:Zinnia=Zinnia row`], { name: "Zinnia token" });
  await visitor.as(textOf(device.key)).post("/v1/me/telemetry", { "Zinnia-level": number, note: "Zinnia blooms" });
  await owner.asks.patch(`/v1/devices/${device.id}/twin`, { desired: { "Zinnia-level": number, note: "Zinnia wish" } });
  await visitor.as(textOf(device.key)).send("PATCH", "/v1/me/twin", { body: { note: "Zinnia is so" } });
  const command = { name: "Zinnia-water", body: { note: "Zinnia asks", n: number } };
  const { id } = await owner.asks.post<{ id: string }>(`/v1/devices/${device.id}/commands`, command);
  await visitor.as(textOf(device.key)).get("/v1/me/commands");
  await visitor.as(textOf(device.key)).post(`/v1/me/replies/${id}`, { result: "Zinnia is watered" });
  const to = { tag: { key: "Zinnia", value: "Zinnia row" } };
  await owner.asks.post("/v1/command-batches", { to, name: "Zinnia-all" });
  await owner.member({ email: "zinnia-here@example.com", password: "Zinnia blooms in May" }, "owner");
  const invitation = await owner.invite("zinnia-guest@example.com");
  await owner.asks.send("GET", "/v1/devices/Zinnia");
  // Somebody who is away, and what is kept for that: a session with its name, filters and will, and a queue; and a retained message.
  const away = await mqtt(platform, {
    ...lasting,
    username: "Zinnia",
    password: owner.token,
    clientId: "Zinnia client",
    will: {
      topic: `devices/${device.id}/telemetry`,
      payload: Buffer.from('{"Zinnia-level":0}'),
      qos: 1,
      retain: false,
    },
  });
  await away.client.subscribeAsync(["devices/#", "Zinnia/#"], { qos: 1 });
  await away.client.endAsync();
  const line = await mqtt(platform, { username: device.key.id, password: device.key.secret });
  const reading = JSON.stringify({ "Zinnia-level": number, note: "Zinnia blooms" });
  await line.client.publishAsync("me/telemetry", reading, { qos: 1, retain: true });
  await line.client.endAsync();
  const { rows: kept } = await database.query("select from holdfast.message_log");
  assert.ok(kept.length > 0);
  const search = new Search({
    word: "Zinnia",
    email: "owner@example.com",
    password: "correct horse battery staple",
    member: "zinnia-here",
    guest: "zinnia-guest",
    invitation: secretIn(invitation),
    number,
    "device's secret": device.key.secret,
    token: token.token,
    "owner's token": owner.token,
  });
  const found = await dumpOf(database);
  assert.ok(found.includes(Buffer.from(device.id.slice(4, 12))), "identifiers are readable");
  assert.deepEqual(search.in(found, "the rows"), []);
  // It is all there, for whoever may read it.
  const { items } = await owner.asks.get<{ items: { value: unknown }[] }>(`/v1/devices/${device.id}/telemetry/latest`);
  assert.deepEqual(
    items.map(({ value }) => value),
    [number, "Zinnia blooms"],
  );
});

/** Somebody holds this table, so that no commit comes through. */
async function holdBack(table: "log" | "message_log"): Promise<void> {
  const device = await owner.device((await owner.application()).id);
  const away = await mqtt(platform, { ...lasting, username: "program", password: owner.token, clientId: table });
  await away.client.subscribeAsync(`devices/${device.id}/telemetry`, { qos: 2 });
  await away.client.endAsync();
  const line = await mqtt(platform, { username: device.key.id, password: device.key.secret });
  await line.client.publishAsync("me/telemetry", '{"level":1}', { qos: 1 });
  const holder = new pg.Client(config);
  await holder.connect();
  await holder.query(`begin; lock table holdfast.${table} in exclusive mode`);
  const answered: string[] = [];
  line.client.on("packetreceive", ({ cmd }) => answered.push(cmd));
  const published = [
    line.client.publishAsync("me/telemetry", '{"level":2}', { qos: 1 }),
    line.client.publishAsync("me/telemetry", '{"level":3}', { qos: 2 }),
  ];
  const posted = visitor
    .as(textOf(device.key))
    .post("/v1/me/telemetry", { level: 4 })
    .then(() => answered.push("2xx"));
  while ((await database.query<{ count: number }>(waitingFor(table))).rows[0]?.count === 0);
  // All have come as far as they can: whatever is answered without the commit would be here by now.
  const again = await visitor.as(textOf(device.key)).send("GET", "/v1/me");
  assert.equal(again.status, 200);
  assert.deepEqual(answered, []);
  await holder.query("rollback");
  await Promise.all([...published, posted]);
  assert.deepEqual(new Set(answered), new Set(["puback", "pubrec", "pubcomp", "2xx"]));
  await holder.end();
  line.end();
}

test("nothing is acknowledged before it is kept: not over MQTT, not over HTTP", () => holdBack("log"));

test("nothing is acknowledged before it is kept for whoever is away", () => holdBack("message_log"));
