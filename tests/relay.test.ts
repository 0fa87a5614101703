import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "@holdfast/kernel";
import { atEnd, freshDatabase, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { App, says } from "./application-users.fixture.ts";
import { Owner, type Problem, type Thing } from "./authority.fixture.ts";
import { SocketDevice } from "./sockets.fixture.ts";

// A customer's phone brings what her device has sealed, on a platform that listens on no direct socket.
const clock = new TestClock(systemClock.now());
const database = await freshDatabase();
const platform = await startTestPlatform({ clock, database });
atEnd.after(() => platform.close().then(() => database.drop()));
const owner = new Owner(platform.visitor, await platform.setUp());
const app = await App.of({ visitor: platform.visitor, clock }, owner);
const [ann, eve] = await Promise.all([app.user(), app.user()]);

const open = { transports: ["https", "mqtts", "socket"] };
async function device(user: string | undefined, by = owner, application = app.id) {
  const made = await by.device(application);
  await by.asks.put(`/v1/devices/${made.id}/door`, open);
  if (user) await by.asks.put(`/v1/devices/${made.id}/user`, { user });
  const key = await by.asks.post<{ id: string; secret: string }>(`/v1/devices/${made.id}/keys`, { kind: "socket" });
  return { id: made.id, key: key.id, end: new SocketDevice(key.secret) };
}
type Who = { accessToken: string };
const bring = ({ accessToken }: Who, frame: Uint8Array) =>
  app.ask<{ answer: string } & Problem>(
    "POST",
    "/v1/application-users/me/relay",
    { frame: frame.toBase64() },
    accessToken,
  );
const temperaturesOf = async ({ id }: Thing) =>
  (await owner.asks.get<{ items: { value: number }[] }>(`/v1/devices/${id}/telemetry?attribute=temperature`)).items
    .map(({ value }) => value)
    .toSorted((a, b) => a - b);
const asked = { wantsAnswer: true } as const;

test("a phone brings what her device has sealed, once however often, and hands the answer back, which the device believes", async () => {
  const pump = await device(ann.user);
  const frame = pump.end.frame("temperature=1", asked);
  const { status, body } = await bring(ann, frame);
  assert.equal(status, 200, JSON.stringify(body));
  const answer = Uint8Array.fromBase64(body.answer);
  assert.equal(pump.end.heard(answer, 0), "kept");
  assert.ok(answer.length <= 13);
  const again = await bring(ann, frame);
  assert.equal(pump.end.heard(Uint8Array.fromBase64(again.body.answer), 0), "kept");
  assert.deepEqual(await temperaturesOf(pump), [1]);
  const wrong = await bring(ann, pump.end.frame("temperature", asked));
  assert.equal(pump.end.heard(Uint8Array.fromBase64(wrong.body.answer), 1), "refused");
});

test("she brings for her own devices alone, and is told alike of others, of foreign ones and of none", async () => {
  const theirs = new Owner(platform.visitor, await platform.setUp());
  const others = [
    await device(ann.user),
    await device(undefined),
    await device(undefined, theirs, (await theirs.application()).id),
    { end: new SocketDevice(`hfu_${"0".repeat(44)}`) },
  ];
  const told = await Promise.all(others.map(({ end }) => bring(eve, end.frame("temperature=2", asked)).then(says)));
  assert.deepEqual(new Set(told), new Set(["404 device.unknown"]));
  const pump = await device(ann.user);
  assert.equal((await bring(ann, pump.end.frame("temperature=1", asked))).status, 200);
  await owner.asks.put(`/v1/devices/${pump.id}/user`, { user: null });
  assert.equal(says(await bring(ann, pump.end.frame("temperature=3", asked))), "404 device.unknown");
  assert.deepEqual(await temperaturesOf(pump), [1]);
});

test("a phone makes no frame, alters none, and brings none that anybody can read", async () => {
  const [pump, other] = [await device(ann.user), await device(ann.user)];
  const frame = pump.end.frame("temperature=1", asked);
  const altered = frame.with(frame.length - 9, (frame.at(-9) ?? 0) ^ 1);
  const redirected = new Uint8Array([
    ...frame.subarray(0, 1),
    ...other.end.frame("x=1").subarray(1, 7),
    ...frame.subarray(7),
  ]);
  for (const one of [altered, redirected]) assert.equal(says(await bring(ann, one)), "403 relay.refused");
  const readable = [
    pump.end.frame("temperature=1", { mode: "signed", ...asked }),
    pump.end.frame("temperature=1", { wantsAnswer: false }),
  ];
  for (const one of [...readable, new TextEncoder().encode(`${pump.end.address} temperature=1`), new Uint8Array()])
    assert.equal(says(await bring(ann, one)), "422 relay.malformed");
  assert.deepEqual([await temperaturesOf(pump), await temperaturesOf(other)], [[], []]);
});

test("it gains nothing of the device's: a door that is shut and a secret that is over hold for what is brought, too", async () => {
  const pump = await device(ann.user);
  assert.equal((await bring(ann, pump.end.frame("temperature=1", asked))).status, 200);
  await owner.asks.put(`/v1/devices/${pump.id}/door`, { transports: ["https"] });
  const { body } = await bring(ann, pump.end.frame("temperature=2", asked));
  assert.equal(pump.end.heard(Uint8Array.fromBase64(body.answer), 1), "later");
  await owner.asks.put(`/v1/devices/${pump.id}/door`, open);
  await owner.revoke(pump.key);
  assert.match(
    says(await bring(ann, pump.end.frame("temperature=3", asked))),
    /^(403 relay.refused|404 device.unknown)$/,
  );
  const write = await app.ask<Problem>("POST", `/v1/devices/${pump.id}/telemetry`, { temperature: 9 }, ann.accessToken);
  assert.equal(says(write), "403 permit.missing");
  assert.deepEqual(await temperaturesOf(pump), [1]);
});

test("of a gateway that is hers she brings what it measures itself: nothing of its children's, and no right that either has", async () => {
  const [gateway, child] = [await device(ann.user), await device(eve.user)];
  const loose = await device(undefined);
  // Only a gateway that is nobody's yet may be bound to what is another customer's.
  await owner.asks.put(`/v1/devices/${gateway.id}/user`, { user: null });
  for (const { id } of [child, loose]) await owner.asks.put(`/v1/devices/${id}/gateway`, { gateway: gateway.id });
  await owner.asks.put(`/v1/devices/${gateway.id}/user`, { user: ann.user });
  assert.equal((await bring(ann, gateway.end.frame("temperature=1", asked))).status, 200);
  for (const { end } of [child, loose])
    assert.equal(says(await bring(ann, end.frame("temperature=2", asked))), "404 device.unknown");
  assert.deepEqual(
    [await temperaturesOf(gateway), await temperaturesOf(child), await temperaturesOf(loose)],
    [[1], [], []],
  );
  const of = ({ id }: Thing) => `/v1/devices/${id}`;
  const tries = async (thing: Thing) => {
    const ways: readonly (readonly [string, string, object?])[] = [
      ["POST", "/telemetry", { temperature: 9 }],
      ["GET", "/twin"],
      ["GET", "/commands"],
      ["POST", "/commands", { name: "unlock" }],
      ["POST", "/keys", {}],
    ];
    const answers = ways.map(([method, path, body]) => app.ask(method, of(thing) + path, body, ann.accessToken));
    return new Set((await Promise.all(answers)).map(says));
  };
  assert.deepEqual(await tries(gateway), new Set(["403 permit.missing"]));
  for (const thing of [child, loose]) assert.deepEqual(await tries(thing), new Set(["404 device.unknown"]));
  const own = ["/v1/me/telemetry", "/v1/me/twin", "/v1/me/commands"].map((path, at) =>
    app.ask(at === 0 ? "POST" : "GET", path, at === 0 ? { temperature: 9 } : undefined, ann.accessToken),
  );
  assert.deepEqual(new Set((await Promise.all(own)).map(says)), new Set(["403 permit.missing"]));
});
