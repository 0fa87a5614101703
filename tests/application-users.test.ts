import assert from "node:assert/strict";
import { request } from "node:https";
import { test } from "node:test";
import { systemClock } from "@holdfast/kernel";
import { atEnd, startTestPlatform, TestClock, type Answer } from "../apps/server/src/testing/index.ts";
import {
  App,
  freshLogin,
  page,
  password,
  says,
  type Invited,
  type List,
  type Session,
  type SignedIn,
  type User,
} from "./application-users.fixture.ts";
import { Owner, textOf, unknown, type Problem, type Thing } from "./authority.fixture.ts";
import { dpopKey } from "./dpop.fixture.ts";

// Customers of an application, by its published key and from its pages, on the real platform.
const clock = new TestClock(systemClock.now());
const platform = await startTestPlatform({ clock });
atEnd.after(() => platform.close());
const { visitor } = platform;
const owner = new Owner(visitor, await platform.setUp());
const stranger = new Owner(visitor, await platform.setUp());
const world = { visitor, clock };
const appOf = (who: Owner, signUp?: string) => App.of(world, who, signUp);

const app = await appOf(owner);
const isOver = async (token: string) => assert.equal(says(await app.me(token)), "401 credential.invalid");

test("a user signs up and in, reads who she is, and reads her own devices and no others", async () => {
  const mine = await owner.device(app.id);
  const other = await owner.device(app.id);
  const { user, accessToken, login } = await app.user();
  const me = await app.me(accessToken);
  assert.deepEqual([me.status, me.body.id, me.body.login, me.body.state], [200, user, login, "active"]);
  const asks = visitor.as(accessToken);
  assert.deepEqual((await asks.get<List<Thing>>("/v1/devices")).items, []);
  assert.equal(says(await asks.send("GET", `/v1/devices/${mine.id}`)), "404 device.unknown");
  await app.bind(mine, user);
  await visitor.as(textOf(mine.key)).post("/v1/me/telemetry", { temperature: 21.5 });
  assert.deepEqual(
    (await asks.get<List<Thing>>("/v1/devices")).items.map(({ id }) => id),
    [mine.id],
  );
  const latest = await asks.send<Record<string, unknown>>("GET", `/v1/devices/${mine.id}/telemetry/latest`);
  assert.match(latest.text, /21\.5/);
  for (const { id } of [other, { id: unknown("device") }])
    assert.equal(says(await asks.send("GET", `/v1/devices/${id}/telemetry/latest`)), "404 device.unknown");
  for (const [method, path] of [
    ["POST", `/v1/devices/${mine.id}/suspend`],
    ["POST", `/v1/devices/${mine.id}/telemetry`],
    ["DELETE", `/v1/devices/${mine.id}`],
  ] as const)
    assert.equal(says(await asks.send(method, path, { body: {} })), "403 permit.missing");
  assert.equal((await app.bind(mine, null)).status, 200);
  assert.equal(says(await asks.send("GET", `/v1/devices/${mine.id}`)), "404 device.unknown");
  assert.deepEqual((await asks.get<List<Thing>>("/v1/devices")).items, []);
});

test("a refresh token is good once, and shown again it ends the session for whoever has it", async () => {
  const { accessToken, refreshToken } = await app.user();
  const second = await app.refresh(refreshToken);
  assert.equal(second.status, 200);
  assert.notEqual(second.body.refreshToken, refreshToken);
  assert.equal((await app.me(accessToken)).status, 200, "what was given out lasts its quarter of an hour");
  clock.move(11_000);
  assert.equal(says(await app.refresh(refreshToken)), "401 credential.invalid");
  await isOver(accessToken);
  await isOver(second.body.accessToken);
  assert.equal(says(await app.refresh(second.body.refreshToken)), "401 credential.invalid");
});

test("fifty requests with an old refresh token end the session once, and none of them gets in", async () => {
  const { user, session, refreshToken } = await app.user();
  const second = await app.refresh(refreshToken);
  clock.move(11_000);
  const answers = await Promise.all(Array.from({ length: 50 }, () => app.refresh(refreshToken)));
  assert.deepEqual(new Set(answers.map(says)), new Set(["401 credential.invalid"]));
  await isOver(second.body.accessToken);
  const entries = await owner.audited(user);
  assert.equal(entries.filter(({ what }) => what === "applicationUser.refreshReused").length, 1);
  assert.equal((await owner.audited(session)).length, 0, "a session is told of under its user");
});

test("fifty requests with the same unused refresh token are one renewal, and its answer may be lost", async () => {
  const { refreshToken } = await app.user();
  const answers = await Promise.all(
    Array.from({ length: 50 }, () =>
      visitor.send<SignedIn>("POST", `/v1/application-users/refresh?key=${app.key}`, {
        headers: { origin: page },
        body: { refreshToken },
      }),
    ),
  );
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  const [next = "", ...others] = new Set(answers.map(({ body }) => body.refreshToken));
  assert.equal(others.length, 0);
  assert.equal((await app.refresh(next)).status, 200);
  assert.equal(
    says(await app.refresh(refreshToken)),
    "401 credential.invalid",
    "its successor was used, so it is not lost",
  );
});

test("what comes of a lost answer is heard within ten seconds and not later", async () => {
  const { refreshToken } = await app.user();
  const first = await app.refresh(refreshToken);
  clock.move(8_000);
  assert.equal((await app.refresh(refreshToken)).body.refreshToken, first.body.refreshToken);
  clock.move(2_000);
  assert.equal(says(await app.refresh(refreshToken)), "401 credential.invalid");
  await isOver(first.body.accessToken);
});

test("signing out ends everything that came of the sign-in at once, and no other sign-in", async () => {
  const { login, accessToken, refreshToken } = await app.user();
  const elsewhere = await app.signInAs(login);
  const renewed = await app.refresh(refreshToken);
  assert.equal((await app.signOut(renewed.body.refreshToken)).status, 200);
  await isOver(accessToken);
  await isOver(renewed.body.accessToken);
  assert.equal(says(await app.refresh(renewed.body.refreshToken)), "401 credential.invalid");
  assert.equal((await app.me(elsewhere.body.accessToken)).status, 200);
  assert.equal((await app.signOut(renewed.body.refreshToken)).status, 200, "twice is once");
});

test("a refresh token that somebody hands in ends its session and no other, and an old one does too", async () => {
  for (const isOld of [false, true]) {
    const { user, login, accessToken, refreshToken } = await app.user();
    const elsewhere = await app.signInAs(login);
    const renewed = await app.refresh(refreshToken);
    clock.move(1_000);
    const secret = isOld ? refreshToken : renewed.body.refreshToken;
    const handedIn = await platform.visitor.send("POST", "/v1/leaks", { body: { secret } });
    assert.deepEqual([handedIn.status, handedIn.body], [200, {}]);
    await isOver(accessToken);
    assert.equal(says(await app.refresh(renewed.body.refreshToken)), "401 credential.invalid");
    assert.equal((await app.me(elsewhere.body.accessToken)).status, 200);
    assert.ok((await owner.audited(user)).some(({ what }) => what === "applicationUser.leaked"));
  }
});

test("her sessions are listed for her and for whoever runs the application, and the twenty-first ends the one seen least lately", async () => {
  const { user, login, session, accessToken } = await app.user();
  let newest: SignedIn | undefined;
  for (let at = 0; at < 20; at += 1) {
    clock.move(30_000); // so that nobody takes it for guessing
    newest = (await app.signInAs(login)).body;
  }
  const own = await sessionsOf(newest?.accessToken);
  assert.equal(own.length, 20);
  assert.ok(own.every(({ id, from }) => id !== session && from === "127.0.0.1"));
  assert.deepEqual(
    own.filter(({ isCurrent }) => isCurrent).map(({ id }) => id),
    [newest?.session],
  );
  const { body: seen } = await app.manage<List<Session>>("GET", `/${user}/sessions`);
  const idsOf = (sessions: readonly Session[]) => sessions.map(({ id, from }) => `${id} ${from}`);
  assert.deepEqual(idsOf(seen.items), idsOf(own));
  await isOver(accessToken);
});

const sessionsOf = async (token: string | undefined) =>
  (await app.ask<List<Session>>("GET", "/v1/application-users/me/sessions", undefined, token)).body.items;

test("she ends one of her sessions or all others, and so does whoever runs the application", async () => {
  const { login, user, ...first } = await app.user();
  const stranger_ = await app.user();
  const [second, third] = [(await app.signInAs(login)).body, (await app.signInAs(login)).body];
  const end = (id: string, token = first.accessToken) =>
    app.ask("DELETE", `/v1/application-users/me/sessions/${id}`, undefined, token);
  assert.equal(says(await end(second.session, stranger_.accessToken)), "404 session.unknown");
  assert.equal(says(await end(unknown("session"))), "404 session.unknown");
  assert.equal((await end(second.session)).status, 200);
  await isOver(second.accessToken);
  assert.equal(says(await app.refresh(second.refreshToken)), "401 credential.invalid");
  assert.equal(says(await end(second.session)), "404 session.unknown", "it is over already");
  assert.equal(
    (await app.ask("DELETE", "/v1/application-users/me/sessions", undefined, first.accessToken)).status,
    200,
  );
  await isOver(third.accessToken);
  assert.deepEqual(
    (await sessionsOf(first.accessToken)).map(({ id }) => id),
    [first.session],
  );

  assert.equal(says(await app.manage("DELETE", `/${stranger_.user}/sessions/${first.session}`)), "404 session.unknown");
  assert.equal((await app.manage("DELETE", `/${user}/sessions/${first.session}`)).status, 200);
  await isOver(first.accessToken);
  const again = (await app.signInAs(login)).body;
  assert.equal((await app.manage("DELETE", `/${user}/sessions`)).status, 200);
  await isOver(again.accessToken);
  assert.equal((await app.signInAs(login)).status, 200, "she may come back");
  assert.equal((await app.me(stranger_.accessToken)).status, 200);
  assert.equal((await app.manage("DELETE", `/${stranger_.user}/sessions`)).status, 200);
  assert.equal((await app.manage("DELETE", `/${stranger_.user}/sessions`)).status, 200, "also where there is none");
  const told = (await owner.audited(user)).map(({ what }) => what).filter((what) => what.includes("Ended"));
  assert.deepEqual(
    told.toSorted(),
    ["sessionEnded", "sessionEnded", "sessionsEnded", "sessionsEnded"].map((what) => `applicationUser.${what}`),
  );
});

test("whether a login is known, nothing in the answers tells", async () => {
  const { login, user } = await app.user();
  const shape = ({ status, headers, text }: Answer<unknown>) => ({
    status,
    text: text.replaceAll(/"requestId":"[^"]*"/g, ""),
    names: Object.keys(headers).toSorted(),
  });
  const hashed = async () => {
    const { text } = await visitor.as(owner.token).send("GET", "/metrics");
    return Number(/^holdfast_password_hashes_total (\d+)$/m.exec(text)?.[1]);
  };
  /** The answer, and how many slow hashes it took. */
  const costing = async (ask: () => Promise<Answer<unknown>>) => {
    const before = await hashed();
    const answer = shape(await ask());
    return { ...answer, hashes: (await hashed()) - before };
  };
  const known = await costing(() => app.signUp(login, "another long password"));
  assert.equal(known.hashes, 1);
  assert.deepEqual(await costing(() => app.signUp(freshLogin(), "another long password")), known);
  assert.equal((await app.signInAs(login)).status, 200, "the password is the one that was there");
  const wrong = await costing(() => app.signInAs(login, "another long password"));
  assert.deepEqual([wrong.status, wrong.hashes], [401, 1]);
  assert.deepEqual(await costing(() => app.signInAs(freshLogin())), wrong);
  const { body: alone } = await app.manage<Invited>("POST", "", { login: freshLogin() });
  assert.deepEqual(await costing(() => app.signInAs(alone.login)), wrong, "who has no password");
  await app.manage("POST", `/${user}/suspend`);
  assert.deepEqual(await costing(() => app.signInAs(login)), wrong, "who may not come in");
  const code = `hfo_${"A".repeat(49)}`;
  const reset = (of: string) =>
    costing(() => app.ask("POST", "/v1/application-users/password", { login: of, code, password }));
  assert.deepEqual(await reset(login), await reset(freshLogin()));
});

test("who was not confirmed, is suspended or removed is answered as nobody", async () => {
  const confirming = await appOf(owner, "confirmed");
  const login = freshLogin();
  assert.equal((await confirming.signUp(login)).status, 200);
  assert.equal(says(await confirming.signInAs(login)), "401 credential.invalid");
  const [user] = (await confirming.manage<List<User>>("GET", "")).body.items;
  assert.ok(user);
  assert.deepEqual([user.login, user.state], [login, "pending"]);
  await confirming.manage("POST", `/${user.id}/activate`);
  const { accessToken, refreshToken } = (await confirming.signInAs(login)).body;
  assert.equal((await confirming.manage<User>("POST", `/${user.id}/suspend`)).body.state, "suspended");
  assert.equal(says(await confirming.me(accessToken)), "401 credential.invalid");
  assert.equal(says(await confirming.refresh(refreshToken)), "401 credential.invalid");
  assert.equal(says(await confirming.signInAs(login)), "401 credential.invalid");
  await confirming.manage("POST", `/${user.id}/activate`);
  assert.equal(says(await confirming.me(accessToken)), "401 credential.invalid", "what was ended stays so");
  const again = await confirming.signInAs(login);
  assert.equal(again.status, 200);
  const device = await owner.device(confirming.id);
  assert.equal((await confirming.bind(device, user.id)).body.user, user.id);
  const removed = await confirming.manage("DELETE", `/${user.id}`);
  assert.equal(removed.status, 200);
  assert.equal(says(await confirming.me(again.body.accessToken)), "401 credential.invalid");
  assert.equal(says(await confirming.signInAs(login)), "401 credential.invalid");
  assert.equal((await owner.asks.get<{ user?: string }>(`/v1/devices/${device.id}`)).user, undefined);
});

test("an application that is closed takes those who were invited, with a code that works once", async () => {
  const closed = await appOf(owner, "closed");
  assert.equal(says(await closed.signUp(freshLogin())), "403 signUp.closed");
  const login = freshLogin();
  const invited = await closed.manage<Invited>("POST", "", { login });
  assert.deepEqual([invited.status, invited.body.state], [201, "pending"]);
  assert.equal(says(await closed.manage<Problem>("POST", "", { login })), "409 user.exists");
  const set = (code: string, as = password, of = login) =>
    closed.ask("POST", "/v1/application-users/password", { login: of, code, password: as });
  for (const [code, of] of [
    [invited.body.code.replace(/.$/, (last) => (last === "0" ? "1" : "0")), login],
    [invited.body.code, freshLogin()],
  ] as const)
    assert.equal(says(await set(code, password, of)), "403 code.invalid");
  assert.equal(says(await set(invited.body.code, "short")), "422 password.weak");
  assert.equal((await set(invited.body.code)).status, 200);
  assert.equal(says(await set(invited.body.code)), "403 code.invalid");
  const { accessToken } = (await closed.signInAs(login)).body;
  const reset = await closed.manage<{ code: string }>("POST", `/${invited.body.id}/reset`);
  assert.equal((await closed.me(accessToken)).status, 200, "until it is used");
  assert.equal((await set(reset.body.code, "another long password")).status, 200);
  assert.equal(says(await closed.me(accessToken)), "401 credential.invalid");
  assert.equal(says(await closed.signInAs(login)), "401 credential.invalid");
  assert.equal((await closed.signInAs(login, "another long password")).status, 200);
});

test("a user of one application is nobody in another, of the same organisation and of another one", async () => {
  const [beside, foreign] = [await appOf(owner), await appOf(stranger)];
  const { user, login, accessToken, refreshToken } = await app.user();
  for (const other of [beside, foreign]) {
    assert.equal(says(await other.signInAs(login)), "401 credential.invalid");
    assert.equal(says(await other.refresh(refreshToken)), "401 credential.invalid");
    assert.equal((await other.signOut(refreshToken)).status, other === foreign ? 200 : 401);
    assert.equal(says(await other.me(accessToken)), "403 permit.missing", "with the other's published key");
    const device = await other.who.device(other.id);
    assert.equal(says(await other.bind(device, user)), "404 user.unknown");
    assert.equal(says(await visitor.as(accessToken).send("GET", `/v1/devices/${device.id}`)), "404 device.unknown");
    for (const [method, path] of [
      ["POST", `/${user}/suspend`],
      ["POST", `/${user}/activate`],
      ["POST", `/${user}/reset`],
      ["DELETE", `/${user}`],
      ["GET", `/${user}/devices`],
      ["GET", `/${user}/sessions`],
    ] as const)
      assert.equal(says(await other.manage<Problem>(method, path)), "404 user.unknown", path);
  }
  assert.equal((await app.me(accessToken)).status, 200);
});

test("a device that moves to another application is nobody's there", async () => {
  const { user, accessToken } = await app.user();
  const device = await owner.device(app.id);
  await app.bind(device, user);
  assert.equal((await visitor.as(accessToken).send("GET", `/v1/devices/${device.id}`)).status, 200);
  const other = await owner.application();
  await owner.asks.send("PATCH", `/v1/devices/${device.id}`, { body: { application: other.id } });
  assert.equal(says(await visitor.as(accessToken).send("GET", `/v1/devices/${device.id}`)), "404 device.unknown");
  await owner.asks.send("PATCH", `/v1/devices/${device.id}`, { body: { application: app.id } });
  assert.equal(says(await visitor.as(accessToken).send("GET", `/v1/devices/${device.id}`)), "404 device.unknown");
});

test("users are people: ending those of an application ends its users' sign-ins, and they sign in again; ending its programs does not", async () => {
  const shop = await appOf(owner);
  const { login, accessToken, refreshToken } = await shop.user();
  await owner.asks.post("/v1/revocations", { about: shop.id, ends: ["devices"] });
  assert.equal((await shop.me(accessToken)).status, 200);
  await owner.asks.post("/v1/revocations", { about: shop.id, ends: ["people"] });
  assert.equal(says(await shop.me(accessToken)), "401 credential.invalid");
  assert.equal(says(await shop.refresh(refreshToken)), "401 credential.invalid");
  const again = await shop.signInAs(login);
  assert.equal(again.status, 200);
  await owner.asks.post("/v1/revocations", { about: shop.id, ends: ["programs"] });
  assert.equal(says(await shop.me(again.body.accessToken)), "401 credential.invalid", "the page's key is a program's");
  assert.equal((await visitor.as(again.body.accessToken).send("GET", "/v1/application-users/me")).status, 200);
});

test("an application that ends takes its users along", async () => {
  const ending = await appOf(owner);
  const { accessToken } = await ending.user();
  await owner.asks.delete(`/v1/applications/${ending.id}`);
  assert.equal(says(await visitor.as(accessToken).send("GET", "/v1/application-users/me")), "401 credential.invalid");
});

test("guessing is slowed by login and network, and where she signed in lately she is not kept out", async () => {
  const guessed = await appOf(owner);
  const { login } = await guessed.user();
  const answers = [];
  for (let at = 0; at < 15; at += 1) answers.push(says(await guessed.signInAs(login, "a wrong, long password")));
  assert.deepEqual(new Set(answers), new Set(["401 credential.invalid", "429 rate.exceeded"]));
  const unknownLogin = freshLogin();
  const others = [];
  for (let at = 0; at < 15; at += 1) others.push(says(await guessed.signInAs(unknownLogin, "a wrong, long password")));
  assert.ok(others.includes("429 rate.exceeded"), "whether there is such a user or not");
  clock.move(31_000);
  assert.equal((await guessed.signInAs(login)).status, 200);
});

test("what signs in with a proof is bound to its key: tokens and renewals need it", async () => {
  const { login } = await app.user();
  const bound = await appOf(owner);
  await bound.signUp(login);
  const key = dpopKey();
  const origin = platform.platform.url;
  const claims = (path: string, nonce?: string) => ({
    htm: "POST",
    htu: `${origin}${path}`,
    iat: Math.floor(clock.now() / 1_000) + 1,
    nonce,
  });
  const path = "/v1/application-users/sign-in";
  const first = await bound.signInAs<Problem>(login, password, { dpop: key(claims(path)) });
  assert.equal(says(first), "401 proof.nonce");
  const nonce = String(first.headers["dpop-nonce"]);
  assert.match(String(first.headers["access-control-expose-headers"]), /dpop-nonce/);
  const { status, body } = await bound.signInAs(login, password, { dpop: key(claims(path, nonce)) });
  assert.equal(status, 200);
  assert.equal(says(await bound.me(body.accessToken)), "401 proof.required");
  assert.equal(says(await bound.refresh<Problem>(body.refreshToken)), "401 proof.required");
  const renew = "/v1/application-users/refresh";
  const thief = dpopKey();
  const stolen = await bound.refresh<Problem>(body.refreshToken, { dpop: thief(claims(renew, nonce)) });
  assert.equal(says(stolen), "401 proof.required");
  const elsewhere = await bound.refresh<Problem>(body.refreshToken, { dpop: key(claims(path, nonce)) });
  assert.equal(says(elsewhere), "401 proof.invalid", "a proof for another request");
  const renewed = await bound.refresh(body.refreshToken, { dpop: key(claims(renew, nonce)) });
  assert.equal(renewed.status, 200);
  assert.equal(says(await bound.me(renewed.body.accessToken)), "401 proof.required");
});

test("a quota of requests is her application's too: what the organisation has used up she is refused", async () => {
  const theirs = await appOf(stranger);
  const { accessToken } = await theirs.user();
  assert.equal((await theirs.me(accessToken)).status, 200);
  await owner.asks.post("/v1/plans", { name: "none", quotas: { requests: 1 } });
  const give = (plan: string | null) => owner.asks.put(`/v1/orgs/${stranger.org}/plan`, { plan });
  await give("none");
  await stranger.asks.get("/v1/quotas"); // writes down what was used
  assert.equal(says(await theirs.me(accessToken)), "429 quota.exceeded");
  await give(null);
  assert.equal((await theirs.me(accessToken)).status, 200);
});

test("a refresh token in a URL is flagged with its session, its owner is told, and it is ended where the organisation wants that", async () => {
  const { user, session, accessToken, refreshToken } = await app.user();
  const inUrl = (token: string) =>
    visitor.send<Problem>("GET", `/v1/application-users/me?token=${token}`, { headers: { origin: page } });
  assert.equal(says(await inUrl(refreshToken)), "400 credential.exposed");
  const [flagged] = await sessionsOf(accessToken);
  assert.equal(flagged?.id, session);
  assert.ok(flagged?.exposedAt);
  const told = (await owner.audited(user)).filter(({ what }) => what === "applicationUser.exposed");
  assert.deepEqual(
    told.map(({ facts }) => [facts?.["session"], facts?.["where"]]),
    [[session, "url"]],
  );
  assert.ok(!JSON.stringify(told).includes(refreshToken));
  assert.equal(says(await inUrl(accessToken)), "400 credential.exposed");
  const { items } = await owner.asks.get<List<Thing & { findings: string[] }>>("/v1/credentials?limit=1000");
  assert.ok(items.some(({ findings }) => findings.includes("exposed")));

  await owner.asks.send("PATCH", "/v1/org/upkeep", { body: { endExposed: true } });
  const next = (await app.refresh(refreshToken)).body;
  assert.equal(says(await inUrl(next.refreshToken)), "400 credential.exposed");
  await owner.asks.send("PATCH", "/v1/org/upkeep", { body: { endExposed: false } });
  await isOver(next.accessToken);
  assert.equal(says(await app.refresh(next.refreshToken)), "401 credential.invalid");
});

test("one network uses up its share of a published key, and nobody else's", async () => {
  const few = await App.of(world, owner, "open", [page], { perMinute: 40 });
  const ask = (localAddress: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const { port } = new URL(platform.platform.url);
      const address = `/v1/application-users/passkey-sign-in/options?key=${few.key}`;
      const headers = { origin: page, "content-type": "application/json" };
      const { caPem: ca } = platform.platform;
      const options = { host: "127.0.0.1", servername: "localhost", port, path: address, method: "POST", headers, ca };
      const sent = request({ ...options, localAddress, agent: false }, (answer) => {
        answer.resume().once("end", () => resolve(answer.statusCode));
      });
      sent.once("error", reject).end("{}");
    });
  const answers = [];
  for (let at = 0; at < 50; at += 1) answers.push(await ask("127.0.0.1"));
  assert.equal(answers.filter((status) => status === 200).length, 10, "a quarter of the key's");
  assert.deepEqual(new Set(answers), new Set([200, 429]));
  for (let at = 0; at < 10; at += 1) assert.equal(await ask("127.0.0.2"), 200);
  assert.equal(await ask("127.0.0.2"), 429);
  clock.move(6_000);
  assert.deepEqual([await ask("127.0.0.1"), await ask("127.0.0.1")], [200, 429], "ten a minute");
});

// From here on time passes that the owner's own sign-in does not last.

test("a code is good for a day", async () => {
  const login = freshLogin();
  const { body } = await app.manage<Invited>("POST", "", { login });
  clock.move(24 * 3_600_000);
  assert.equal(
    says(await app.ask("POST", "/v1/application-users/password", { login, code: body.code, password })),
    "403 code.invalid",
  );
});

test("a token lasts a quarter of an hour, and a session thirty days however often it is renewed", async () => {
  const { accessToken, refreshToken, expiresAt } = await app.user();
  clock.move(15 * 60_000);
  assert.equal(says(await app.me(accessToken)), "401 credential.expired");
  const second = await app.refresh(refreshToken);
  assert.deepEqual([second.status, second.body.expiresAt], [200, expiresAt]);
  clock.move(Date.parse(expiresAt) - clock.now() - 60_000);
  const last = await app.refresh(second.body.refreshToken);
  assert.equal(last.body.accessExpiresAt, expiresAt);
  clock.move(120_000);
  assert.equal(says(await app.refresh(last.body.refreshToken)), "401 credential.invalid");
});
