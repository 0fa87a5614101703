import assert from "node:assert/strict";
import { test } from "node:test";
import { mintToken, newNonce } from "@holdfast/crypto";
import { systemRandom, uuidOf, type Id } from "@holdfast/kernel";
import pg from "pg";
import { atEnd } from "../apps/server/src/testing/index.ts";
import { startOrgs, textOf, type Device } from "./authority.fixture.ts";
import { events, mqtt, shown, webSocket, type Held } from "./revocation.fixture.ts";
import { stolen } from "./stolen.fixture.ts";

// What is delivered is asked about again, each time; and a token is worth what its row says. No identifier has a point in it, as each value has.
const { platform, visitor, ours, our } = await startOrgs();
atEnd.after(() => platform.close());

const feed = (device: Device, value: number) =>
  visitor.as(textOf(device.key)).post("/v1/me/telemetry", { temperature: value });
const never = (held: readonly Held[], ...values: number[]) => {
  for (const one of held)
    for (const value of values) assert.ok(!one.seen().includes(String(value)), `${one.name}: ${value}`);
};

test("who asks for everything gets what it may read at that moment, and a queue is asked about again", async () => {
  const { device, neighbour, elsewhere } = our;
  const { token } = await ours.tokenOf([`telemetry.read:${device.id}`, "telemetry.read:tag:site=east"]);
  const as = { username: "me", password: token } as const;
  const lasting = {
    ...as,
    protocolVersion: 5,
    clean: false,
    clientId: "lasting",
    properties: { sessionExpiryInterval: 600 },
  } as const;
  const [live, durable] = [await mqtt(platform, as), await mqtt(platform, lasting)];
  await live.client.subscribeAsync("#", { qos: 0 });
  await durable.client.subscribeAsync("devices/+/telemetry", { qos: 1 });
  const open = [await events(platform, token), await webSocket(platform, token), live, durable];
  await feed(neighbour, 70_001.5);
  await feed(elsewhere, 70_002.5);
  await shown(open, 70_003.5, () => feed(device, 70_003.5));
  never(open, 70_001.5, 70_002.5);

  await ours.asks.patch(`/v1/devices/${neighbour.id}`, { tags: { site: "east" } });
  await shown(open, 70_004.5, () => feed(neighbour, 70_004.5));
  await ours.asks.patch(`/v1/devices/${neighbour.id}`, { tags: {} });
  await feed(neighbour, 70_005.5);
  await shown(open, 70_006.5, () => feed(device, 70_006.5));
  never(open, 70_001.5, 70_002.5, 70_005.5);

  // While it is away messages wait, of a device that it may read; when it comes back it may not.
  durable.end();
  await durable.closed;
  await ours.asks.patch(`/v1/devices/${neighbour.id}`, { tags: { site: "east" } });
  await feed(neighbour, 70_007.5);
  await feed(device, 70_008.5);
  await ours.asks.patch(`/v1/devices/${neighbour.id}`, { tags: {} });
  const back = await mqtt(platform, lasting);
  await shown([back], 70_008.5, async () => undefined);
  never([back], 70_007.5);
  for (const one of [...open, back]) one.end();
});

test("a device hears nothing of others, whatever it asks for, and programs not even its name without leave", async () => {
  const { device, neighbour } = our;
  const line = await mqtt(platform, { username: device.key.id, password: device.key.secret });
  await line.client.subscribeAsync("me/#", { qos: 1 });
  await assert.rejects(line.client.subscribeAsync(`devices/${neighbour.id}/#`, { qos: 1 }));
  const watcher = await events(platform, ours.token);
  await shown([watcher], 80_001.5, () => feed(neighbour, 80_001.5));
  assert.equal(line.seen(), "");
  for (const one of [line, watcher]) one.end();
});

test("with the organisation's key alone nobody makes a token: what the row keeps has to fit as well", async () => {
  const { id } = await ours.tokenOf(["telemetry.read"]);
  const { kid, key } = await stolen(platform.database, ours.org);
  const { rows } = await asOwnerRow(id);
  const [row] = rows;
  assert.ok(row);
  const claims = {
    jti: id as Id<"token">, // as the platform told it
    org: ours.org as Id<"org">,
    iat: Math.floor(Number(row.created_at) / 1_000),
    exp: Math.floor(Number(row.expires_at) / 1_000),
    seq: Number(row.issued_seq),
    nonce: newNonce(systemRandom),
    grants: ["telemetry.read"],
  };
  const forged = await mintToken({ key, kid, claims });
  const { status } = await visitor.as(forged).send("GET", "/v1/me");
  assert.equal(status, 401);
});

async function asOwnerRow(id: string) {
  const { tls: _, ...config } = platform.database.login;
  const client = new pg.Client(config);
  await client.connect();
  try {
    return await client.query<{ created_at: string; expires_at: string; issued_seq: string }>(
      "select created_at, expires_at, issued_seq from holdfast.credential where id = $1",
      [uuidOf(id as Id<"token">)], // as the platform told it
    );
  } finally {
    await client.end();
  }
}
