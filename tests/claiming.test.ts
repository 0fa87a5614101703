import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "@holdfast/kernel";
import pg from "pg";
import { atEnd, freshDatabase, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { App, says, type List } from "./application-users.fixture.ts";
import { Owner, textOf, type Problem, type Thing } from "./authority.fixture.ts";
import { closedWithin, events, mqtt, shown } from "./revocation.fixture.ts";

// How customers of an application come to own devices, and give them on: on the real platform, as the application's own page asks.
const clock = new TestClock(systemClock.now());
const database = await freshDatabase();
const platform = await startTestPlatform({ clock, timers: clock, database });
atEnd.after(() => platform.close().then(() => database.drop()));
const visitor = platform.visitor.unkept(); // time moves by weeks, which ends connections
const owner = new Owner(visitor, await platform.setUp());
const app = await App.of({ visitor, clock }, owner);
const [ann, bob, eve] = await Promise.all([app.user(), app.user(), app.user()]);

type Who = { accessToken: string };
type Shown = { code: string; expiresAt?: string };
type Mine = { device: string; state: string; until?: string };
const path = "/v1/application-users/me/claims";
const day = 86_400_000;

const print = async ({ id }: Thing, body: object = {}) =>
  (await owner.asks.post<Shown>(`/v1/devices/${id}/claim-code`, body)).code;
const claim = ({ accessToken }: Who, code: string) => app.ask<Mine & Problem>("POST", path, { code }, accessToken);
const contest = ({ accessToken }: Who, code: string) =>
  app.ask("POST", "/v1/application-users/me/contests", { code }, accessToken);
const does = <T = Problem>({ accessToken }: Who, method: string, device: Thing, what = "", body?: unknown) =>
  app.ask<T>(method, `${path}/${device.id}${what}`, body, accessToken);
const hers = async ({ accessToken }: Who) =>
  (await app.ask<List<Mine>>("GET", path, undefined, accessToken)).body.items;
const stateOf = ({ id }: Thing) =>
  owner.asks.get<{ state: string; user?: string; code: string }>(`/v1/devices/${id}/claim`);
const reads = async ({ accessToken }: Who, { id }: Thing) =>
  (await visitor.as(accessToken).anew().send("GET", `/v1/devices/${id}`)).status;
/** Tokens are good for a quarter of an hour. */
async function later<T extends { login: string }>(who: T): Promise<T & Who> {
  return { ...who, ...(await app.signInAs(who.login)).body };
}

test("a customer has her device by the code on its box, which claims it once, and sees it at once", async () => {
  const pump = await owner.device(app.id);
  const code = await print(pump);
  const from = performance.now();
  const { status, body } = await claim(ann, code.toLowerCase());
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual(body, { device: pump.id, state: "claimed" });
  assert.equal(await reads(ann, pump), 200);
  assert.ok(performance.now() - from < 60_000);
  assert.deepEqual(await stateOf(pump), { state: "claimed", user: ann.user, code: "good" });
  assert.deepEqual(await hers(ann), [{ device: pump.id, state: "claimed" }]);
  assert.equal(await reads(bob, pump), 404);
  const client = new pg.Client(database.url);
  await client.connect();
  const { rows } = await client.query<{ text: string }>("select d::text as text from holdfast.device_claim d");
  await client.end();
  assert.equal(rows.length, 1);
  // More of it than stands in a row by chance.
  for (const part of [code.slice(0, 9), code.replaceAll("-", "").slice(0, 8)])
    assert.equal(rows[0]?.text.includes(part), false);
});

test("a code that was used, is mistyped, expired, replaced or of another application is answered alike", async () => {
  const [used, old, replaced, gone] = await Promise.all([1, 2, 3, 4].map(() => owner.device(app.id)));
  assert.ok(used && old && replaced && gone);
  const codes = [await print(used), await print(old, { expiresIn: "1m" }), await print(replaced), await print(gone)];
  await claim(ann, codes[0] ?? "");
  await print(replaced);
  await owner.asks.send("POST", `/v1/devices/${gone.id}/retire`, { body: {} });
  const other = await App.of({ visitor, clock }, owner);
  codes.push(await print(await owner.device(other.id)), "0000-0000-0000-0000-0001", "");
  clock.move(61_000);
  const answers = await Promise.all(
    codes.map(async (code) => {
      const { status, body } = await claim(await later(eve), code);
      const { code: what, detail, title } = body as Problem & { detail?: string; title?: string };
      return JSON.stringify({ status, what, detail, title });
    }),
  );
  assert.equal(new Set(answers).size, 1, answers.join("\n"));
  assert.match(answers[0] ?? "", /403.*claim\.invalid/);
  // Asking for what is somebody's tells as little.
  for (const code of codes) assert.equal((await contest(await later(bob), code)).status, 200);
});

test("who guesses waits, and keeps nobody else waiting", async () => {
  const thief = await app.user();
  let last = "";
  for (let n = 0; n < 14 && last !== "429 rate.exceeded"; n++) last = says(await claim(thief, `guess ${n}`));
  assert.equal(last, "429 rate.exceeded");
});

test("a device is offered fifty times a day, and then that waits", async () => {
  const [pump, other] = [await owner.device(app.id), await owner.device(app.id)];
  for (const { id } of [pump, other]) await owner.asks.put(`/v1/devices/${id}/user`, { user: ann.user });
  const hers = await later(ann);
  const offered = async (device: Thing) => (await does<Shown>(hers, "POST", device, "/transfer", {})).status;
  const answers: number[] = [];
  for (let n = 0; n < 51; n += 1) answers.push(await offered(pump));
  assert.deepEqual([new Set(answers.slice(0, 50)), answers.at(-1)], [new Set([200]), 429]);
  assert.equal(await offered(other), 200);
});

test("a device changes hands by codes fifty times a day, and then it waits", async () => {
  const pump = await owner.device(app.id);
  const code = await print(pump);
  const turns = async (): Promise<string> => {
    const said = says(await claim(await later(ann), code));
    if (said.startsWith("200")) await does(await later(ann), "DELETE", pump);
    return said;
  };
  const answers: string[] = [];
  for (let turn = 0; turn < 51; turn += 1) {
    answers.push(await turns());
  }
  assert.deepEqual(new Set(answers.slice(0, 50)), new Set(["200 undefined"]));
  assert.equal(answers.at(-1), "429 rate.exceeded");
  const another = await owner.device(app.id);
  assert.equal((await claim(await later(ann), await print(another))).status, 200);
});

test("its owner's leave makes it another's, which ends what the owner before has open within a second", async () => {
  const pump = await owner.device(app.id);
  const [a, b, e] = await Promise.all([later(ann), later(bob), later(eve)]);
  await claim(a, await print(pump));
  const { body } = await does<Shown>(a, "POST", pump, "/transfer", { to: bob.login });
  assert.equal(says(await claim(e, body.code)), "403 claim.invalid"); // it is for bob
  assert.equal(says(await does(e, "POST", pump, "/transfer", {})), "404 device.unknown");
  const seen = await events(platform, a.accessToken, pump.id);
  const send = (temperature: number) => visitor.as(textOf(pump.key)).anew().post("/v1/me/telemetry", { temperature });
  await shown([seen], 11.5, () => send(11.5));
  assert.equal((await claim(b, body.code)).status, 200);
  const from = performance.now();
  clock.move(500);
  await closedWithin(seen, from, 1_000);
  assert.deepEqual([await reads(a, pump), await reads(b, pump)], [404, 200]);
  assert.equal(says(await claim(a, body.code)), "403 claim.invalid");

  // Taken back, it is worth nothing; given up, the box counts again.
  const again = (await does<Shown>(b, "POST", pump, "/transfer", {})).body.code;
  assert.equal((await does(b, "DELETE", pump, "/transfer")).status, 200);
  assert.equal(says(await claim(e, again)), "403 claim.invalid");
  const code = await print(pump);
  assert.equal((await does(b, "DELETE", pump)).status, 200);
  assert.equal(await reads(b, pump), 404);
  assert.equal((await claim(e, code)).status, 200);
});

test("a message that a device retained before it was hers reaches its new owner never, and the organisation as ever", async () => {
  const pump = await owner.device(app.id);
  const topic = `devices/${pump.id}/telemetry`;
  const device = await mqtt(platform, { username: pump.key.id, password: pump.key.secret ?? "", protocolVersion: 5 });
  await device.client.publishAsync("me/telemetry", '{"temperature":81.5}', { qos: 1, retain: true });
  const a = await later(ann);
  await claim(a, await print(pump));
  const comes = (password: string) => mqtt(platform, { username: "program", password, protocolVersion: 5 });
  const [hers, ours] = await Promise.all([comes(a.accessToken), comes(owner.token)]);
  for (const { client } of [hers, ours]) await client.subscribeAsync(topic, { qos: 1 });
  await shown([hers, ours], 82.5, () => device.client.publishAsync("me/telemetry", '{"temperature":82.5}', { qos: 1 }));
  assert.deepEqual([hers.seen().includes("81.5"), ours.seen().includes("81.5")], [false, true]);
  for (const one of [device, hers, ours]) one.end();
});

test("whoever has a device reads what it measured since it is hers, and whoever had it what it measured until then", async () => {
  const pump = await owner.device(app.id);
  const says = async (temperature: number, ago = 0) => {
    const time = new Date(clock.now() - ago).toISOString();
    await visitor.as(textOf(pump.key)).anew().post("/v1/me/telemetry", { time, values: { temperature } });
    clock.move(1_000);
  };
  const [a, b, e] = await Promise.all([later(ann), later(bob), later(eve)]);
  await says(1);
  await claim(a, await print(pump));
  await says(2);
  const offer = (await does<Shown>(a, "POST", pump, "/transfer", {})).body.code;
  await claim(b, offer);
  await says(3);
  await says(2.5, 3_500); // measured while it was ann's, and sent now
  const back = (await does<Shown>(b, "POST", pump, "/transfer", {})).body.code;
  await claim(a, back);
  await says(4);
  await does(a, "DELETE", pump);
  await says(5);

  const measuredBy = async (as: ReturnType<typeof visitor.as>) => {
    type Items = { items: { value: number; count: number }[] };
    const which = { devices: [pump.id], attributes: ["temperature"] };
    const range = { from: new Date(clock.now() - 60_000).toISOString() };
    const at = `/v1/devices/${pump.id}/telemetry`;
    const points = await as.send<Items>("GET", `${at}?attribute=temperature`);
    const sums = await as.send<Items>("GET", `${at}?attribute=temperature&every=1d&aggregate=count`);
    const latest = await as.send<Items>("GET", `${at}/latest`);
    const many = await as.send<Items>("POST", "/v1/telemetry/latest", { body: which });
    const asked = await as.send<{ series: Items[] }>("POST", "/v1/telemetry/query", { body: { ...which, ...range } });
    const file = await as.send<unknown>("POST", "/v1/telemetry/export", {
      body: { ...which, ...range, format: "csv" },
    });
    return {
      points: points.body.items?.map(({ value }) => value) ?? points.status,
      count: sums.body.items?.reduce((sum, { count }) => sum + count, 0) ?? sums.status,
      latest: latest.body.items?.map(({ value }) => value) ?? latest.status,
      many: many.body.items.map(({ value }) => value),
      asked: asked.body.series.flatMap(({ items }) => items.map(({ value }) => value)),
      exported: file.text
        .split("\n")
        .slice(1)
        .flatMap((line) => (line ? [Number(line.split(",").at(-1))] : [])),
    };
  };
  const all = (values: number[]) => ({
    points: values,
    count: values.length,
    latest: values.slice(-1),
    many: values.slice(-1),
    asked: values,
    exported: values,
  });
  const as = ({ accessToken }: Who) => visitor.as(accessToken).anew();
  assert.deepEqual(await measuredBy(as(a)), all([2, 4]));
  assert.deepEqual(await measuredBy(as(b)), all([3]));
  assert.deepEqual(await measuredBy(owner.asks), all([1, 2, 2.5, 3, 4, 5]));
  const none = await measuredBy(as(e));
  assert.deepEqual(none, { points: 404, count: 404, latest: 404, many: [], asked: [], exported: [] });
  // Why that is so is what the organisation is told.
  const explained = async ({ accessToken }: Who, action = "telemetry.read") => {
    const { credential } = await visitor.as(accessToken).anew().get<{ credential: string }>("/v1/me");
    const body = { credential, action, resource: pump.id };
    return owner.asks.post<{ allowed: boolean; because: string }>("/v1/explain", body);
  };
  for (const one of [a, b]) {
    const { allowed, because } = await explained(one);
    assert.equal(allowed, true, because);
    const her = (one === a ? ann : bob).user;
    assert.match(because, new RegExp(`only what came while it was ${her}'s: it is another's or nobody's now`));
    assert.equal((await explained(one, "device.read")).allowed, false);
  }
  assert.equal((await explained(e)).allowed, false);
  // What is there now is none of theirs.
  assert.deepEqual([await reads(a, pump), await reads(b, pump)], [404, 404]);
  for (const { accessToken } of [a, b]) {
    const { status } = await visitor.as(accessToken).anew().send("GET", `/v1/live?device=${pump.id}`);
    assert.equal(status, 404);
  }
});

test("what its organisation makes somebody's anew has nothing under way any more, also where it is the same owner's again", async () => {
  clock.move(3_600_000); // what was guessed before is forgotten
  const pump = await owner.device(app.id);
  const code = await print(pump);
  const bind = async (user: string | null) => owner.asks.put(`/v1/devices/${pump.id}/user`, { user });
  const anew = async () => {
    await bind(null);
    await bind(ann.user);
  };
  assert.equal((await claim(await later(ann), code)).status, 200);
  const offer = (await does<Shown>(await later(ann), "POST", pump, "/transfer", {})).body.code;
  await anew();
  assert.equal((await stateOf(pump)).state, "claimed");
  assert.equal(says(await claim(await later(bob), offer)), "403 claim.invalid");
  // Whether it was nobody's in between or not.
  for (const makesHers of [anew, async () => bind(ann.user)]) {
    await contest(await later(bob), code);
    assert.equal((await stateOf(pump)).state, "contested");
    await makesHers();
    assert.equal((await stateOf(pump)).state, "claimed");
  }
});

test("the code on the box gets what is somebody's after a time in which the owner can object, whatever she offered that nobody took", async () => {
  clock.move(3_600_000); // what was guessed before is forgotten
  const [pump, offered] = [await owner.device(app.id), await owner.device(app.id)];
  const [code, other] = [await print(pump), await print(offered)];
  await claim(await later(ann), code);
  await claim(await later(ann), other);
  await does(await later(ann), "POST", offered, "/transfer", {});
  await contest(await later(eve), other);
  const standing = async () => (await hers(await later(ann))).find(({ device }) => device === offered.id)?.state;
  assert.equal(await standing(), "transferring", "while her offer is open, nobody else asks for it");
  assert.equal((await contest(await later(bob), code)).status, 200);
  const [notice] = (await hers(await later(ann))).filter(({ device }) => device === pump.id);
  assert.equal(notice?.state, "contested");
  clock.set(clock.now() + 14 * day - 60_000);
  assert.equal(says(await claim(await later(bob), code)), "403 claim.invalid");
  clock.move(120_000);
  assert.equal(says(await claim(await later(eve), code)), "403 claim.invalid");
  assert.equal((await claim(await later(bob), code)).status, 200);

  assert.equal(await standing(), "claimed");
  await contest(await later(eve), other);
  assert.equal(await standing(), "contested");

  assert.equal((await contest(await later(ann), code)).status, 200);
  assert.equal(says(await does(await later(bob), "POST", pump, "/transfer", {})), "409 claim.contested");
  assert.equal((await does(await later(bob), "POST", pump, "/objection")).status, 200);
  assert.equal(says(await does(await later(bob), "POST", pump, "/objection")), "409 claim.notContested");
  clock.set(clock.now() + 15 * day);
  assert.equal(says(await claim(await later(ann), code)), "403 claim.invalid");
});
