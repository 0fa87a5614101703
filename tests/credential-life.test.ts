import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeTransport } from "@holdfast/client/node";
import { systemClock } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import type { Reply } from "@holdfast/client";
import { holdfast } from "../apps/cli/src/testing/world.ts";
import { atEnd, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import {
  furnish,
  Owner,
  startWorld,
  textOf,
  unknown,
  nobodysKey,
  type Key,
  type Problem,
  type Token,
} from "./authority.fixture.ts";
import { placeOf } from "./clients.fixture.ts";
import { closedWithin, events, mqtt } from "./revocation.fixture.ts";

// From its first secret to its end: rotated, watched, handed in by a stranger, seen where it should not be, grown old.
const world = await startWorld();
atEnd.after(() => world.close());
const { platform, clock, ours, theirs } = world;
const { visitor } = platform;
const our = await furnish(ours, visitor);
const hour = 3_600_000;
const patience = 3_000; // milliseconds: connections of which time is up are looked for each second

type Rotated = Reply<typeof routes.rotateCredential>;
const read = async (id: string) => routes.readCredential.reply.parse(await ours.asks.get(`/v1/credentials/${id}`));
const rotate = (id: string, body: object = {}, as = ours.asks) =>
  as.post<Rotated & { secret: string }>(`/v1/credentials/${id}/rotate`, body);
const refusedTo = async (id: string, as: string, body: object = {}) => {
  const answer = await visitor.as(as).send<Problem>("POST", `/v1/credentials/${id}/rotate`, { body });
  return `${answer.status} ${answer.body.code}`;
};
const good = async (text: string) => (await visitor.as(text).send("GET", "/v1/me")).status === 200;
const byMqtt = (shown: string, options: object = {}) => {
  const [username, password] = shown.startsWith("hf_") ? ["me", shown] : shown.split(".");
  return mqtt(platform, { username: username ?? "", password: password ?? "", ...options });
};
const whats = async (about: string) => (await ours.audited(about)).map(({ what }) => what);

test("keys and tokens of every kind get another secret, and both are good until the overlap is over", async () => {
  const token = await ours.tokenOf(["org.read"], { expiresIn: "20d" });
  const operator = await ours.operatorKey({ expiresIn: "20d" });
  const access = await ours.accessKey(our.application.id);
  const { key } = await ours.device(our.application.id);
  const pairs: { id: string; before: string; after: string }[] = [];
  for (const [id, before] of [
    [token.id, token.token],
    [operator.id, textOf(operator)],
    [access.id, textOf(access)],
    [key.id, textOf(key)],
  ] as const) {
    const { expiresAt } = await read(id);
    const { secret, formerEndsAt } = await rotate(id, { overlap: "2h" });
    const after = id === token.id ? secret : `${id}.${secret}`;
    pairs.push({ id, before, after });
    assert.equal(formerEndsAt, new Date(clock.now() + 2 * hour).toISOString());
    const now = await read(id);
    assert.deepEqual([now.expiresAt, now.former], [expiresAt, { endsAt: formerEndsAt }], "not prolonged");
    assert.deepEqual(await whats(id), ["credential.rotated", "credential.created"]);
  }
  for (const { before, after } of pairs) assert.deepEqual([await good(before), await good(after)], [true, true]);
  // Whoever has to move all clients sees that one has not moved yet.
  for (const { id } of pairs) {
    const { former } = await read(id);
    assert.equal(former?.lastUsedAt, new Date(clock.now()).toISOString());
  }
  clock.move(2 * hour);
  for (const { before, after } of pairs) assert.deepEqual([await good(before), await good(after)], [false, true]);
  const late = await visitor.as(token.token).send<Problem>("GET", "/v1/me");
  assert.deepEqual([late.status, late.body.code], [401, "credential.invalid"]);
  for (const { id } of pairs) assert.equal((await read(id)).former, undefined);
});

test("what is open by the former secret ends with it in the very moment, though nobody looks, and by the new one stays", async (t) => {
  const clock = new TestClock(systemClock.now());
  const platform = await startTestPlatform({ clock, timers: clock });
  t.after(() => platform.close());
  const owner = new Owner(platform.visitor, await platform.setUp());
  const { key } = await owner.device((await owner.application()).id);
  const reader = await owner.tokenOf(["telemetry.read"]);
  const atDevice = (secret: string) => mqtt(platform, { username: key.id, password: secret });
  const program = (token: string) => mqtt(platform, { username: "me", password: token });
  const before = [await atDevice(key.secret), await program(reader.token)];
  const stream = await events(platform, reader.token);
  const [newKey, newToken] = await Promise.all(
    [key, reader].map(({ id }) =>
      owner.asks.post<{ secret: string }>(`/v1/credentials/${id}/rotate`, { overlap: "2s" }),
    ),
  );
  before.push(await atDevice(key.secret)); // it came while that was going on, and is told when it ends
  const after = [await atDevice(newKey?.secret ?? ""), await program(newToken?.secret ?? "")];
  clock.move(1_999);
  for (const { client } of before) assert.ok(client.connected);
  clock.move(1);
  const from = performance.now();
  for (const one of [...before, stream]) await closedWithin(one, from, patience);
  for (const one of after) {
    assert.ok(one.client.connected);
    one.end();
  }
});

test("a second rotation ends the oldest secret at once, and one without overlap the one before it", async () => {
  const { key } = await ours.device(our.application.id);
  const second = await rotate(key.id);
  const oldest = await byMqtt(textOf(key));
  const middle = await byMqtt(`${key.id}.${second.secret}`);
  let from = performance.now();
  const third = await rotate(key.id, { overlap: "30d" });
  await closedWithin(oldest, from, patience);
  assert.deepEqual([await good(textOf(key)), await good(`${key.id}.${second.secret}`)], [false, true]);
  from = performance.now();
  const last = await rotate(key.id, { overlap: "0" });
  await closedWithin(middle, from, patience);
  assert.equal(last.formerEndsAt, undefined);
  for (const { secret } of [second, third]) assert.equal(await good(`${key.id}.${secret}`), false);
  assert.equal(await good(`${key.id}.${last.secret}`), true);
  assert.equal(await refusedTo(key.id, ours.token, { overlap: "31d" }), "400 request.malformed");
});

test("nobody gains by a rotation: it is for whose the credential is, and for what made it", async () => {
  const mine = await ours.operatorKey();
  const program = await ours.tokenOf([
    "credential.rotate",
    "token.create",
    "org.read",
    "device.mintKey:" + our.device.id,
  ]);
  const second = { email: "second@example.com", password: "correct horse battery staple" };
  clock.move(hour / 60);
  const { token: another } = await ours.member(second, "owner");
  assert.equal(await refusedTo(mine.id, program.token), "403 permit.missing");
  assert.equal(await refusedTo(mine.id, another), "403 permit.missing");
  assert.equal(await refusedTo(mine.id, world.viewer), "403 permit.missing");
  assert.equal(await refusedTo(mine.id, theirs.token), "404 credential.unknown");
  assert.equal(await refusedTo(unknown("key"), ours.token), "404 credential.unknown");
  // A device's key by whoever may make another, if that would be no wider.
  assert.equal(await refusedTo(our.device.key.id, program.token), "403 credential.amplifies");
  const child = await visitor.as(program.token).post<Token>("/v1/tokens", { name: "child", grants: ["org.read"] });
  assert.equal(await good((await rotate(child.id, {}, visitor.as(program.token))).secret), true);
  // Itself: it is shown the secret of what it is.
  assert.equal(await good((await rotate(program.id, {}, visitor.as(program.token))).secret), true);
  await ours.revoke(mine.id);
  assert.equal(await refusedTo(mine.id, ours.token), "409 credential.unrotatable");
});

test("a credential says how much of what it may do it was used for, and from where", async () => {
  const { id, token } = await ours.tokenOf(["org.read", "device.read", "telemetry.read"]);
  const unused = await read(id);
  assert.deepEqual([unused.use?.used, unused.use?.narrower], [0, []]);
  await visitor.as(token).get("/v1/devices");
  const used = await read(id);
  assert.deepEqual([used.use?.granted, used.use?.used, used.use?.narrower], [3, 1, ["device.read"]]);
  assert.deepEqual([used.use?.from, used.use?.transport], ["127.0.0.1", "https"]);
  const client = await byMqtt(token);
  await client.client.subscribeAsync(`devices/${our.device.id}/telemetry`);
  const over = await read(id);
  assert.deepEqual([over.use?.used, over.use?.transport], [2, "mqtts"]);
  client.end();
  const { key } = our.device;
  assert.deepEqual((await read(key.id)).use?.narrower, []); // all of it was used
});

test("a secret that somebody hands in ends, and nothing tells whether it was one", async () => {
  const leaked = await ours.tokenOf(["org.read"]);
  const key = await ours.operatorKey();
  const rotated = await ours.operatorKey();
  const { secret } = await rotate(rotated.id);
  const stream = await events(platform, (await ours.tokenOf(["telemetry.read"])).token);
  const report = async (text: string) => {
    clock.move(1_000);
    const from = performance.now();
    const { status, body } = await visitor.send("POST", "/v1/leaks", { body: { secret: text } });
    return { answer: JSON.stringify([status, body]), took: performance.now() - from };
  };
  const answers = [];
  for (const text of [
    leaked.token,
    leaked.token,
    textOf(key),
    `${key.id}.${rotated.secret}`,
    nobodysKey(),
    "hf_x",
    "?",
    textOf(rotated),
  ])
    answers.push(await report(text));
  assert.deepEqual([...new Set(answers.map(({ answer }) => answer))], [answers[0]?.answer]);
  assert.ok(answers.every(({ took }) => took > 249)); // a timer counts whole milliseconds, and ends within the last
  for (const text of [leaked.token, textOf(key), textOf(rotated)]) assert.equal(await good(text), false);
  // The one that had been replaced was handed in, and its successor is nobody else's.
  assert.equal(await good(`${rotated.id}.${secret}`), true);
  const { state, findings, leakedAt } = await read(leaked.id);
  assert.deepEqual([state, findings], ["revoked", ["leaked"]]);
  assert.ok(leakedAt);
  assert.equal((await whats(leaked.id)).filter((what) => what === "credential.leaked").length, 1);
  assert.deepEqual((await read(rotated.id)).findings, []);
  stream.end();
});

test("a publishable key is no secret: nobody ends it by handing it in, and it gets another like every key", async () => {
  const conditions = { origins: ["https://shop.example"] };
  const body = { name: "shop", kind: "application", conditions };
  const key = await ours.asks.post<Key>(`/v1/applications/${our.application.id}/keys`, body);
  clock.move(1_000);
  await visitor.send("POST", "/v1/leaks", { body: { secret: textOf(key) } });
  const { state, findings } = await read(key.id);
  assert.deepEqual([state, findings], ["active", []]);
  const { secret } = await rotate(key.id);
  assert.deepEqual([secret.slice(0, 4), key.secret.slice(0, 4)], ["hfp_", "hfp_"]);
});

test("a credential that stood in a URL is flagged until it is rotated, and ended where its organisation wants that", async () => {
  const flagged = await ours.tokenOf(["org.read"]);
  const inUrl = (text: string) => visitor.send("GET", `/v1/devices?token=${text}`);
  await inUrl(flagged.token);
  const found = await read(flagged.id);
  assert.deepEqual([found.state, found.findings, found.exposed?.where], ["active", ["exposed"], "url"]);
  const { secret } = await rotate(flagged.id);
  assert.deepEqual((await read(flagged.id)).findings, ["exposed"], "for as long as that one is good");

  assert.deepEqual(await ours.asks.get("/v1/org/upkeep"), {
    endExposed: false,
    oldAfterDays: 365,
    endingWithinDays: 30,
  });
  await ours.asks.patch("/v1/org/upkeep", { endExposed: true });
  // The one before it was seen: that one ends.
  await inUrl(flagged.token);
  assert.deepEqual([await good(flagged.token), await good(secret)], [false, true]);
  assert.deepEqual((await read(flagged.id)).findings, []);
  await inUrl(secret);
  assert.equal(await good(secret), false);
  assert.deepEqual((await read(flagged.id)).findings, ["exposed"]);
  const elsewhere = await theirs.tokenOf(["org.read"]);
  await inUrl(elsewhere.token);
  assert.equal(await good(elsewhere.token), true);
});

test("a secret is called old when the organisation says so, and no more once it is replaced", async () => {
  const key = await ours.accessKey(our.application.id);
  await ours.asks.patch("/v1/org/upkeep", { oldAfterDays: 1 });
  assert.deepEqual((await read(key.id)).findings, []);
  clock.move(24 * hour);
  const signedIn = await visitor.post<{ org: string; person: string; token: string }>("/v1/sign-in", {
    email: "owner@example.com",
    password: "correct horse battery staple",
    org: ours.org,
  });
  const again = new Owner(visitor, signedIn);
  const findings = async () => (await again.asks.get<{ findings: string[] }>(`/v1/credentials/${key.id}`)).findings;
  assert.deepEqual(await findings(), ["old"]);
  await rotate(key.id, {}, again.asks);
  assert.deepEqual(await findings(), []);
});

test("the command rotates, hands in what it is given on stdin, and says what is done about secrets", async () => {
  const signedIn = await visitor.post<{ token: string }>("/v1/sign-in", {
    email: "owner@example.com",
    password: "correct horse battery staple",
    org: ours.org,
  });
  const options = {
    clock,
    transport: () => nodeTransport({ ca: placeOf(platform).ca }),
    env: { HOLDFAST_URL: platform.platform.url, HOLDFAST_TOKEN: signedIn.token },
  };
  const run = async (line: readonly string[], stdin?: string) => {
    const { exit, out, err } = await holdfast([...line], { ...options, ...(stdin !== undefined && { stdin }) });
    assert.equal(exit, 0, err);
    return out;
  };
  const as = visitor.as(signedIn.token);
  const key = await as.post<{ id: string; secret: string }>("/v1/operator-keys", { name: "by command" });
  const out = await run(["credential", "rotate", key.id, "--overlap", "2d", "--json"]);
  const { secret } = JSON.parse(out) as { secret: string };
  assert.equal(await good(`${key.id}.${secret}`), true);
  assert.equal(await good(textOf(key)), true);
  assert.match(await run(["credential", "get", key.id]), /old secret +good until .*, last used /);
  assert.match(await run(["leak"], `${key.id}.${secret}\n`), /taken/);
  assert.equal(await good(`${key.id}.${secret}`), false);
  assert.match(await run(["credential", "get", key.id]), /look at it +its secret leaked/);
  assert.match(await run(["org", "upkeep", "--end-exposed", "no", "--old-after", "30"]), /30 days/);
  const preview = ["revoke", "tag:site=north", "--preview"];
  assert.match(await run(preview), /would end +1 credential\n/);
  assert.match(await run(["revoke", "tag:site=north"]), /^revoked +tag:site=north\n$/);
  assert.match(await run(preview), /would end +0 credentials\n/);
  const nothing = await holdfast(["revoke", "nothing", "--json"], options);
  assert.deepEqual([nothing.exit, nothing.out, JSON.parse(nothing.err).error.code], [1, "", "id.malformed"]);
});
