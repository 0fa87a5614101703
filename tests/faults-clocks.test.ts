import assert from "node:assert/strict";
import { before, test } from "node:test";
import { connectAsync } from "mqtt";
import {
  atEnd,
  freshDatabase,
  startTestPlatform,
  TestClock,
  type TestPlatform,
} from "../apps/server/src/testing/index.ts";

const hour = 3_600_000;
const day = 24 * hour;

type Made = { id: string; key: { id: string; secret: string } };
type Problem = { code: string; detail?: string; errors?: { path: string }[] };
type Items = { items: { time: string; value: number }[] };

const database = await freshDatabase();
const now = Date.now(); // TLS clients look at the real clock
let clock = new TestClock(now);
let platform: TestPlatform;
let token = "";
let application = "";

const start = () => startTestPlatform({ database, clock, timers: clock });
const me = () => platform.visitor.as(token);
const makeDevice = (name: string) => me().post<Made>("/v1/devices", { application, name });
const as = ({ key }: Made) => platform.visitor.as(`${key.id}.${key.secret}`);

/** Everything there is, whatever its time. */
async function kept(device: Made, attribute = "given"): Promise<Items["items"]> {
  const range = `from=1970-01-02T00:00:00Z&to=2100-01-01T00:00:00Z&limit=10000`;
  return (await me().get<Items>(`/v1/devices/${device.id}/telemetry?attribute=${attribute}&${range}`)).items;
}

/** Stops, lets the clock be set, and starts again on the same data. */
async function restart(clockAt: number): Promise<void> {
  await platform.close();
  clock = new TestClock(clockAt);
  platform = await start();
}

before(async () => {
  platform = await start();
  ({ token } = await platform.setUp());
  ({ id: application } = await me().post<{ id: string }>("/v1/applications", { name: "Clocks" }));
});

atEnd.after(async () => {
  await platform.close();
  await database.drop();
});

test("a device whose clock is a year off is told so, and nothing of its message is kept", async () => {
  const device = await makeDevice("Astray");
  for (const time of [now + 365 * day, now - 365 * day]) {
    const messages = [
      { time, values: { given: 1 } },
      [{ time: now, values: { given: 2 } }, { time, values: { given: 3 } }, { given: 4 }],
    ];
    for (const body of messages) {
      const { status, body: problem } = await as(device).send<Problem>("POST", "/v1/me/telemetry", { body });
      assert.deepEqual([status, problem.code, problem.errors?.[0]?.path], [422, "telemetry.absurdTime", "time"]);
      assert.match(
        problem.detail ?? "",
        Array.isArray(body) ? /of reading 2/ : /too far (before|after) the platform's/,
      );
    }
    const payload = JSON.stringify(messages[0]);
    for (const protocolVersion of [4, 5] as const) {
      const client = await connectAsync(platform.platform.mqttsUrl, {
        ca: platform.platform.caPem ?? "",
        username: device.key.id,
        password: device.key.secret,
        protocolVersion,
      });
      const sent = client.publishAsync("me/telemetry", payload, { qos: 1 });
      // 3.1.1 has no way to say no, and would send it again for ever.
      if (protocolVersion === 5) await assert.rejects(sent, (error: { code?: unknown }) => error.code === 0x99);
      else await sent;
      await client.endAsync();
    }
  }
  assert.deepEqual(await kept(device), []);
});

test("the times that the platform gives strictly increase, wherever its clock is set, and over restarts", async () => {
  const device = await makeDevice("Timeless");
  let n = 0;
  const send = async (count: number): Promise<void> => {
    const body = Array.from({ length: count }, () => ({ given: (n += 1) }));
    assert.equal((await as(device).post<{ accepted: number }>("/v1/me/telemetry", body)).accepted, count);
  };
  for (const step of [0, -6 * hour, 3 * hour, -day, 1, 10 * hour]) {
    clock.set(now + step);
    await send(1);
    // A thousand at once are a second ahead of the clock.
    await send(1_000);
    await send(1);
  }
  // Never on to where it was not before: the platform would make a certificate that is not valid yet, by the clock of this machine.
  for (const step of [10 * hour, 9 * hour, hour, 0]) {
    await restart(now + step);
    await send(1);
    await send(500);
  }
  const items = await kept(device);
  assert.deepEqual(
    items.map(({ value }) => value),
    Array.from({ length: n }, (_, at) => at + 1),
  );
  for (const [at, { time }] of items.entries()) {
    assert.ok(at === 0 || Date.parse(time) > Date.parse(items[at - 1]?.time ?? ""), `${time} is the ${at + 1}th`);
  }
});

test("what has expired stays so when the clock is set back, and over a restart", async () => {
  clock.set(now + 11 * hour);
  const asked = { name: "short", grants: ["device.read"], expiresIn: "1h" };
  const made = await me().post<{ token: string }>("/v1/tokens", asked);
  const isGood = async () => {
    const { status, body } = await platform.visitor.as(made.token).send<Problem>("GET", "/v1/devices");
    if (status !== 200) assert.deepEqual([status, body.code], [401, "credential.expired"]);
    return status === 200;
  };
  assert.equal(await isGood(), true);
  clock.set(now + 12 * hour);
  assert.equal(await isGood(), false);
  clock.set(now);
  assert.equal(await isGood(), false);
  await restart(now);
  assert.equal(await isGood(), false);
});
