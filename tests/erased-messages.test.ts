import assert from "node:assert/strict";
import { test } from "node:test";
import pg from "pg";
import { uuidOf, type Id } from "@holdfast/kernel";
import { atEnd } from "../apps/server/src/testing/index.ts";
import type { Device } from "./authority.fixture.ts";
import { Restarting } from "./messages.fixture.ts";

// What a device measured stands in the message log too, as long as somebody who is away is owed it: erasing reaches it there.
const place = await Restarting.start();
const ours = await place.owner();
const application = (await ours().application()).id;
const { tls: _, ...login } = place.database.login;
const database = new pg.Client(login);
await database.connect();
atEnd.after(async () => {
  await database.end();
  await place.close();
});
const org = uuidOf(ours().org as Id<"org">); // as the platform told it
type Row = { readonly pos: string; readonly at: string; readonly body: Uint8Array; readonly generation: number };
const rows = async () =>
  (await database.query<Row>("select pos, at, body, generation from holdfast.message_log where org = $1", [org])).rows;
const generations = async () => [...new Set((await rows()).map(({ generation }) => generation))];

const body = (n: number) => JSON.stringify({ n });
const erase = async ({ id }: Device) =>
  assert.equal((await ours().asks.send("POST", `/v1/devices/${id}/erase`)).status, 200);
const sent = (heard: readonly { readonly body: string }[]) => heard.map((one) => one.body);

test("what waited for somebody who was away, and what was retained, is gone with the device's readings, and others' is not", async () => {
  const [pump, fan] = [await ours().device(application), await ours().device(application)];
  const { token } = await ours().tokenOf(["telemetry.read"]);
  const line = await place.program(token);
  await line.client.subscribeAsync("devices/+/telemetry", { qos: 1 });
  await line.end();
  const source = await place.device(pump);
  await source.client.publishAsync("me/telemetry", body(1), { qos: 1, retain: true });
  await source.client.publishAsync("me/telemetry", body(2), { qos: 2 });
  await place.feed(fan, 3);
  await place.feed(pump, 4);
  const before = await generations();
  await erase(pump);
  const after = await generations();
  assert.deepEqual([before.length, after.length], [1, 1]);
  assert.ok((after[0] ?? 0) > (before[0] ?? 0), "what is left stands under another key");
  await place.feed(pump, 5);

  for (let start = 0; start < 2; start += 1) {
    const again = await place.program(token);
    assert.equal(again.isResumed, true);
    await again.until(start === 0 ? 2 : 1);
    assert.deepEqual(sent(again.heard), start === 0 ? [body(3), body(5)] : [body(6)]);
    await again.end();
    await place.feed(fan, 6 + start);
    await place.restart();
  }
  const looking = await place.program(token, { clean: true, properties: {}, clientId: "looks" });
  await looking.client.subscribeAsync("devices/+/telemetry", { qos: 1 });
  await looking.client.unsubscribeAsync("nothing/at/all"); // retained messages stand before this answer
  assert.deepEqual(sent(looking.heard.filter(({ retain }) => retain)), []);
});

test("yesterday's rows, put back beside today's keys, are told of, open to nobody, and are gone again; what came since is there", async () => {
  const [pump, fan] = [await ours().device(application), await ours().device(application)];
  const { token } = await ours().tokenOf([`telemetry.read:${pump.id}`, `telemetry.read:${fan.id}`]);
  const line = await place.program(token, { clientId: "yesterday" });
  await line.client.subscribeAsync("devices/+/telemetry", { qos: 1 });
  await line.end();
  await place.feed(pump, 1);
  const yesterday = await rows();
  assert.ok(yesterday.length > 0);
  await erase(pump);
  await place.feed(fan, 2);
  for (const { pos, at, body: bytes, generation } of yesterday)
    await database.query(
      `insert into holdfast.message_log (org, pos, at, body, generation) values ($1, $2, $3, $4, $5) on conflict do nothing`,
      [org, pos, at, bytes, generation],
    );
  await place.restart();
  const back = await place.program(token, { clientId: "yesterday" });
  assert.equal(back.isResumed, true);
  assert.deepEqual(await back.until(1), [body(2)]);
  await back.end();
  assert.match(place.platform.reports.join("\n"), /rows of the message log of org_\w+ were there again, from before/);
  const old = yesterday[0]?.generation ?? 0;
  assert.ok(!(await generations()).includes(old));
});

test("an erasure of an organisation that nobody has asked for since the start reaches its log all the same", async () => {
  const pump = await ours().device(application);
  const { token } = await ours().tokenOf([`telemetry.read:${pump.id}`]);
  const line = await place.program(token, { clientId: "asleep" });
  await line.client.subscribeAsync("devices/+/telemetry", { qos: 1 });
  await line.end();
  await place.feed(pump, 1);
  await place.restart();
  await erase(pump);
  const back = await place.program(token, { clientId: "asleep" });
  await place.feed(pump, 2);
  assert.deepEqual(await back.until(1), [body(2)]);
});
