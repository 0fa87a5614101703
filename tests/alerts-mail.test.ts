import assert from "node:assert/strict";
import { test } from "node:test";
import type { MqttClient } from "mqtt";
import { atEnd } from "../apps/server/src/testing/index.ts";
import type { Alert } from "./alerts.fixture.ts";
import { viewer, type Device } from "./authority.fixture.ts";
import { connected } from "./clients.fixture.ts";
import { Mailed } from "./mail.fixture.ts";

// What members are told of alerts by mail, by a real mail server.
const mailed = await Mailed.start();
atEnd.after(() => mailed.close());
const { platform, box } = mailed;
const owner = await mailed.owner();
const application = (await owner.application()).id;
const { person: member } = await owner.member(viewer);
const mine = "owner@example.com";

/** Devices of a product of their own, of which a rule tells these people. */
async function watched(count: number, people: readonly string[], name = "Away") {
  const { id: product } = await owner.product();
  const devices: Device[] = [];
  for (let i = 0; i < count; i += 1) devices.push(await owner.device(application, { product, name: "Secret pump" }));
  const rule = await owner.asks.post<{ id: string }>("/v1/alert-rules", {
    name,
    of: { product },
    after: "20s",
    people,
  });
  return { devices, rule };
}
const connect = (devices: readonly Device[]) =>
  Promise.all(devices.map(({ key }) => connected(platform, key, { clientId: key.id })));
const vanish = (clients: readonly MqttClient[]) => {
  for (const client of clients) client.stream.destroy();
};
/** Other letters tell of her account. */
const alertsTo = (address: string) =>
  box.received.filter(({ to, headers }) => to.includes(address) && headers.get("subject")?.startsWith("Away")).length;
const alertOf = async ({ id }: Device): Promise<Alert | undefined> =>
  (await owner.asks.get<{ items: Alert[] }>(`/v1/alerts?device=${id}`)).items[0];

test("each member that a rule names gets one letter when a device is away and one when it is back, with ids and no names", async () => {
  const { devices, rule } = await watched(1, [owner.person, member]);
  const [device] = devices as [Device];
  vanish(await connect(devices));
  for (const address of [mine, viewer.email]) {
    const { text, link } = await mailed.mailTo(address, "Away: a device is offline");
    const { raisedAt = "", devices: told = [] } = (await alertOf(device)) ?? {};
    const since = told[0]?.since ?? "";
    assert.ok(text.includes(`${raisedAt.slice(0, 19).replace("T", " ")} UTC`), text);
    assert.ok(text.includes(`${device.id} since ${since}`) && text.includes("Why: the connection broke."), text);
    assert.ok(!text.includes("Secret pump") && !text.includes("They went together"), text);
    assert.equal(link, `${platform.platform.url}/o/${owner.org}/devices`);
  }
  assert.ok(await mailed.hasNothingFor(mine), "it is told once");
  await connect(devices);
  for (const address of [mine, viewer.email])
    assert.match(await mailed.letterTo(address, "Away: over (a device)"), new RegExp(device.id));
  assert.ok(await mailed.hasNothingFor(mine));
  await owner.asks.delete(`/v1/alert-rules/${rule.id}`);
});

test("an outage of many is one letter with all of them, and its end is one when the last of them is back", async () => {
  const { devices, rule } = await watched(21, [owner.person], "Hall = 3");
  vanish(await connect(devices));
  const text = await mailed.letterTo(mine, "Hall = 3: 21 devices are offline");
  assert.match(text, /They went together, so this is told once for all of them\./);
  assert.match(text, /Why: it went with many others at once\./);
  const listed = devices.filter(({ id }) => text.includes(id)).length;
  assert.deepEqual([listed, text.includes("and 1 more")], [20, true]);
  await connect(devices.slice(1));
  assert.ok(await mailed.hasNothingFor(mine), "one is still away");
  await connect(devices.slice(0, 1));
  await mailed.letterTo(mine, "Hall = 3: over (21 devices)");
  await owner.asks.delete(`/v1/alert-rules/${rule.id}`);
});

test("whoever is suspended or has left gets no letter of an alert", async () => {
  const { devices, rule } = await watched(1, [owner.person, member]);
  await owner.asks.post(`/v1/members/${member}/suspend`);
  vanish(await connect(devices));
  await mailed.letterTo(mine, "Away: a device is offline");
  assert.equal(alertsTo(viewer.email), 0);
  await owner.asks.post(`/v1/members/${member}/resume`);
  await connect(devices);
  await mailed.letterTo(mine, "Away: over (a device)");
  await mailed.letterTo(viewer.email, "Away: over (a device)");
  await owner.asks.delete(`/v1/members/${member}`);
  vanish(await connect(devices));
  await mailed.letterTo(mine, "Away: a device is offline");
  assert.ok(await mailed.hasNothingFor(mine));
  assert.equal(alertsTo(viewer.email), 0);
  // Nobody watches any more, so it is over.
  await owner.asks.delete(`/v1/alert-rules/${rule.id}`);
  assert.match(await mailed.letterTo(mine, "Deleted rule: over (a device)"), /What a rule that was deleted since told/);
});

test("while the mail server refuses for now a letter waits, and it is sent once that is over", async () => {
  const { devices, rule } = await watched(1, [owner.person], "Later");
  let refused = 0;
  box.refusal = {
    get code() {
      refused += 1;
      return 451;
    },
  };
  vanish(await connect(devices));
  const end = performance.now() + 20_000;
  while (refused === 0) {
    assert.ok(performance.now() < end, "nobody was written to");
    await mailed.pass();
  }
  for (let second = 0; second < 20; second += 1) await mailed.pass();
  assert.ok(await alertOf(devices[0]!)); // there is one
  assert.ok(!box.received.some(({ to }) => to.includes(mine)));
  box.refusal = undefined;
  await mailed.letterTo(mine, "Later: a device is offline");
  assert.ok(await mailed.hasNothingFor(mine));
  await owner.asks.delete(`/v1/alert-rules/${rule.id}`);
});
