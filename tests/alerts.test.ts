import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import pg from "pg";
import { newId, systemRandom } from "@holdfast/kernel";
import { atEnd, freshDatabase, startTestPlatform, waitingFor } from "../apps/server/src/testing/index.ts";
import { Desk, isSigned, type Alert } from "./alerts.fixture.ts";
import { Owner, viewer, type Problem } from "./authority.fixture.ts";
import { connected } from "./clients.fixture.ts";

const desk = await Desk.open();
atEnd.after(() => desk.house.close());
const { owner } = desk;
const open = async () => (await desk.alerts("?state=open")).filter(({ webhook }) => !webhook);
const of = (device: { id: string }) => async (): Promise<Alert | undefined> =>
  (await desk.alerts(`?device=${device.id}`))[0];
const cleared = (device: { id: string }) => async () => {
  const alert = await of(device)();
  return alert?.state === "cleared" ? alert : undefined;
};

test("a device that is away for longer than a rule says raises one alert, which somebody acknowledges, and which is cleared when it comes back", async () => {
  const hook = await desk.webhook("/one");
  const { of: ofProduct, devices } = await desk.group(1);
  const [device] = devices;
  assert.ok(device);
  const rule = await desk.rule({ of: ofProduct, after: "20s", webhooks: [hook.id] });
  const client = await desk.connect(device);
  client.stream.destroy();
  await desk.pass(15);
  assert.deepEqual(await open(), [], "it has not been away for so long");
  const raised = await desk.until("an alert", of(device), 30);
  assert.deepEqual(
    [raised.rule, raised.cause, raised.because, raised.outage, raised.state, raised.count],
    [rule.id, "offline", "the connection broke", false, "raised", 1],
  );
  assert.deepEqual(
    raised.devices.map((one) => one.device),
    [device.id],
  );
  const told = await desk.until("a message", () => desk.taken.find(({ said }) => said.type === "alert.raised"), 10);
  assert.ok(isSigned(told, hook.secret) && !isSigned(told, (await desk.webhook("/other")).secret));
  assert.deepEqual([told.path, told.said.data.id, told.said.data.ruleName], ["/one", raised.id, "Away"]);
  const late = Number(told.headers["webhook-timestamp"]) - Date.parse(told.said.timestamp) / 1_000;
  assert.ok(late > -1 && late < 10, `sent ${late} s later`);
  const seen = await owner.asks.post<Alert>(`/v1/alerts/${raised.id}/acknowledge`, {});
  assert.deepEqual([seen.state, seen.acknowledgedBy], ["acknowledged", owner.person]);
  await desk.pass(10);
  assert.equal((await desk.alerts(`?device=${device.id}`)).length, 1, "it is told once");
  const back = await desk.connect(device);
  const over = await desk.until("cleared", cleared(device), 10);
  assert.ok(over.devices[0]?.endedAt);
  await desk.until("the end told", () => desk.taken.find(({ said }) => said.type === "alert.cleared"), 10);
  assert.equal(
    (await owner.asks.send<Problem>("POST", `/v1/alerts/${raised.id}/acknowledge`, { body: {} })).body.code,
    "alert.cleared",
  );
  await back.endAsync();
  await owner.asks.delete(`/v1/alert-rules/${rule.id}`);
  assert.deepEqual(await desk.until("none", async () => ((await open()).length === 0 ? [] : undefined), 10), []);
  const audited = (await owner.audited()).map(({ what }) => what);
  for (const what of ["alertRule.created", "alertRule.deleted", "webhook.created", "alert.acknowledged"])
    assert.ok(audited.includes(what), what);
});

test("an outage of many is one alert with the list of all, and one message", async () => {
  desk.taken.length = 0;
  const hook = await desk.webhook("/many");
  const { of: ofProduct, devices } = await desk.group(9);
  const rule = await desk.rule({ of: ofProduct, after: "20s", webhooks: [hook.id] });
  const clients = await Promise.all(devices.map((device) => desk.connect(device)));
  await desk.pass(5);
  for (const [i, client] of clients.slice(0, 8).entries()) {
    client.stream.destroy();
    if (i % 3 === 2) await desk.pass(3); // they go one after the other
  }
  const alert = await desk.until("an alert of all", async () => (await open()).find(({ count }) => count === 8), 120);
  assert.deepEqual([alert.outage, alert.because, (await open()).length], [true, "it went with many others at once", 1]);
  assert.equal(new Set(alert.devices.map(({ device }) => device)).size, 8);
  const { presence } = await owner.asks.get<{ presence: { because: string } }>(`/v1/devices/${devices[0]?.id}`);
  assert.equal(presence.because, "it went with many others at once");
  await desk.pass(10);
  assert.equal(desk.taken.filter(({ said }) => said.type === "alert.raised").length, 1);
  for (const device of devices.slice(0, 7)) await desk.connect(device);
  await desk.pass(3);
  assert.equal((await open()).length, 1, "one of them is still away");
  await desk.connect(devices[7]!); // there are nine
  await desk.until("cleared", async () => ((await open()).length === 0 ? true : undefined), 10);
  await desk.until("told", () => desk.taken.find(({ said }) => said.type === "alert.cleared"), 10);
  await owner.asks.delete(`/v1/alert-rules/${rule.id}`);
});

test("what is suspended raises none, what a rule is not about neither, and what becomes of it clears one", async () => {
  const { of: ofProduct, devices } = await desk.group(1);
  const [ours, other] = [...devices, ...(await desk.group(1)).devices];
  assert.ok(ours && other);
  const rule = await desk.rule({ of: ofProduct, states: ["offline", "silent"], after: "2s" });
  for (const device of [ours, other]) (await desk.connect(device)).stream.destroy();
  await desk.until("an alert", of(ours), 40);
  await desk.pass(3);
  assert.equal(await of(other)(), undefined);
  await owner.asks.post(`/v1/devices/${ours.id}/suspend`, {});
  await desk.until("cleared", cleared(ours), 10);
  await owner.asks.post(`/v1/devices/${ours.id}/resume`, {});
  await desk.until("again", async () => (await of(ours)())?.state === "raised" || undefined, 40);
  await owner.asks.send("PATCH", `/v1/devices/${ours.id}`, { body: { product: null } });
  await desk.until("cleared", cleared(ours), 10);
  await owner.asks.delete(`/v1/alert-rules/${rule.id}`);
});

test("a webhook that fails is tried again with growing pauses under the same id; one that says it is gone is disabled, and the console tells", async () => {
  desk.taken.length = 0;
  const hook = await desk.webhook("/failing");
  const { of: ofProduct, devices } = await desk.group(1);
  const [device] = devices;
  assert.ok(device);
  const rule = await desk.rule({ of: ofProduct, after: "1s", webhooks: [hook.id] });
  desk.answers.push(503, 204);
  (await desk.connect(device)).stream.destroy();
  await desk.until("two attempts", () => desk.taken.length === 2 || undefined, 200);
  const ids = new Set(desk.taken.map(({ headers }) => headers["webhook-id"]));
  assert.equal(ids.size, 1, "whoever takes it twice knows it by its id");
  const times = desk.taken.map(({ headers }) => Number(headers["webhook-timestamp"]));
  assert.ok((times[1] ?? 0) - (times[0] ?? 0) >= 5, times.join(" "));
  assert.ok(desk.taken.every((message) => isSigned(message, hook.secret)));
  const state = async () =>
    (await owner.asks.get<{ items: { id: string; state: string; problem?: string }[] }>("/v1/webhooks")).items.find(
      ({ id }) => id === hook.id,
    );
  await desk.until("forgiven", async () => (await state())?.problem === undefined || undefined, 5);
  desk.answers.push(410);
  await desk.connect(device);
  const alert = await desk.until(
    "an alert",
    async () => (await desk.alerts("?state=open")).find((one) => one.webhook === hook.id),
    20,
  );
  assert.deepEqual([alert.cause, alert.because, (await state())?.state], ["webhook", "it answered 410", "disabled"]);
  await owner.asks.send("PATCH", `/v1/webhooks/${hook.id}`, { body: { state: "enabled" } });
  assert.deepEqual(
    [(await state())?.state, (await desk.alerts("?state=open")).some((one) => one.webhook === hook.id)],
    ["enabled", false],
  );
  assert.deepEqual(await owner.asks.post(`/v1/webhooks/${hook.id}/try`, {}), { taken: true });
  assert.equal(desk.taken.at(-1)?.said.type, "webhook.test");
  await owner.asks.delete(`/v1/webhooks/${hook.id}`);
  await owner.asks.send("PATCH", `/v1/alert-rules/${rule.id}`, { body: { webhooks: [] } });
  await owner.asks.delete(`/v1/alert-rules/${rule.id}`);
  const audited = (await owner.audited(hook.id)).map(({ what }) => what).toSorted();
  assert.deepEqual(audited, ["webhook.created", "webhook.deleted", "webhook.disabled", "webhook.updated"]);
  assert.ok((await owner.audited(rule.id)).some(({ what }) => what === "alertRule.updated"));
});

test("a webhook calls no address inside the house, follows no redirect and speaks HTTPS alone", async () => {
  const tried = async (url: string) => {
    const { id } = await owner.asks.post<{ id: string }>("/v1/webhooks", { name: "Inside", url });
    const answer = await owner.asks.post<{ taken: boolean; problem: string }>(`/v1/webhooks/${id}/try`, {});
    await owner.asks.delete(`/v1/webhooks/${id}`);
    return `${answer.taken} ${answer.problem}`;
  };
  desk.house.zone.set("inside.test A", ["10.0.0.7"]);
  assert.match(await tried("https://inside.test/"), /^false .* has no address that this platform may call/);
  desk.answers.push(307);
  assert.match(await tried(desk.url()), /redirect/);
  for (const url of ["http://desk.example/", "https://name:password@desk.example/"]) {
    const { body } = await owner.asks.send<Problem>("POST", "/v1/webhooks", { body: { name: "Plain", url } });
    assert.equal(body.code, "request.malformed", url);
  }
});

test("a webhook whose address says that it is inside the house is refused when it is set, where the operator does not allow it", async () => {
  const { body: hook } = await owner.asks.send<{ id: string }>("POST", "/v1/webhooks", {
    body: { name: "Allowed", url: "https://127.0.0.1/" },
  });
  const hosts = ["169.254.169.254", "10.0.0.1", "[::1]", "127.0.0.2", "2130706434", "[::ffff:10.0.0.1]"];
  for (const host of hosts) {
    const given = { name: "Inside", url: `https://${host}/latest` };
    for (const [method, path] of [
      ["POST", "/v1/webhooks"],
      ["PATCH", `/v1/webhooks/${hook.id}`],
    ] as const) {
      const { status, body } = await owner.asks.send<Problem>(method, path, { body: given });
      assert.deepEqual([status, body.code], [422, "webhook.inside"], `${method} ${host}`);
      assert.match(body.detail ?? "", /has no address that this platform may call.*--outbound-allow/);
    }
  }
  await owner.asks.delete(`/v1/webhooks/${hook.id}`);
  assert.deepEqual(
    (await owner.asks.get<{ items: { name: string }[] }>("/v1/webhooks")).items.filter(({ name }) => name === "Inside"),
    [],
  );
});

test("whoever may read alerts sees no secret and only devices that she may read; another organisation's are absent", async () => {
  const hook = await desk.webhook("/services/of-a-secret");
  const { of: ofProduct, devices } = await desk.group(1);
  const [device] = devices;
  assert.ok(device);
  const rule = await desk.rule({ of: ofProduct, after: "1s", webhooks: [hook.id] });
  (await desk.connect(device)).stream.destroy();
  const { id } = await desk.until("an alert", of(device), 20);
  const { token, person } = await owner.member(viewer);
  const member = desk.house.platform.visitor.as(token);
  assert.equal((await member.get<Alert>(`/v1/alerts/${id}`)).devices.length, 1);
  for (const [method, path, body] of [
    ["POST", "/v1/alert-rules", { name: "Mine" }],
    ["PATCH", `/v1/alert-rules/${rule.id}`, { name: "Mine" }],
    ["DELETE", `/v1/alert-rules/${rule.id}`, undefined],
    ["POST", `/v1/alerts/${id}/acknowledge`, {}],
    ["POST", "/v1/webhooks", { name: "Mine", url: desk.url() }],
    ["POST", `/v1/webhooks/${hook.id}/try`, {}],
    ["DELETE", `/v1/webhooks/${hook.id}`, undefined],
  ] as const)
    assert.equal((await member.send<Problem>(method, path, { body })).body.code, "permit.missing", path);
  const [listed, shown] = [await member.get("/v1/webhooks"), await owner.asks.get("/v1/webhooks")].map((all) =>
    JSON.stringify(all),
  );
  assert.ok(listed?.includes(hook.id) && !listed.includes("whsec_") && !listed.includes("of-a-secret"));
  assert.ok(shown?.includes("of-a-secret"));
  const program = await owner.tokenOf(["alert.read"]);
  const blind = await desk.house.platform.visitor.as(program.token).get<Alert>(`/v1/alerts/${id}`);
  assert.deepEqual([blind.count, blind.devices], [1, []]);

  const theirs = await desk.house.platform.setUp();
  const they = desk.house.platform.visitor.as(theirs.token);
  for (const [method, path, unknown, body] of [
    ["GET", `/v1/alerts/${id}`, "alert", undefined],
    ["POST", `/v1/alerts/${id}/acknowledge`, "alert", {}],
    ["GET", `/v1/alert-rules/${rule.id}`, "alertRule", undefined],
    ["PATCH", `/v1/alert-rules/${rule.id}`, "alertRule", { name: "Mine" }],
    ["DELETE", `/v1/alert-rules/${rule.id}`, "alertRule", undefined],
    ["PATCH", `/v1/webhooks/${hook.id}`, "webhook", { name: "Mine" }],
    ["POST", `/v1/webhooks/${hook.id}/try`, "webhook", {}],
    ["DELETE", `/v1/webhooks/${hook.id}`, "webhook", undefined],
  ] as const) {
    const never = path.replace(/(alr|rul|whk)_[0-9a-f]{32}/, newId(unknown, systemRandom));
    const [foreign, absent] = [
      await they.send<Problem>(method, path, { body }),
      await they.send<Problem>(method, never, { body }),
    ];
    assert.equal(foreign.body.code, `${unknown}.unknown`);
    assert.deepEqual([foreign.status, foreign.body.code], [absent.status, absent.body.code], `${method} ${path}`);
  }
  const wanted = { name: "Theirs", webhooks: [hook.id] };
  assert.equal((await they.send<Problem>("POST", "/v1/alert-rules", { body: wanted })).body.code, "webhook.unknown");
  const letters = { name: "Letters", people: [person] };
  assert.equal((await they.send<Problem>("POST", "/v1/alert-rules", { body: letters })).body.code, "member.unknown");
  assert.equal((await owner.asks.send<Problem>("POST", "/v1/alert-rules", { body: letters })).body.code, "mail.none");
  assert.deepEqual((await they.get<{ items: Alert[] }>("/v1/alerts")).items, []);
  await owner.asks.delete(`/v1/alert-rules/${rule.id}`);
});

/** After so many milliseconds on the same clock, with the same receiver. */
async function restarted(t: TestContext, first: Desk, away: number) {
  const { given, server } = first.house;
  await first.during(first.house.platform.close());
  first.clock.move(away);
  const platform = await startTestPlatform({ ...given, clock: first.clock });
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    first.house.names.close();
    await first.during(platform.close());
    await platform.database.drop();
  });
  first.asks = platform.visitor.as(first.owner.token);
  return platform;
}

test("whoever follows an outage over a short restart is in the same alert, and whoever is away after a long one is in another", async (t) => {
  for (const [away, counts] of [
    [10_000, [12]],
    [600_000, [6, 6]],
  ] as const) {
    const database = await freshDatabase();
    const first = await Desk.open({ database });
    await first.rule({ after: "5s" });
    const clients = await Promise.all((await first.group(12)).devices.map((device) => first.connect(device)));
    for (const client of clients.slice(0, 6)) client.stream.destroy();
    const alert = await first.until("an alert", async () => (await first.alerts())[0], 60);
    await first.until("all of them", async () => ((await first.alerts())[0]?.count === 6 ? true : undefined), 60);
    await restarted(t, first, away);
    await first.pass(110);
    assert.deepEqual(
      (await first.alerts()).map(({ id, count }) => [id, count]),
      [[alert.id, 6]],
    );
    const found = await first.until(
      "the others",
      async () => {
        const all = await first.alerts();
        return all.reduce((sum, { count }) => sum + count, 0) === 12 ? all : undefined;
      },
      60,
    );
    assert.deepEqual(
      found.map(({ count, outage }) => [count, outage]),
      counts.map((count) => [count, true]),
    );
  }
});

test("a restart raises nothing of devices that come back, keeps what is open, forgets no message, and tells of those that stay away", async (t) => {
  const database = await freshDatabase();
  const first = await Desk.open({ database });
  const hook = await first.webhook("/restart");
  await first.rule({ after: "5s", webhooks: [hook.id] });
  const [away, back, gone] = (await first.group(3)).devices;
  assert.ok(away && back && gone);
  (await first.connect(away)).stream.destroy();
  await Promise.all([first.connect(back), first.connect(gone)]);
  first.answers.push(500, 500, 500, 500);
  const alert = await first.until("an alert", async () => (await first.alerts())[0], 60);
  await first.until("an attempt", () => first.taken.length > 0 || undefined, 20);
  const platform = await restarted(t, first, 3_600_000);
  const alerts = () => first.alerts();
  const kept = await connected(platform, back.key);
  await first.pass(100);
  assert.deepEqual(
    (await alerts()).map(({ id, state }) => [id, state]),
    [[alert.id, "raised"]],
    "nothing is new, nothing is over",
  );
  const late = await first.until(
    "the one that stays away",
    async () => (await alerts()).find(({ id }) => id !== alert.id),
    60,
  );
  assert.deepEqual([late.devices.map(({ device }) => device), late.because], [[gone.id], "the platform stopped"]);
  assert.ok(
    (await alerts()).every(({ devices }) => devices.every(({ device }) => device !== back.id)),
    "no false one",
  );
  const retold = first.taken.filter(({ said }) => said.data.id === alert.id);
  assert.ok(retold.length > 1 && new Set(retold.map(({ headers }) => headers["webhook-id"])).size === 1);
  await kept.endAsync();
});

test("a rule is changed in one thing though a webhook that it names is gone, and names no other that is not there", async () => {
  const hook = await desk.webhook("/gone");
  const rule = await desk.rule({ of: (await desk.group(1)).of, webhooks: [hook.id] });
  await owner.asks.delete(`/v1/webhooks/${hook.id}`);
  const patch = (body: object) => owner.asks.send<Problem>("PATCH", `/v1/alert-rules/${rule.id}`, { body });
  assert.equal((await patch({ after: "5m" })).status, 200);
  // As the console does, all of it at once.
  assert.equal((await patch({ name: "Renamed", webhooks: [hook.id] })).status, 200);
  const other = await desk.webhook("/other");
  await owner.asks.delete(`/v1/webhooks/${other.id}`);
  assert.equal((await patch({ webhooks: [hook.id, other.id] })).body.code, "webhook.unknown");
  await owner.asks.delete(`/v1/alert-rules/${rule.id}`);
});

test("an organisation has two hundred rules and a hundred webhooks, and the next ones are refused", async () => {
  const other = new Owner(desk.house.platform.visitor, await desk.house.platform.setUp());
  const fill = async (path: string, count: number, body: (at: number) => object) => {
    for (let at = 0; at < count; at += 20)
      await Promise.all(Array.from({ length: 20 }, (_, more) => other.asks.post(path, body(at + more))));
    return (await other.asks.send<Problem>("POST", path, { body: body(count) })).body.code;
  };
  assert.equal(await fill("/v1/alert-rules", 200, (at) => ({ name: `Away ${at}` })), "alertRule.tooMany");
  const url = "https://hooks.example/";
  assert.equal(await fill("/v1/webhooks", 100, (at) => ({ name: `Desk ${at}`, url })), "webhook.tooMany");
});

test("of five rules that are the first of an organisation and are made at once each raises its alert", async (t) => {
  const database = await freshDatabase();
  const first = await Desk.open({ database });
  t.after(async () => {
    await first.during(first.house.close());
    await database.drop();
  });
  const client = new pg.Client(database.url);
  await client.connect();
  const [device] = (await first.group(1)).devices;
  assert.ok(device);
  const counted = async (text: string, count: number) => {
    while (Number((await client.query<{ count: string }>(text)).rows[0]?.count) < count) await wait(5);
  };
  // Whoever reads the first one goes on when all of them are there.
  await client.query("begin; lock table holdfast.alert in access exclusive mode");
  const made = [first.rule({ after: "1s" })];
  await counted(waitingFor("alert"), 1);
  for (let i = 0; i < 4; i++) made.push(first.rule({ after: "1s" }));
  await counted("select count(*) from holdfast.alert_rule", 5);
  await client.query("commit");
  await client.end();
  const rules = (await Promise.all(made)).map(({ id }) => id);
  (await first.connect(device)).stream.destroy();
  await first.until("one of each", async () => (await first.alerts()).length === 5 || undefined, 40);
  assert.deepEqual(new Set((await first.alerts()).map(({ rule }) => rule)), new Set(rules));
});

test("a webhook that cannot be disabled with the alert that says so is not disabled yet, and is once that can be written", async (t) => {
  const database = await freshDatabase();
  const first = await Desk.open({ database });
  t.after(async () => {
    await first.during(first.house.close());
    await database.drop();
  });
  const hook = await first.webhook("/gone");
  const [device] = (await first.group(1)).devices;
  assert.ok(device);
  await first.rule({ after: "1s", webhooks: [hook.id] });
  const client = new pg.Client(database.url);
  await client.connect();
  await client.query(
    "create function holdfast.no() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$; create trigger no before insert on holdfast.alert for each row when (new.webhook is not null) execute function holdfast.no()",
  );
  first.answers.push(410, 410, 410, 410, 410, 410, 410, 410);
  (await first.connect(device)).stream.destroy();
  await first.until("an attempt", () => first.taken.length > 0 || undefined, 60);
  await first.pass(3);
  const state = async () =>
    (await first.owner.asks.get<{ items: { state: string }[] }>("/v1/webhooks")).items.map((one) => one.state);
  assert.deepEqual(await state(), ["enabled"]);
  await client.query("drop trigger no on holdfast.alert; drop function holdfast.no()");
  await client.end();
  await first.until("the alert", async () => (await first.alerts()).find(({ webhook }) => webhook === hook.id), 60);
  assert.deepEqual(await state(), ["disabled"]);
});
