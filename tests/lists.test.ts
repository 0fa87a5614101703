import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { systemClock } from "@holdfast/kernel";
import pg from "pg";
import { atEnd, freshDatabase, startTestPlatform, TestClock, waitingFor } from "../apps/server/src/testing/index.ts";
import { Owner, textOf, unknown, viewer, type Device, type Problem, type Thing } from "./authority.fixture.ts";
import { closedWithin, events, mqtt, shown, type Held } from "./revocation.fixture.ts";

// Allow and deny lists of an organisation: over every protocol, on the real platform.
const clock = new TestClock(systemClock.now());
const platform = await startTestPlatform({ clock, timers: clock });
atEnd.after(() => platform.close());
const { visitor } = platform;
await platform.setUp(); // whose owner administers the instance, and may less with herself: nothing here is about her

type Entry = Thing & {
  list: string;
  value: string;
  comment: string;
  author: string;
  hits: number;
  lastHitAt?: string;
  warnings: string[];
};
type Explained = { allowed: boolean; because: string };
type Fault = Problem & { errors: { path: string; message: string }[] };

/** Somebody with an organisation of her own, so that what one test lists is nothing to another. */
async function organisation() {
  const owner = new Owner(visitor, await platform.setUp());
  const application = await owner.application();
  const fresh = () => visitor.as(owner.token).anew();
  return {
    owner,
    application,
    fresh,
    list: (list: string, what: string, value: string, more: object = {}) =>
      fresh().post<Entry>("/v1/lists", { list, what, value, ...more }),
    refused: (list: string, what: string, value: string, more: object = {}) =>
      fresh().send<Fault>("POST", "/v1/lists", { body: { list, what, value, ...more } }),
    remove: (entry: Thing) => fresh().delete(`/v1/lists/${entry.id}`),
    entry: (entry: Thing) => fresh().get<Entry>(`/v1/lists/${entry.id}`),
    explain: (credential: string, action: string, more: object = {}) =>
      fresh().post<Explained>("/v1/explain", { credential, action, ...more }),
  };
}

const connect = ({ key }: Device, more: object = {}) =>
  mqtt(platform, { username: key.id, password: key.secret, protocolVersion: 5, ...more });
const send = ({ key }: Device) =>
  visitor
    .as(textOf(key))
    .anew()
    .send<Problem>("POST", "/v1/me/telemetry", { body: { temperature: 1 } });
const publish = ({ client }: Awaited<ReturnType<typeof connect>>) =>
  client.publishAsync("me/telemetry", '{"temperature":1}', { qos: 1 });
/** Who does not hang up when told is hung up on, by timers that a test moves. */
const closed = async (held: Held) => {
  const from = performance.now();
  clock.move(500);
  return closedWithin(held, from, 1_000);
};

test("a device on the deny list is cut off within a second and every other goes on, and it comes again when the entry is removed", async () => {
  const { owner, application, fresh, list, remove, entry, explain } = await organisation();
  const [denied, other] = [await owner.device(application.id), await owner.device(application.id)];
  const [one, two] = [await connect(denied), await connect(other)];
  const made = await list("deny", "device", denied.id, { comment: "sends nonsense since Tuesday" });
  assert.equal(made.author, owner.person);
  await closed(one);
  await publish(two);
  await assert.rejects(connect(denied), { code: 0x87 });
  const { status, body } = await send(denied);
  assert.deepEqual([status, body.code], [403, "list.denied"]);
  const because = `denied by list entry ${made.id} of ${denied.id}: sends nonsense since Tuesday`;
  assert.deepEqual(await explain(denied.key.id, "telemetry.write", { resource: denied.id }), {
    allowed: false,
    because,
  });
  // Nor does anybody speak in its name.
  assert.equal(
    (await explain((await owner.tokenOf(["telemetry.write"])).id, "telemetry.write", { resource: denied.id })).because,
    because,
  );
  // What it measured is still there to be looked at.
  assert.equal((await fresh().send("GET", `/v1/devices/${denied.id}/telemetry/latest`)).status, 200);
  const { hits, lastHitAt } = await entry(made);
  assert.deepEqual([hits, lastHitAt !== undefined], [3, true]);
  await remove(made);
  (await connect(denied)).end();
  two.end();
});

test("addresses are denied and allowed over every protocol, however they are written, and deny wins", async () => {
  const { owner, application, fresh, list, refused, remove, explain } = await organisation();
  const device = await owner.device(application.id);
  const shut = await refused("deny", "address", "::ffff:127.0.0.0/104");
  assert.deepEqual([shut.status, shut.body.code], [409, "list.locksOut"]);
  assert.equal((await refused("allow", "address", "192.0.2.0/24")).body.code, "list.locksOut");
  const here = await list("allow", "address", "127.0.0.1");
  assert.equal(
    (await explain(device.key.id, "telemetry.write", { resource: device.id, from: "192.0.2.7" })).because,
    "the allow list has 1 entry of addresses, and this came from 192.0.2.7",
  );
  const narrow = await list("allow", "address", "192.0.2.7", { comment: "the office" });
  assert.equal(
    (await explain(device.key.id, "telemetry.write", { resource: device.id, from: "::ffff:192.0.2.7" })).allowed,
    true,
  );
  const denied = await list("deny", "address", "192.0.2.0/24");
  assert.deepEqual(denied.warnings, [`${narrow.id} allows 192.0.2.7 too: deny wins.`]);
  assert.match(
    (await explain(device.key.id, "telemetry.write", { resource: device.id, from: "192.0.2.7" })).because,
    /^denied by list entry lst_\w+ of 192\.0\.2\.0\/24$/,
  );
  assert.match(
    (await explain(device.key.id, "telemetry.write", { resource: device.id })).because,
    /provided that the lists of addresses let it in/,
  );
  // Whoever would shut herself out by taking her own address away is told so too.
  const away = await fresh().send<Problem>("DELETE", `/v1/lists/${here.id}`);
  assert.deepEqual([away.status, away.body.code], [409, "list.locksOut"]);
  await remove(narrow);
  await remove(here);
  assert.equal((await send(device)).status, 200);
});

test("an address that is denied has nothing open any more, and others have: the entry counts whom it cut off", async () => {
  const { owner, application, list, entry } = await organisation();
  const device = await owner.device(application.id);
  const from = { localAddress: "127.0.0.2" };
  const there = [await connect(device, from), await connect(device, { over: "wss", wsOptions: from, clientId: "b" })];
  const here = await connect(device, { clientId: "c" });
  const made = await list("deny", "address", "127.0.0.2");
  for (const held of there) await closed(held);
  await publish(here);
  await assert.rejects(connect(device, from), { code: 0x87 });
  assert.equal((await entry(made)).hits, 3);
  here.end();
});

test("a person on the deny list is out with all that she made, and the last owner is not put on it", async () => {
  const { owner, list, refused, remove } = await organisation();
  const member = await owner.member({ email: `listed-${owner.org}@example.com`, password: viewer.password });
  const held = await events(platform, member.token);
  const stays = await events(platform, owner.token);
  const made = await list("deny", "person", member.person);
  await closed(held);
  const me = await visitor.as(member.token).anew().send<Problem>("GET", "/v1/me");
  assert.deepEqual([me.status, me.body.code], [403, "list.denied"]);
  assert.equal((await refused("deny", "person", owner.person)).body.code, "list.locksOut");
  assert.equal((await refused("allow", "person", member.person)).body.code, "list.locksOut");
  await remove(made);
  assert.equal((await visitor.as(member.token).anew().send("GET", "/v1/me")).status, 200);
  // A key of nobody's person is a program's: it may not deny every owner either.
  assert.equal(stays.seen().includes("event: end"), false);
  stays.end();
});

test("nobody is shut out by name by who may less than she may, whichever list does it", async () => {
  const { owner, list, remove } = await organisation();
  const come = (who: string, role: string) =>
    owner.member({ email: `${who}-${owner.org}@example.com`, password: viewer.password }, role);
  const [second, administrator, member] = [
    await come("second", "owner"),
    await come("chief", "administrator"),
    await come("member", "viewer"),
  ];
  const chief = () => visitor.as(administrator.token).anew();
  const add = async (to: string, { person }: { person: string }, more: object = {}) => {
    const body = { list: to, what: "person", value: person, ...more };
    const answer = await chief().send<Entry & Problem>("POST", "/v1/lists", { body });
    return { ...answer.body, says: answer.status === 201 ? "201" : answer.body.code };
  };
  assert.equal((await add("deny", second)).says, "role.greater");
  assert.equal((await add("allow", administrator)).says, "list.locksOut");
  const denied = await add("deny", member);
  assert.equal(denied.says, "201");
  await chief().delete(`/v1/lists/${denied.id}`);
  const entries = [await list("allow", "person", owner.person), await list("allow", "person", second.person)];
  entries.push(await list("allow", "person", administrator.person));
  const taken = await chief().send<Problem>("DELETE", `/v1/lists/${entries[1]?.id}`);
  assert.equal(taken.body.code, "role.greater");
  for (const entry of entries.toReversed()) await remove(entry);
  // An owner may.
  await remove(await list("deny", "person", second.person));
});

test("the last owner whom the lists let in keeps her role, also where others come in only until an entry expires", async () => {
  const { owner, list, remove } = await organisation();
  const second = await owner.member({ email: `second-${owner.org}@example.com`, password: viewer.password }, "owner");
  const leave = async () => {
    const own = `/v1/members/${owner.person}`;
    const removed = await owner.asks.send<Problem>("DELETE", own);
    const smaller = await owner.asks.send<Problem>("PATCH", own, { body: { role: "viewer" } });
    return [removed.body?.code, smaller.body?.code];
  };
  const refused = ["member.lastOwner", "member.lastOwner"];
  const denied = await list("deny", "person", second.person);
  assert.deepEqual(await leave(), refused);
  await remove(denied);
  const until = [
    await list("allow", "person", owner.person),
    await list("allow", "person", second.person, { expiresIn: "1h" }),
  ];
  assert.deepEqual(await leave(), refused);
  for (const one of until.toReversed()) await remove(one);
  assert.deepEqual(await leave(), [undefined, "credential.invalid"]);
});

test("topics that are denied are neither sent nor heard, over MQTT, HTTP and the live view, and others are", async () => {
  const { owner, application, list, remove, entry } = await organisation();
  const [denied, other] = [await owner.device(application.id), await owner.device(application.id)];
  const { token } = await owner.tokenOf(["telemetry.read"]);
  const program = await mqtt(platform, { username: "program", password: token, protocolVersion: 5 });
  await program.client.subscribeAsync("devices/+/telemetry");
  const watching = await events(platform, token);
  const [one, two] = [await connect(denied), await connect(other)];
  const made = await list("deny", "topic", `devices/${denied.id}/#`);
  await assert.rejects(publish(one), { code: 0x87 });
  assert.equal((await send(denied)).body.code, "list.denied");
  await assert.rejects(one.client.subscribeAsync("me/telemetry"), /Not authorized/);
  await assert.rejects(program.client.subscribeAsync(`devices/${denied.id}/telemetry`), /Not authorized/);
  await shown([program, watching], 61.5, () =>
    two.client.publishAsync("me/telemetry", '{"temperature":61.5}', { qos: 1 }),
  );
  assert.ok((await entry(made)).hits >= 3);
  await remove(made);
  await shown([program, watching], 62.5, () =>
    one.client.publishAsync("me/telemetry", '{"temperature":62.5}', { qos: 1 }),
  );
  const only = await list("allow", "topic", `devices/${other.id}/telemetry`);
  await assert.rejects(publish(one), { code: 0x87 });
  await publish(two);
  await remove(only);
  for (const held of [program, watching, one, two]) held.end();
});

test("a twin and commands are denied at topics of their own, and not at that of readings; the device itself goes on", async () => {
  const { owner, application, list, remove } = await organisation();
  const device = await owner.device(application.id);
  const { token } = await owner.tokenOf([
    "device.read",
    "telemetry.read",
    "twin.read",
    "twin.update",
    "command.read",
    "command.send",
  ]);
  const asks = platform.visitor.as(token);
  const own = `/v1/devices/${device.id}`;
  const program = await mqtt(platform, { username: "program", password: token, protocolVersion: 5 });
  const hears = (rest: string) =>
    program.client.subscribeAsync(`devices/${device.id}/${rest}`, { qos: 1 }).then(
      () => true,
      () => false,
    );
  const may = async () => {
    const answers = [
      await asks.send<Problem>("GET", `${own}/telemetry/latest`),
      await asks.send<Problem>("GET", `${own}/twin`),
      await asks.send<Problem>("PATCH", `${own}/twin`, { body: { desired: { on: true } } }),
      await asks.send<Problem>("POST", `${own}/commands`, { body: { name: "open" } }),
      await asks.send<Problem>("GET", `${own}/commands`),
    ];
    const refused = answers.filter(({ status }) => status >= 300);
    assert.deepEqual(new Set(refused.map(({ body }) => body.code)), new Set(refused.length > 0 ? ["list.denied"] : []));
    const over = ["telemetry", "twin/reported", "twin/desired", "commands/open", "replies/+"];
    const heard: string[] = [];
    for (const rest of over) if (await hears(rest)) heard.push(rest);
    return [answers.map(({ status }) => (status < 300 ? "+" : "-")).join(""), heard];
  };
  const itself = await connect(device);
  const all = ["telemetry", "twin/reported", "twin/desired", "commands/open", "replies/+"];
  const without = (...left: readonly string[]) => all.filter((rest) => !left.includes(rest));
  assert.deepEqual(await may(), ["+++++", all]);
  for (const [which, filter, said, heard] of [
    ["deny", "telemetry", "-++++", without("telemetry")],
    ["deny", "twin/desired", "+--++", without("twin/desired")],
    ["deny", "twin/reported", "+-+++", without("twin/reported")],
    ["deny", "commands/+", "+++--", without("commands/open")],
    ["allow", "telemetry", "+----", ["telemetry", "replies/+"]],
  ] as const) {
    const made = await list(which, "topic", `devices/${device.id}/${filter}`);
    assert.deepEqual(await may(), [said, heard], `${which} ${filter}`);
    if (filter !== "telemetry" || which === "allow") await publish(itself);
    await itself.client.subscribeAsync(["me/twin/desired", "me/commands/+"], { qos: 1 });
    await remove(made);
  }
  program.end();
  itself.end();
});

test("an entry ends when it expires, and what an allow list had let in until then is let go", async () => {
  const { owner, application, list, explain } = await organisation();
  const [always, guest, other] = await Promise.all([1, 2, 3].map(() => owner.device(application.id)));
  assert.ok(always && guest && other);
  clock.move(3_600_000 - (clock.now() % 3_600_000)); // with each hour everybody is asked about again, whatever has expired
  await list("allow", "device", always.id);
  await list("allow", "device", guest.id, { expiresIn: "20m" });
  const shut = await list("deny", "device", other.id, { expiresIn: "10m" });
  const [stays, goes] = [await connect(always), await connect(guest)];
  assert.match((await explain(other.key.id, "telemetry.write", { resource: other.id })).because, new RegExp(shut.id));
  clock.move(10 * 60_000);
  assert.equal(
    (await explain(other.key.id, "telemetry.write", { resource: other.id })).because,
    `the allow list has 2 entries of devices, and this is ${other.id}`,
  );
  await publish(goes);
  clock.move(10 * 60_000);
  let isOpen = true;
  void goes.closed.then(() => (isOpen = false));
  // A round that is still at work skips its next turn.
  for (let rounds = 0; isOpen && rounds < 10; rounds++) {
    clock.move(1_000);
    await publish(stays);
  }
  assert.ok(!isOpen);
  await publish(stays);
  stays.end();
});

test("an entry ends for who speaks for many, on time though the database keeps everything else waiting", async (t) => {
  const { owner, application, list } = await organisation();
  const always: Device = await owner.device(application.id);
  const guest: Device = await owner.device(application.id);
  clock.move(3_600_000 - (clock.now() % 3_600_000)); // with each hour everybody is asked about again, whatever has expired
  await list("allow", "device", always.id);
  await list("allow", "device", guest.id, { expiresIn: "20m" });
  const key = await owner.accessKey(application.id);
  const gateway = await mqtt(platform, { username: key.id, password: key.secret, protocolVersion: 5 });
  t.after(() => gateway.end());
  const says = (device: Device): Promise<string> =>
    gateway.client
      .publishAsync(`devices/${device.id}/telemetry`, '{"temperature":1}', { qos: 1 })
      .then(() => "taken")
      .catch((error: Error) => error.message);
  // A device that goes is written down, and that waits.
  const holder = new pg.Client(platform.database.login);
  await holder.connect();
  t.after(() => holder.end());
  await holder.query("begin; lock table holdfast.presence in exclusive mode");
  const leaving = await connect(always);
  leaving.end();
  await leaving.closed;
  while ((await holder.query<{ count: number }>(waitingFor("presence"))).rows[0]?.count === 0) {
    clock.move(1_000);
    await setTimeout(20);
  }
  for (let round = 0; round < 4; round++)
    for (const device of [always, guest]) assert.equal(await says(device), "taken");
  clock.move(20 * 60_000);
  assert.equal(await says(always), "taken"); // by then the next look is due
  clock.move(1_000);
  assert.match(await says(guest), /Not authorized/);
  assert.equal(await says(always), "taken");
  await holder.query("rollback");
});

test("hits are kept, and so are entries, over a restart", async (t) => {
  const database = await freshDatabase();
  const first = await startTestPlatform({ database });
  const setUp = await first.setUp();
  const owner = new Owner(first.visitor, setUp);
  const device = await owner.device((await owner.application()).id);
  const deny = await owner.asks.post<Entry>("/v1/lists", {
    list: "deny",
    what: "device",
    value: device.id,
    comment: "stolen",
  });
  const tries = (visitor: typeof first.visitor) => visitor.as(textOf(device.key)).send<Problem>("GET", "/v1/me");
  assert.equal((await tries(first.visitor)).body.code, "list.denied");
  await first.close();
  const second = await startTestPlatform({ database });
  t.after(() => second.close().then(() => database.drop()));
  assert.equal((await tries(second.visitor)).body.code, "list.denied");
  const kept = await second.visitor.as(setUp.token).get<Entry>(`/v1/lists/${deny.id}`);
  assert.deepEqual([kept.hits, kept.comment, kept.value], [2, "stolen", device.id]);
});

test("what names nothing is refused with what to write, what contradicts is said, and the audit log has both ends", async () => {
  const { owner, application, fresh, list, refused, remove } = await organisation();
  const device = await owner.device(application.id);
  for (const [list, what, value, code, path] of [
    ["block", "device", device.id, "request.malformed", "list"],
    ["deny", "weather", "fine", "request.malformed", "what"],
    ["deny", "address", "0.0.0.0/0", "request.malformed", "value"],
    ["deny", "address", "10.0.0.1/8", "request.malformed", "value"],
    ["deny", "address", "pump", "request.malformed", "value"],
    ["deny", "device", "pump", "request.malformed", "value"],
    ["deny", "person", device.id, "request.malformed", "value"],
    ["deny", "topic", "me/telemetry", "request.malformed", "value"],
    ["deny", "topic", "devices/#/telemetry", "request.malformed", "value"],
    ["deny", "topic", "devices/+/commands/unlock", "request.malformed", "value"],
    ["deny", "device", unknown("device"), "device.unknown", undefined],
    ["deny", "person", unknown("person"), "member.unknown", undefined],
  ] as const) {
    const { body } = await refused(list, what, value);
    assert.deepEqual([body.code, body.errors?.[0]?.path], [code, path], `${what} ${value}`);
  }
  assert.equal((await refused("deny", "device", device.id, { comment: "a\u202eb" })).body.code, "request.malformed");
  const allowed = await list("allow", "device", device.id);
  const denied = await list("deny", "device", device.id);
  assert.deepEqual(denied.warnings, [`${allowed.id} allows ${device.id} too: deny wins.`]);
  assert.deepEqual((await list("deny", "device", device.id)).warnings, [
    `${allowed.id} allows ${device.id} too: deny wins.`,
    `${denied.id} says the same.`,
  ]);
  await remove(denied);
  const gone = await fresh().send<Problem>("DELETE", `/v1/lists/${denied.id}`);
  assert.deepEqual([gone.status, gone.body.code], [404, "list.unknown"]);
  assert.deepEqual(
    (await owner.audited(denied.id)).map(({ what }) => what),
    ["list.entryRemoved", "list.entryAdded"],
  );
  const pages = [];
  let cursor = "";
  do {
    const page: { items: Entry[]; nextCursor?: string } = await fresh().get(`/v1/lists?limit=1&what=device${cursor}`);
    pages.push(...page.items.map(({ list }) => list));
    cursor = page.nextCursor === undefined ? "" : `&cursor=${page.nextCursor}`;
  } while (cursor !== "");
  assert.deepEqual(pages.toSorted(), ["allow", "deny"]); // of one millisecond: in the order of their ids
});
