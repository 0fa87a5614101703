import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock, type Clock, type Timers } from "@holdfast/kernel";
import { freshDatabase, startTestPlatform, TestClock, type TestPlatform } from "../apps/server/src/testing/index.ts";
import { Owner, textOf, type Device, type Problem, type Token } from "./authority.fixture.ts";
import { backupOf, closedWithin, events, mqtt, shown, webSocket } from "./revocation.fixture.ts";

// Nothing revives what was ended: no moving, no retagging, no restart, no older backup, no clock set back.

const send = ({ visitor }: TestPlatform, { key }: Device, value = 1) =>
  visitor.as(textOf(key)).send<Problem>("POST", "/v1/me/telemetry", { body: { temperature: value } });
const me = async ({ visitor }: TestPlatform, text: string) => (await visitor.as(text).send("GET", "/v1/me")).status;

test("a revoked device stays silent wherever it is put, and a restart changes nothing", async (t) => {
  const database = await freshDatabase();
  let platform = await startTestPlatform({ database });
  t.after(async () => {
    await platform.close();
    await database.drop();
  });
  let owner = new Owner(platform.visitor, await platform.setUp());
  const [here, there, product] = await Promise.all([owner.application(), owner.application(), owner.product()]);
  const make = (application: string, more: object = {}) =>
    owner.device(application, { tags: { site: "north" }, ...more });
  const elsewhere = await owner.application();
  const [byKey, byDevice, byProduct, byApplication] = [
    await make(elsewhere.id),
    await make(elsewhere.id),
    await make(elsewhere.id, { product: product.id }),
    await make(here.id),
  ];
  await owner.revoke(byKey.key.id);
  await owner.asks.post("/v1/revocations", { about: byDevice.id, ends: ["devices"] });
  // These two end every device of the product, or the application, that there is so far.
  await owner.asks.post("/v1/revocations", { about: product.id, ends: ["devices"] });
  await owner.asks.post("/v1/revocations", { about: here.id, ends: ["devices"] });
  const all = [byKey, byDevice, byProduct, byApplication];
  const silent = async (after: string) => {
    for (const device of all) assert.equal((await send(platform, device)).status, 401, after);
  };
  await silent("at once");
  const change = async (body: object) => {
    for (const { id } of all) await owner.asks.patch(`/v1/devices/${id}`, body);
  };
  await change({ application: there.id });
  await silent("moved to another application");
  await change({ product: null });
  await silent("without its product");
  await change({ tags: { site: "south" } });
  await silent("retagged");
  for (const { id } of all) await owner.asks.post(`/v1/devices/${id}/suspend`);
  for (const { id } of all) await owner.asks.post(`/v1/devices/${id}/resume`);
  await silent("suspended and resumed");
  const fresh = await owner.deviceKey(byKey.id);
  assert.equal((await send(platform, { ...byKey, key: fresh })).status, 200, "a new key speaks");
  await silent("with a new key beside the old one");
  await change({ application: here.id, product: product.id });
  await silent("put back");

  const { token } = owner;
  await platform.close();
  platform = await startTestPlatform({ database });
  owner = new Owner(platform.visitor, { org: owner.org, person: owner.person, token });
  await silent("after a restart");
  assert.equal((await send(platform, { ...byKey, key: fresh })).status, 200, "made after all that was ended");
  await change({ application: there.id, product: null });
  await silent("moved after a restart");
});

test("restoring an older backup of the database revives nothing: the keyring's journal knows", async (t) => {
  const database = await freshDatabase();
  const first = await startTestPlatform({ database });
  const welcome = await first.setUp();
  const owner = new Owner(first.visitor, welcome);
  const application = await owner.application();
  const other = await owner.application();
  const make = () => owner.device(application.id);
  const [revoked, retired, suspended, resumed, ended] = [
    await make(),
    await make(),
    await make(),
    await make(),
    await owner.device(other.id),
  ];
  const untouched = await make();
  await owner.asks.post(`/v1/devices/${resumed.id}/suspend`);
  const token = await owner.tokenOf(["telemetry.read"]);
  const parent = await owner.operatorKey();
  const child = await first.visitor
    .as(textOf(parent))
    .post<Token>("/v1/tokens", { name: "child", grants: ["device.read"] });
  const accessKey = await owner.accessKey(other.id);
  const stays = await owner.tokenOf(["device.read"]);
  await first.close();
  const backup = await backupOf(database);

  const second = await startTestPlatform({ database });
  const again = new Owner(second.visitor, welcome);
  await again.revoke(revoked.key.id);
  await again.asks.post(`/v1/devices/${retired.id}/retire`);
  await again.asks.post(`/v1/devices/${suspended.id}/suspend`);
  await again.asks.post(`/v1/devices/${resumed.id}/resume`);
  await again.revoke(token.id);
  await again.revoke(parent.id);
  await again.asks.post("/v1/revocations", { about: other.id });
  await second.close();

  const third = await startTestPlatform({ database: backup });
  t.after(async () => {
    await third.close();
    await backup.drop();
    await database.drop();
  });
  for (const device of [revoked, retired, ended]) assert.equal((await send(third, device)).status, 401, device.id);
  assert.equal((await send(third, suspended)).status, 403);
  for (const text of [token.token, textOf(parent), child.token, textOf(accessKey)])
    assert.equal(await me(third, text), 401);
  assert.equal((await send(third, untouched)).status, 200);
  assert.equal(await me(third, stays.token), 200);
  assert.ok(
    third.reports.some((line) => /had lost \d+ revocations/.test(line)),
    third.reports.join("\n"),
  );
  assert.ok(
    third.reports.some((line) => /took 1 suspended devices? for active/.test(line)),
    third.reports.join("\n"),
  );

  // A device that is suspended again can be resumed, and one that was ended gets a key that is good.
  const restored = new Owner(third.visitor, welcome);
  await restored.asks.post(`/v1/devices/${suspended.id}/resume`);
  assert.equal((await send(third, suspended)).status, 200);
  const key = await restored.deviceKey(revoked.id);
  assert.equal((await send(third, { ...revoked, key })).status, 200);
  const entries = await restored.audited();
  assert.ok(entries.some(({ what, about }) => what === "revocation.restored" && about === revoked.key.id));
  assert.ok(
    entries.some(({ what, about, by }) => what === "device.suspended" && about === suspended.id && by === "platform"),
  );
});

test("what a restored backup brought back is known at the next start, and not told again", async (t) => {
  const database = await freshDatabase();
  const first = await startTestPlatform({ database });
  const welcome = await first.setUp();
  const owner = new Owner(first.visitor, welcome);
  const device = await owner.device((await owner.application()).id);
  await owner.asks.post(`/v1/devices/${device.id}/suspend`);
  await owner.revoke(device.key.id);
  await first.close();
  const second = await startTestPlatform({ database });
  t.after(async () => {
    await second.close();
    await database.drop();
  });
  assert.deepEqual(
    second.reports.filter((line) => /database/.test(line)),
    [],
  );
});

const hour = 3_600_000;

test("a clock that is set back revives no credential, not even across a restart", async (t) => {
  const database = await freshDatabase();
  const clock = new TestClock(systemClock.now());
  const start = clock.now();
  let platform = await startTestPlatform({ database, clock });
  t.after(async () => {
    await platform.close();
    await database.drop();
  });
  const owner = new Owner(platform.visitor, await platform.setUp());
  const { token } = await owner.tokenOf(["org.read"], { expiresIn: "1h" });
  clock.move(hour - 1);
  assert.equal(await me(platform, token), 200);
  clock.move(1);
  assert.equal(await me(platform, token), 401);
  clock.set(start);
  assert.equal(await me(platform, token), 401, "set back while it runs");
  const late = await owner.tokenOf(["org.read"], { expiresIn: "1h" });
  assert.equal(await me(platform, late.token), 200);
  await platform.close();
  clock.set(start - hour);
  platform = await startTestPlatform({ database, clock });
  assert.equal(await me(platform, token), 401, "set back while it was down");
  clock.move(3 * hour);
  assert.equal(await me(platform, late.token), 401);
});

test("what expires is closed on time, to the millisecond of the platform's clock", async (t) => {
  const clock: TestClock & Clock & Timers = new TestClock(systemClock.now());
  const platform = await startTestPlatform({ clock, timers: clock });
  t.after(() => platform.close());
  const owner = new Owner(platform.visitor, await platform.setUp());
  const device = await owner.device((await owner.application()).id);
  const { token } = await owner.tokenOf(["telemetry.read", "token.create"], { expiresIn: "9s" });
  const child = await platform.visitor
    .as(token)
    .post<Token>("/v1/tokens", { name: "child", grants: ["telemetry.read"] });
  const as = { username: "me", password: child.token };
  const held = [
    await events(platform, token, device.id),
    await events(platform, child.token, device.id),
    await webSocket(platform, child.token, device.id),
    await mqtt(platform, as),
    await mqtt(platform, { ...as, protocolVersion: 5 }),
  ];
  clock.move(8_999);
  const feed = (value: number) => send(platform, device, value);
  await shown(held.slice(0, 3), 1_001.5, () => feed(1_001.5));
  const from = performance.now();
  clock.move(1);
  await feed(9_009.5);
  clock.move(500); // who does not hang up when told is hung up on
  for (const one of held) {
    await closedWithin(one, from, 1_000);
    assert.ok(!one.seen().includes("9009.5"));
  }
});

test("a clock that is set forward, as after a sleep, ends what has expired within a second of the machine's being awake", async (t) => {
  const clock = new TestClock(systemClock.now());
  const platform = await startTestPlatform({ clock, timers: clock });
  t.after(() => platform.close());
  const owner = new Owner(platform.visitor, await platform.setUp());
  const device = await owner.device((await owner.application()).id);
  const { token } = await owner.tokenOf(["telemetry.read"], { expiresIn: "1h" });
  const held = [
    await events(platform, token, device.id),
    await webSocket(platform, token, device.id),
    await mqtt(platform, { username: "me", password: token, protocolVersion: 5 }),
  ];
  await shown(held.slice(0, 2), 1_001.5, () => send(platform, device, 1_001.5));
  clock.set(clock.now() + hour);
  const from = performance.now();
  clock.move(1_000);
  await send(platform, device, 9_009.5);
  for (const one of held) {
    await closedWithin(one, from, 1_000);
    assert.ok(!one.seen().includes("9009.5"));
  }
});
