import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { openToken, parseToken } from "@holdfast/crypto";
import { systemClock } from "@holdfast/kernel";
import { atEnd, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { Owner, type Problem } from "./authority.fixture.ts";
import { dial, placeOf } from "./clients.fixture.ts";
import { forgeriesOf, resealed, type Forgery, type Good } from "./forged-tokens.fixture.ts";
import { stolen } from "./stolen.fixture.ts";

// Each attack on JWT that is known and can be made of a token of ours (forged-tokens.fixture.ts), at a real platform: over HTTP where a header
// can hold it, and as the password of MQTT. All are answered as one that was never a token at all.
const clock = new TestClock(systemClock.now());
const platform = await startTestPlatform({ clock, timers: clock });
atEnd.after(() => platform.close());
const { visitor } = platform;
const place = placeOf(platform);
const [ours, theirs] = [new Owner(visitor, await platform.setUp()), new Owner(visitor, await platform.setUp())];
const application = await ours.application();

async function goodOf(owner: Owner, grants: readonly string[], more: object = {}): Promise<Good> {
  const { token: text } = await owner.tokenOf(grants, { expiresIn: "30d", ...more });
  const { kid, key } = await stolen(platform.database, owner.org);
  const parsed = parseToken(text);
  const claims = parsed && openToken(key, parsed);
  assert.ok(claims);
  return { text, kid, key, claims };
}

const good = await goodOf(ours, [`device.read:${application.id}`, `telemetry.read:${application.id}`], {
  conditions: { addresses: ["127.0.0.0/8"] },
});
const other = await goodOf(theirs, ["org.read"]);
const stronger = await goodOf(ours, ["*"]);
const forgeries = forgeriesOf(good, { other, stronger, caPem: place.ca });

/** As HTTP takes it in a header, where what surrounds it is not part of it (RFC 9110, 5.5). */
const fits = ({ text }: Forgery) => /^[\x21-\x7e]+$/.test(text) && text.length < 12_000;

/** All that tells one answer from another. */
async function answerTo(headers: Readonly<Record<string, string>>, by = visitor) {
  clock.move(600); // so that failing often is not what decides
  const { status, body, headers: said } = await by.send<Problem & { requestId: string }>("GET", "/v1/me", { headers });
  const { requestId: _, ...problem } = body;
  const { "x-request-id": _id, date: _date, ...more } = said;
  return { status, problem, more };
}

async function failures(): Promise<number> {
  const { text } = await visitor.send("GET", "/metrics");
  return Number(/holdfast_authentication_failures_total (\d+)/.exec(text)?.[1]);
}

let users = 0;

/** What came of a CONNECT with this password, in either version of MQTT, by somebody else each time: who is refused often waits for it. */
async function connack(password: string, version: 4 | 5): Promise<number | undefined> {
  clock.move(600);
  const text = (value: string) => {
    const bytes = Buffer.from(value);
    return [bytes.length >> 8, bytes.length & 255, ...bytes];
  };
  const flags = [0b1100_0010, 0, 0, ...(version === 5 ? [0] : [])]; // user name, password, clean; no keep-alive, no properties
  const rest = [...text("MQTT"), version, ...flags, ...text("x"), ...text(`me ${(users += 1)}`), ...text(password)];
  const size = rest.length < 128 ? [rest.length] : [(rest.length & 127) | 128, rest.length >> 7]; // two digits are enough
  using line = await dial(place, place.mqttPort);
  line.socket.write(Uint8Array.from([0x10, ...size, ...rest]));
  const answer = Buffer.from(await line.until(/^ .{3}/s), "latin1");
  return answer[0] === 0x20 ? answer[3] : undefined;
}

const usual = await answerTo({ authorization: "Bearer nonsense" });

test("what a forger makes with the stolen key of exactly what is true is a token, so that each forgery fails by what it is about", async () => {
  for (const text of [good.text, resealed(good)]) {
    assert.equal((await answerTo({ authorization: `Bearer ${text}` })).status, 200);
    assert.equal(await connack(text, 5), 0);
  }
});

test("what opens and is not true is told to its organisation, and a flood of it as a number", async () => {
  const told = forgeries.filter(({ isTold }) => isTold);
  for (const { text, name } of told) assert.deepEqual(await answerTo({ authorization: `Bearer ${text}` }), usual, name);
  const headers = { "x-auth-token": told[0]?.text ?? assert.fail() };
  const answers = await Promise.all(
    Array.from({ length: 100 }, () => visitor.send<Problem>("GET", "/v1/me", { headers })),
  );
  assert.deepEqual(new Set(answers.map(({ body }) => body.code)), new Set(["credential.invalid", "rate.exceeded"]));
  const sum = told.length + 100;
  const entries = await toldWhen((count) => count >= sum);
  assert.equal(sumOf(entries), sum);
  assert.ok(entries.length < told.length + 20, `${entries.length} entries`);
});

test(`${forgeries.length} forged tokens are refused over HTTP in the same words, cost next to nothing, and are counted`, async () => {
  assert.equal(usual.status, 401);
  assert.equal(usual.problem.code, "credential.invalid");
  const before = await failures();
  const sent = forgeries.filter(fits);
  let again = 0;
  /** Milliseconds of processor time: of this test and what the moved clock sets off too. */
  const costOf = async (at: number, { name, source, text }: Forgery): Promise<number> => {
    const began = process.cpuUsage();
    const answer = await answerTo(at % 2 === 0 ? { authorization: `Bearer ${text}` } : { "x-auth-token": text });
    const { user, system } = process.cpuUsage(began);
    assert.deepEqual(answer, usual, `${source}: ${name}`);
    return (user + system) / 1_000;
  };
  for (const [at, one] of sent.entries()) {
    let cost = await costOf(at, one);
    // What costs much costs it each time; what the process has to do besides falls into one of them.
    for (let times = 0; times < 2 && cost >= 250; times += 1) {
      again += 1;
      cost = Math.min(cost, await costOf(at, one));
    }
    assert.ok(cost < 250, `${one.source}: ${one.name} took ${cost} ms of processor time`);
  }
  assert.equal((await failures()) - before, sent.length + again);
});

test("the same and more are refused over MQTT in the same code", async () => {
  const usual = { 4: await connack("nonsense", 4), 5: await connack("nonsense", 5) };
  assert.deepEqual(usual, { 4: 4, 5: 0x86 });
  const before = await failures();
  for (const [at, { name, source, text }] of forgeries.entries()) {
    const version = at % 2 === 0 ? 4 : 5;
    assert.equal(await connack(text, version), usual[version], `${source}: ${name}`);
  }
  assert.equal((await failures()) - before, forgeries.length);
});

test("no log holds any of them, and ours says once a minute how many there were", async () => {
  clock.move(60_000);
  const all = `${platform.log.join("\n")} ${JSON.stringify(await audited())}`;
  assert.match(all, /"attempts":\d+.*somebody came without a good credential/);
  for (const { name, text } of [...forgeries, { name: "the good one", text: good.text }])
    for (const part of text.split(".").filter(({ length }) => length >= 12))
      assert.ok(!all.includes(part), `${name}: ${part}`);
});

type Told = { readonly facts?: { readonly because?: string; readonly count?: number } };
const sumOf = (entries: readonly Told[]) => entries.reduce((sum, { facts }) => sum + (facts?.count ?? 1), 0);

/** By connections of their own: those that were open may have been idle for a minute. */
async function audited(): Promise<readonly Told[]> {
  const anew = visitor.anew();
  const both = await Promise.all([ours, theirs].map((owner) => new Owner(anew, owner).audited()));
  await anew.close();
  return both.flat();
}

/** Refusals are written a moment later, so that saying no waits for nothing. */
async function toldWhen(isEnough: (sum: number) => boolean): Promise<readonly Told[]> {
  const until = performance.now() + 30_000;
  for (;;) {
    const entries = (await audited()).filter(({ facts }) => facts?.because === "a token that its row does not know");
    if (isEnough(sumOf(entries)) || performance.now() > until) return entries;
    await setTimeout(20);
    clock.move(1_000);
  }
}
