import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import pg from "pg";
import { Proxy } from "../apps/server/src/storage/proxy.fixture.ts";
import { freshDatabase } from "../apps/server/src/testing/index.ts";
import { Desk, type Alert } from "./alerts.fixture.ts";
import { Owner, type Device, type Problem } from "./authority.fixture.ts";

async function opened(t: TestContext) {
  const database = await freshDatabase();
  const proxy = await Proxy.to(t, database.login);
  const { login } = proxy;
  const url = `postgres://${login.user}:${login.password}@127.0.0.1:${login.port}/${login.database}`;
  const desk = await Desk.open({ database: { ...database, url } });
  const client = new pg.Client(database.url);
  await client.connect();
  t.after(async () => {
    await client.end();
    await desk.during(desk.house.close());
    await database.drop();
  });
  const [device] = (await desk.group(1)).devices;
  assert.ok(device);
  return {
    desk,
    proxy,
    client,
    url: database.url,
    device,
    alert: () => desk.until("an alert", async () => (await desk.alerts())[0], 60),
  };
}

test("a rule whose change was kept, though nobody was told so, is watched as it is now", async (t) => {
  const { desk, proxy, device, alert } = await opened(t);
  const unanswered = async (method: "POST" | "PATCH", path: string, body: object) => {
    // Where something else is cut off first, what is known of the organisation is read again before anything is changed.
    for (let code: string | undefined = "credential.invalid"; code === "credential.invalid";) {
      proxy.swallowReplyTo("commit\0");
      code = (await desk.owner.asks.send<Problem>(method, path, { body })).body.code;
      proxy.swallowReplyTo(undefined);
      if (code !== "credential.invalid") assert.equal(code, "storage.unavailable");
    }
  };
  await unanswered("POST", "/v1/alert-rules", { name: "Away", after: "2s" });
  const { items } = await desk.owner.asks.get<{ items: { id: string }[] }>("/v1/alert-rules");
  const [rule] = items;
  assert.ok(rule && items.length === 1);
  const client = await desk.connect(device);
  client.stream.destroy();
  assert.equal((await alert()).rule, rule.id);
  await unanswered("PATCH", `/v1/alert-rules/${rule.id}`, { of: { tag: { key: "site", value: "north" } } });
  await desk.until("cleared", async () => (await desk.alerts())[0]?.state === "cleared" || undefined, 20);
});

test("rules that could not be read are told to the operator once, and read again until they can be", async (t) => {
  const { desk, client, device, alert } = await opened(t);
  await client.query("alter table holdfast.alert rename column body to away");
  const { id } = await desk.rule({ after: "2s" });
  await desk.pass(3);
  const told = () => desk.house.platform.reports.filter((one) => one.startsWith("Rules of an organisation could not"));
  assert.equal(told().length, 1);
  await client.query("alter table holdfast.alert rename column away to body");
  await desk.pass(2);
  (await desk.connect(device)).stream.destroy();
  assert.equal((await alert()).rule, id);
  assert.equal(told().length, 1);
});

test("rules that cannot be read keep no other organisation from its alerts, and one that was altered none of its own", async (t) => {
  const { desk, client, device, alert } = await opened(t);
  const { platform } = desk.house;
  const theirs = new Owner(platform.visitor, await platform.setUp());
  const { id } = await desk.rule({ after: "2s" });
  const line = await desk.connect(device);
  await theirs.asks.post("/v1/alert-rules", { name: "Altered" });
  const alters = "update holdfast.alert_rule set body = set_byte(body, 40, get_byte(body, 40) # 1) where org = $1";
  await client.query(alters, [theirs.org.slice(4)]);
  await theirs.asks.post("/v1/alert-rules", { name: "Another" });
  const told = (what: string) => platform.reports.filter((one) => one.startsWith(what)).length;
  assert.deepEqual([told("Rules or alerts were altered"), told("Rules of an organisation could not")], [1, 0]);

  const others = new Owner(platform.visitor, await platform.setUp());
  await client.query("alter table holdfast.presence rename column heard_at to away");
  await others.asks.post("/v1/alert-rules", { name: "Others" });
  line.stream.destroy();
  assert.equal((await alert()).rule, id);
  await client.query("alter table holdfast.presence rename column away to heard_at");
});

test("an alert that somebody altered in the database, and that is over by then, keeps no other from being raised", async (t) => {
  const { desk, client, device, alert } = await opened(t);
  await desk.rule({ after: "2s" });
  const [other] = (await desk.group(1)).devices;
  assert.ok(other);
  const line = await desk.connect(other);
  (await desk.connect(device)).stream.destroy();
  await alert();
  await client.query("update holdfast.alert set body = set_byte(body, 40, get_byte(body, 40) # 1)");
  await desk.connect(device);
  await desk.pass(5);
  line.stream.destroy();
  const count = async () => (await client.query("select 1 from holdfast.alert")).rowCount;
  await desk.until("another alert", async () => (await count()) === 2 || undefined, 30);
  const told = desk.house.platform.reports.filter((one) =>
    one.startsWith("Alerts were altered or deleted in the database"),
  );
  assert.equal(told.length, 1);
});

test("while an organisation is stopped nobody is told of its alerts, and then of all of them", async (t) => {
  const { desk } = await opened(t);
  const { platform } = desk.house;
  const theirs = new Owner(platform.visitor, await platform.setUp());
  const hook = await theirs.asks.post<{ id: string }>("/v1/webhooks", { name: "Desk", url: desk.url("/theirs") });
  await theirs.asks.post("/v1/alert-rules", { name: "Away", after: "2s", webhooks: [hook.id] });
  const line = await desk.connect(await theirs.device((await theirs.application()).id));
  line.stream.destroy();
  await desk.owner.asks.post(`/v1/instance/organisations/${theirs.org}/suspend`);
  await desk.pass(30);
  assert.equal(desk.taken.length, 0);
  await desk.owner.asks.post(`/v1/instance/organisations/${theirs.org}/resume`);
  await desk.until("a message", () => desk.taken.length > 0 || undefined, 30);
  assert.equal(desk.taken[0]?.said.type, "alert.raised");
});

test("of a webhook that is removed while it is about to be disabled nothing is told", async (t) => {
  const { desk, proxy, client, device } = await opened(t);
  const hook = await desk.webhook("/gone");
  await desk.rule({ after: "2s", webhooks: [hook.id] });
  /** Who is about to write down something of the webhook. */
  const noting = async () => {
    await client.query("select pg_stat_clear_snapshot()");
    const text = `select wait_event_type from pg_stat_activity where datname = current_database() and xact_start is not null
      and query like 'select % from webhook % for update'`;
    return (await client.query<{ wait_event_type: string | null }>(text)).rows;
  };
  await client.query("select set_config('app.org', $1, false)", [desk.owner.org.slice(4)]);
  // What is noted of the attempt comes first, then the removal, and what disables it last.
  await client.query("begin; select 1 from holdfast.webhook for update");
  desk.answers.push(410);
  (await desk.connect(device)).stream.destroy();
  await desk.until("an attempt", () => desk.taken.length > 0 || undefined);
  while (!(await noting()).some((one) => one.wait_event_type === "Lock")) await wait(5);
  const release = proxy.hold("begin");
  await client.query("commit");
  while ((await noting()).length > 0) await wait(5);
  await client.query("delete from holdfast.webhook");
  release();
  const left = async () => (await client.query("select 1 from holdfast.alert_delivery")).rowCount;
  await desk.until("nothing left to send", async () => (await left()) === 0 || undefined, 20);
  assert.deepEqual(
    (await desk.alerts()).map(({ cause }) => cause),
    ["offline"],
  );
  assert.deepEqual((await desk.owner.asks.get<{ items: object[] }>("/v1/webhooks")).items, []);
  assert.equal(desk.taken.length, 1);
  assert.deepEqual(
    desk.house.platform.reports.filter((one) => one.startsWith("Alerts of an organisation")),
    [],
  );
});

test("an alert that somebody altered in the database is told to nobody, which the operator hears, and the next one is told", async (t) => {
  const { desk, client, device } = await opened(t);
  const hook = await desk.webhook("/altered");
  await desk.rule({ after: "2s", webhooks: [hook.id] });
  await client.query("select set_config('app.org', $1, false)", [desk.owner.org.slice(4)]);
  desk.answers.push(503);
  (await desk.connect(device)).stream.destroy();
  await desk.until("an attempt", () => desk.taken.length > 0 || undefined);
  await client.query("update holdfast.alert set body = set_byte(body, 40, get_byte(body, 40) # 1)");
  const told = () => desk.house.platform.reports.filter((one) => one.startsWith("An alert or its webhook"));
  await desk.until("the operator to hear of it", () => told().length > 0 || undefined, 60);
  assert.equal((await client.query("select 1 from holdfast.alert_delivery")).rowCount, 0);
  const [other, third] = (await desk.group(2)).devices;
  assert.ok(other && third);
  (await desk.connect(other)).stream.destroy();
  await desk.until("the next one", () => desk.taken.length === 2 || undefined, 60);
  // Whom a rule tells was read with it.
  await client.query("update holdfast.alert_rule set body = set_byte(body, 40, get_byte(body, 40) # 1)");
  (await desk.connect(third)).stream.destroy();
  await desk.until("one of a rule that was altered", () => desk.taken.length === 3 || undefined, 60);
  assert.equal(told().length, 1);
});

test("an alert, a rule or a webhook that somebody altered in the database hides no other: lists name it, the operator hears of it once, and it goes with its rule", async (t) => {
  const { desk, client, device } = await opened(t);
  const { asks } = desk.owner;
  const { of, devices } = await desk.group(2);
  const [kept, spoilt] = [await desk.rule({ after: "2s" }), await desk.rule({ name: "Spoilt", after: "2s", of })];
  const [hook, other] = [await desk.webhook("/one"), await desk.webhook("/two")];
  const alertOf = async (rule: { id: string }, { id }: { id: string }) =>
    (await desk.alerts(`?device=${id}`)).find((alert) => alert.rule === rule.id);
  const away = async (one: Device, ...more: { id: string }[]) => {
    (await desk.connect(one)).stream.destroy();
    const found: Alert[] = [];
    for (const rule of [kept, ...more]) found.push(await desk.until("an alert", () => alertOf(rule, one), 60));
    return found;
  };
  const [first, second] = devices;
  assert.ok(first && second);
  const raised = [...(await away(device)), ...(await away(first, spoilt)), ...(await away(second, spoilt))];
  const [, , lost, , open] = raised;
  assert.ok(lost && open);
  const alter = (table: string, { id }: { id: string }) =>
    client.query(
      `update holdfast.${table} set body = set_byte(body, 40, get_byte(body, 40) # 1) where id = '${id.slice(4)}'`,
    );
  await alter("alert", lost);
  await alter("alert_rule", spoilt);
  await alter("webhook", other);

  type Part = { items: { id: string }[]; altered?: string[]; nextCursor?: string };
  const listed = async (path: string, parts = [""]) => {
    const [ids, altered]: [string[], string[]] = [[], []];
    for (const part of parts) {
      const { items, altered: some = [], nextCursor } = await asks.get<Part>(`${path}${part}`);
      ids.push(...items.map(({ id }) => id));
      altered.push(...some);
      if (nextCursor !== undefined) parts.push(`?limit=1&cursor=${nextCursor}`);
    }
    return { ids: ids.sort(), altered };
  };
  const sound = raised.flatMap(({ id }) => (id === lost.id ? [] : [id])).sort();
  assert.deepEqual(await listed("/v1/alerts"), { ids: sound, altered: [lost.id] });
  assert.deepEqual(await listed("/v1/alerts", ["?limit=1"]), { ids: sound, altered: [lost.id] });
  assert.deepEqual(await listed("/v1/alert-rules"), { ids: [kept.id], altered: [spoilt.id] });
  assert.deepEqual(await listed("/v1/webhooks"), { ids: [hook.id], altered: [other.id] });
  const told = desk.house.platform.reports.filter((one) => one.startsWith("Rows of a list were altered"));
  assert.equal(told.length, 3);
  assert.equal((await asks.send<Problem>("GET", `/v1/alert-rules/${spoilt.id}`)).body.code, "seal.broken");

  // Nobody has read it as it is now.
  const headers = { "if-match": '"1"' };
  const early = await asks.send<Problem>("DELETE", `/v1/alert-rules/${spoilt.id}`, { headers });
  assert.deepEqual([early.status, early.body.code], [412, "request.conflict"]);
  await asks.delete(`/v1/alert-rules/${spoilt.id}`);
  await asks.delete(`/v1/webhooks/${other.id}`);
  assert.deepEqual(await listed("/v1/alert-rules"), { ids: [kept.id], altered: [] });
  assert.deepEqual(await listed("/v1/webhooks"), { ids: [hook.id], altered: [] });
  assert.deepEqual(await listed("/v1/alerts"), { ids: sound, altered: [] });
  const over = await desk.until("cleared", async () => {
    const alert = await alertOf(spoilt, second);
    return alert?.state === "cleared" ? alert : undefined;
  });
  assert.equal(typeof over.devices[0]?.endedAt, "string");
  assert.equal((await alertOf(kept, second))?.state, "raised");
  const audited = (await desk.owner.audited()).map(({ what, about, facts }) => [what, about, facts?.["altered"]]);
  for (const entry of [
    ["alertRule.deleted", spoilt.id, true],
    ["webhook.deleted", other.id, true],
    ["alert.altered", lost.id, undefined],
  ])
    assert.ok(
      audited.some((one) => isDeepStrictEqual(one, entry)),
      JSON.stringify(entry),
    );
});

test("an outage that somebody deleted in the database, and that others join, keeps no other alert from being raised", async (t) => {
  const { desk, client, device } = await opened(t);
  const { of, devices } = await desk.group(6);
  await desk.rule({ after: "5s", of });
  const [last, ...most] = await Promise.all(devices.map((one) => desk.connect(one)));
  assert.ok(last);
  for (const one of most) one.stream.destroy();
  await desk.until("an outage", async () => (await desk.alerts())[0], 60);
  await client.query("delete from holdfast.alert");
  last.stream.destroy();
  await desk.pass(20);
  const { id } = await desk.rule({ after: "2s" });
  (await desk.connect(device)).stream.destroy();
  await desk.until("an alert", async () => (await desk.alerts()).find(({ rule }) => rule === id), 60);
  const told = (what: string) => desk.house.platform.reports.filter((one) => one.startsWith(what)).length;
  assert.deepEqual([told("What became of alerts"), told("Alerts were altered or deleted")], [0, 1]);
});

test("an alert whose rule is gone without anybody having watched is cleared within the hour", async (t) => {
  const { desk, client, device } = await opened(t);
  await desk.rule({ after: "2s" });
  (await desk.connect(device)).stream.destroy();
  await desk.until("an alert", async () => (await desk.alerts())[0], 60);
  await client.query("delete from holdfast.alert_rule");
  desk.asks = desk.house.platform.visitor.unkept().as(desk.owner.token); // a kept connection is closed by such a move
  desk.clock.move(3_600_000);
  await desk.until("cleared", async () => (await desk.alerts())[0]?.state === "cleared" || undefined, 10);
});
