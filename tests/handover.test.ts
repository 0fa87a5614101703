import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock, uuidOf, type Id } from "@holdfast/kernel";
import pg from "pg";
import { atEnd, freshDatabase, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { App, says } from "./application-users.fixture.ts";
import { Owner, textOf, type Key, type Problem, type SignedIn, type Thing } from "./authority.fixture.ts";
import { closedWithin, mqtt } from "./revocation.fixture.ts";

// How a device leaves its organisation for another one, on the real platform.
const clock = new TestClock(systemClock.now());
const database = await freshDatabase();
const platform = await startTestPlatform({ clock, timers: clock, database });
atEnd.after(() => platform.close().then(() => database.drop()));
const visitor = platform.visitor.unkept();
const owner = new Owner(visitor, await platform.setUp());
const application = await owner.application();
const other = new Owner(visitor, await owner.asks.post<SignedIn>("/v1/orgs", { name: "Works" }));
const there = await other.application();

type Taken = { device: string; name: string; application: string; key: Key };
const offered = async ({ id }: Thing) =>
  (await owner.asks.post<{ code: string }>(`/v1/devices/${id}/handover`, {})).code;
const takes = (code: string, by = other, into = there) =>
  by.asks.send<Taken & Problem>("POST", `/v1/applications/${into.id}/handovers`, { body: { code } });
const measures = (text: string, temperature: number) =>
  visitor.as(text).anew().send<Problem>("POST", "/v1/me/telemetry", { body: { temperature } });

test("a device that its organisation hands over ends there within a second, its history stays, and it begins in the other one by a key of its own", async () => {
  const pump = await owner.device(application.id);
  await measures(textOf(pump.key), 11.5);
  const line = await mqtt(platform, { username: pump.key.id, password: pump.key.secret ?? "", protocolVersion: 5 });
  const code = await offered(pump);
  assert.equal(says(await takes("0000-0000-0000-0000-0000")), "403 handover.invalid");
  assert.equal((await measures(textOf(pump.key), 12.5)).status, 200);
  const from = performance.now();
  const { status, body } = await takes(code.toLowerCase());
  assert.equal(status, 201, JSON.stringify(body));
  clock.move(500);
  await closedWithin(line, from, 1_000);
  assert.equal((await measures(textOf(pump.key), 13.5)).status, 401);
  assert.equal((await measures(`${body.key.id}.${body.key.secret}`, 14.5)).status, 200);

  const values = async (who: Owner, id: string) =>
    (
      await who.asks.send<{ items?: { value: number }[] }>("GET", `/v1/devices/${id}/telemetry?attribute=temperature`)
    ).body.items?.map(({ value }) => value);
  assert.deepEqual(await values(owner, pump.id), [11.5, 12.5]);
  assert.deepEqual(await values(other, body.device), [14.5]);
  assert.deepEqual([await values(owner, body.device), await values(other, pump.id)], [undefined, undefined]);
  const [old, made] = [
    await owner.asks.get<{ state: string; name: string }>(`/v1/devices/${pump.id}`),
    await other.asks.get<{ state: string; name: string }>(`/v1/devices/${body.device}`),
  ];
  assert.deepEqual([old.state, made.state, made.name], ["retired", "active", old.name]);
  // Once: not for others, nor for the same again.
  assert.equal(says(await takes(code)), "403 handover.invalid");
  assert.equal(says(await takes(code, owner, application)), "403 handover.invalid");
  const client = new pg.Client(database.url);
  await client.connect();
  const { rows } = await client.query<{ text: string }>("select d::text as text from holdfast.device_handover d");
  await client.end();
  // More of it than stands in a row by chance.
  for (const part of [code.slice(0, 9), code.replaceAll("-", "").slice(0, 8)])
    assert.equal(rows[0]?.text.includes(part), false);
});

test("without its organisation's leave nobody gets a device: withdrawn and replaced codes, and those of what ended or is a customer's, give none", async () => {
  const [withdrawn, replaced, retired] = await Promise.all([1, 2, 3].map(() => owner.device(application.id)));
  assert.ok(withdrawn && replaced && retired);
  const codes = [await offered(withdrawn), await offered(replaced), await offered(retired)];
  await owner.asks.send("DELETE", `/v1/devices/${withdrawn.id}/handover`);
  const good = await offered(replaced);
  await owner.asks.send("POST", `/v1/devices/${retired.id}/retire`, { body: {} });
  const app = await App.of({ visitor, clock }, owner);
  const ann = await app.user();
  const hers = await owner.device(app.id);
  const early = await offered(hers);
  await app.bind(hers, ann.user);
  const late = await owner.asks.send<Problem>("POST", `/v1/devices/${hers.id}/handover`, { body: {} });
  assert.equal(says(late), "409 handover.claimed");
  for (const code of [...codes, early]) assert.equal(says(await takes(code ?? "")), "403 handover.invalid");
  // Whoever may not make devices there, takes none over; nobody offers what is not his.
  const token = await other.tokenOf(["application.read"]);
  const denied = await visitor
    .as(token.token)
    .anew()
    .send<Problem>("POST", `/v1/applications/${there.id}/handovers`, { body: { code: good } });
  assert.equal(says(denied), "403 permit.missing");
  const foreign = await other.asks.send<Problem>("POST", `/v1/devices/${replaced.id}/handover`, { body: {} });
  assert.equal(says(foreign), "404 device.unknown");
  assert.equal((await owner.asks.get<{ state: string }>(`/v1/devices/${replaced.id}`)).state, "active");
  assert.equal((await takes(good)).status, 201);
});

test("what was cut off before the device had arrived is finished by the same code in the same application, and nowhere else", async () => {
  const pump = await owner.device(application.id);
  const code = await offered(pump);
  const client = new pg.Client(database.url);
  await client.connect();
  // Its row there cannot be written.
  await client.query(
    `create function holdfast.no() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$; create trigger no before insert on holdfast.device for each row when (new.org = '${uuidOf(other.org as Id<"org">)}') execute function holdfast.no()`,
  );
  assert.equal((await takes(code)).status, 500);
  await client.query("drop trigger no on holdfast.device; drop function holdfast.no()");
  await client.end();
  assert.equal((await owner.asks.get<{ state: string }>(`/v1/devices/${pump.id}`)).state, "retired");
  const elsewhere = await other.application();
  assert.equal(says(await takes(code, other, elsewhere)), "403 handover.invalid");
  assert.equal(says(await takes(code, owner, application)), "403 handover.invalid");
  assert.equal((await takes(code)).status, 201);
  assert.equal(says(await takes(code)), "403 handover.invalid");
});

test("where the application that was to have it was deleted meanwhile, the device goes to another one of the same organisation", async () => {
  clock.move(3_600_000); // what was tried before is forgotten
  const pump = await owner.device(application.id);
  const code = await offered(pump);
  const [first, second] = [await other.application(), await other.application()];
  const client = new pg.Client(database.url);
  await client.connect();
  await client.query(
    `create function holdfast.no() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$; create trigger no before insert on holdfast.device for each row when (new.org = '${uuidOf(other.org as Id<"org">)}') execute function holdfast.no()`,
  );
  assert.equal((await takes(code, other, first)).status, 500);
  await client.query("drop trigger no on holdfast.device; drop function holdfast.no()");
  await client.end();
  assert.equal(says(await takes(code, other, second)), "403 handover.invalid", "the first one is there");
  await other.asks.delete(`/v1/applications/${first.id}`);
  assert.equal(says(await takes(code, owner, application)), "403 handover.invalid", "it is another organisation's");
  const { status, body } = await takes(code, other, second);
  assert.deepEqual([status, body.application], [201, second.id]);
  assert.equal((await measures(textOf(body.key), 16.5)).status, 200);
  assert.equal(says(await takes(code, other, second)), "403 handover.invalid");
});

test("what was cut off when the device was there brings no second one: the same code gives it another key, and the one before is good for nothing", async () => {
  clock.move(3_600_000); // what was tried before is forgotten
  const pump = await owner.device(application.id);
  const code = await offered(pump);
  const devices = async () =>
    (await other.asks.get<{ items: { id: string }[] }>("/v1/devices?limit=1000")).items.map(({ id }) => id);
  const before = await devices();
  const client = new pg.Client(database.url);
  await client.connect();
  // That it arrived cannot be written down.
  await client.query(
    `create function holdfast.no() returns trigger language plpgsql security definer as $$ begin if (select count(*) from holdfast.device where org = '${uuidOf(other.org as Id<"org">)}') > ${before.length} then raise exception 'no'; end if; return new; end $$; create trigger no before insert or update on holdfast.device_handover for each row execute function holdfast.no()`,
  );
  assert.equal((await takes(code)).status, 500);
  await client.query("drop trigger no on holdfast.device_handover; drop function holdfast.no()");
  await client.end();
  const [made, ...others] = (await devices()).filter((id) => !before.includes(id));
  assert.ok(made !== undefined && others.length === 0);
  type Kept = { items: { id: string; state: string }[] };
  const keys = async () =>
    (await other.asks.get<Kept>("/v1/credentials?limit=1000")).items.filter((one) =>
      JSON.stringify(one).includes(made),
    );
  const [lost] = await keys();
  const { status, body } = await takes(code);
  assert.deepEqual([status, body.device], [201, made]);
  assert.deepEqual(await devices(), [...before, made]);
  assert.equal((await measures(textOf(body.key), 15.5)).status, 200);
  const states = new Map((await keys()).map(({ id, state }) => [id, state]));
  assert.deepEqual([states.get(lost?.id ?? ""), states.get(body.key.id)], ["revoked", "active"]);
  assert.equal(says(await takes(code)), "403 handover.invalid");
});

test("a code that is shown many times at once brings one device", async () => {
  clock.move(3_600_000); // what was tried before is forgotten
  const pump = await owner.device(application.id);
  const code = await offered(pump);
  const count = async () =>
    (await other.asks.get<{ items: { name: string }[] }>("/v1/devices?limit=1000")).items.length;
  const before = await count();
  const answers = (await Promise.all(Array.from({ length: 5 }, () => takes(code)))).map(says);
  const rest = Array.from({ length: 4 }, () => "403 handover.invalid");
  assert.deepEqual(answers.toSorted(), ["201 undefined", ...rest]);
  assert.equal(await count(), before + 1);
  assert.equal(says(await takes(code)), "403 handover.invalid");
});
