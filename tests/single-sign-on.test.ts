import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "@holdfast/kernel";
import { deviceCodeGrant } from "@holdfast/protocol";
import { atEnd, TestClock } from "../apps/server/src/testing/index.ts";
import { formTo } from "./activation.fixture.ts";
import { Owner, secretIn, type Problem } from "./authority.fixture.ts";
import { CookieBrowser, type SignedIn } from "./cookie-browser.fixture.ts";
import { client, Comer, enter, startHouse, startProvider, type Account } from "./provider.fixture.ts";
import { closedWithin, events } from "./revocation.fixture.ts";

// People whom a real provider brings (oidc-provider, over TLS), and what becomes of them.
const clock = new TestClock(systemClock.now());
const house = await startHouse(clock);
atEnd.after(() => house.close());
const { owner, platform, issuer } = house;
const { visitor } = platform;
const elsewhere = new Owner(visitor, await platform.setUp());
const password = "correct horse battery staple";
const accounts = new Map<string, Account>();
const roles = { claim: "groups", map: [{ value: "operators", role: "operator" }] };
const provider = await enter(house, { joins: "viewer", roles });
const path = `/v1/providers/${provider.id}`;
startProvider(house, accounts);

let made = 0;
/** Somebody with an account at the provider. */
function account(groups: readonly string[] = [], email?: string): string {
  const name = `person-${(made += 1)}`;
  accounts.set(name, { email: email ?? `${name}@house.example`, email_verified: true, groups });
  return name;
}
/** Nobody is made to wait for how often this file asks. */
const patiently = () => clock.move(3_000);

type Session = SignedIn & { readonly provider?: string };
async function come(name: string, asked?: object): Promise<{ comer: Comer; session: Session }> {
  patiently();
  const comer = new Comer(house);
  const answer = await comer.come(name, asked);
  assert.equal(answer.status, 201, answer.text);
  return { comer, session: await comer.good<Session>("GET", "/v1/session") };
}
async function turnedAway(name: string, asked?: object): Promise<string | undefined> {
  patiently();
  const comer = new Comer(house);
  const { body } = await comer.come(name, asked);
  assert.equal(comer.cookie, undefined);
  return body.code;
}
/** What the log says of somebody and providers, newest first. */
const told = async (person: string) =>
  (await owner.audited(person)).map(({ what }) => what).filter((what) => /^provider\.(un)?linked$/.test(what));
const roleOf = ({ orgs }: Session) => orgs.map(({ id, role }) => [id, role]);
const codeIn = async (comer: CookieBrowser, at = "/v1/org") => {
  const { status, body } = await comer.send<Problem>("GET", at);
  return status === 200 ? "200" : `${status} ${body.code}`;
};

test("whoever comes by the provider for the first time becomes a member as what her groups say, in that organisation alone", async () => {
  const to = `/o/${owner.org}/devices`;
  const name = account(["staff", "operators"]);
  const comer = new Comer(house);
  const answer = await comer.come(name, { org: owner.org, to });
  assert.deepEqual([answer.status, answer.body], [201, { org: owner.org, to }]);
  const session = await comer.good<Session>("GET", "/v1/session");
  assert.deepEqual([session.provider, session.person.email], [provider.id, `${name}@house.example`]);
  assert.deepEqual(roleOf(session), [[owner.org, "operator"]]);
  assert.equal(await codeIn(comer), "200");
  const entries = await owner.audited(session.person.id);
  const whats = new Set(entries.map(({ what }) => what));
  for (const what of ["member.added", "provider.linked", "signIn.done"]) assert.ok(whats.has(what), what);
});

test("[V6.8.1] an account with the e-mail that the provider says is not joined: it is somebody else's until its owner says so herself", async () => {
  const email = "same@house.example";
  const { person } = await owner.member({ email, password }, "administrator");
  const { session } = await come(account([], email));
  assert.notEqual(session.person.id, person);
  assert.deepEqual(roleOf(session), [[owner.org, "viewer"]], "nothing of what the other may");
  // Nor does a password of hers open what the provider brought, and the other's opens what it did.
  const browser = new CookieBrowser(platform);
  assert.equal((await browser.signIn({ email, password })).person.id, person);
});

test("whoever comes again is who she was, and her role is what the provider says now", async () => {
  const name = account(["operators"]);
  const { session: first } = await come(name);
  accounts.set(name, { email: "another@house.example", groups: [] });
  const { session: second, comer } = await come(name);
  assert.deepEqual([second.person, roleOf(second)], [first.person, [[owner.org, "viewer"]]]);
  assert.ok((await owner.audited(first.person.id)).some(({ what }) => what === "provider.signedIn"));
  accounts.set(name, { email: "another@house.example", groups: "operators" });
  assert.deepEqual(roleOf((await come(name)).session), [[owner.org, "operator"]], "one value, not in a list");
  assert.equal(await codeIn(comer), "200", "what she held open before goes on");
});

test("a session by a provider is good in its organisation alone, also for somebody who has others and administers the instance", async () => {
  patiently();
  const browser = new CookieBrowser(platform);
  await browser.signIn({ email: "owner@example.com", password });
  browser.org = owner.org;
  const name = account();
  assert.equal(await link(browser, name), "linked");
  const { comer, session } = await come(name);
  assert.deepEqual([session.person.id, roleOf(session)], [owner.person, [[owner.org, "owner"]]]);
  comer.org = elsewhere.org;
  assert.equal(await codeIn(comer), "404 org.unknown");
  comer.org = owner.org;
  assert.equal(await codeIn(comer), "200");
  assert.equal(
    await codeIn(comer, "/v1/plans"),
    "403 permit.missing",
    "what only an administrator of the instance may",
  );
  assert.equal(await codeIn(browser, "/v1/plans"), "200", "which she is by her own means");
  for (const [method, at, body] of [
    ["GET", "/v1/account", undefined],
    ["POST", "/v1/account/totp/offer", {}],
    ["POST", "/v1/account/passkeys/options", {}],
    ["GET", "/v1/account/providers", undefined],
    ["POST", "/v1/account/providers", { org: elsewhere.org, provider: provider.id }],
    ["DELETE", `/v1/account/providers/${provider.id}`, undefined],
  ] as const) {
    const { status, body: problem } = await comer.send<Problem>(method, at, body && { body });
    assert.deepEqual([at, status, problem.code], [at, 403, "provider.limited"]);
  }
  await browser.good("DELETE", `/v1/account/providers/${provider.id}`);
});

/** She, signed in by her own means, says that she is this account at the provider. */
async function link(browser: CookieBrowser, name: string, as = browser) {
  const comer = new Comer(house);
  comer.cookie = browser.cookie;
  const body = { org: owner.org, provider: provider.id };
  const { location } = await comer.good<{ location: string }>("POST", "/v1/account/providers", body);
  const back = await comer.wanderer.through(location, name);
  comer.cookie = as.cookie;
  const answer = await comer.send<Problem>("POST", "/v1/account/providers/answer", {
    body: { org: owner.org, query: back.search },
  });
  return answer.status === 200 ? "linked" : answer.body.code;
}

test("whom a provider brought lets a program in from her browser, in that organisation", async () => {
  // She has proved lately who she is.
  const { comer, session } = await come(account(["operators"]), { org: owner.org, isFresh: true });
  patiently();
  const program = { client_id: "holdfast-command" };
  const { body: offered } = await formTo<{ device_code: string; user_code: string }>(
    visitor,
    "/v1/oauth/device_authorization",
    program,
  );
  const asked = await comer.good<{ program: string }>("GET", `/v1/activations/${offered.user_code}`);
  assert.equal(asked.program, "holdfast-command");
  const { status, text } = await comer.send("POST", `/v1/activations/${offered.user_code}/approval`, { body: {} });
  assert.equal(status, 200, text);
  clock.move(5_000);
  const { body: given } = await formTo<{ access_token: string }>(visitor, "/v1/oauth/token", {
    ...program,
    grant_type: deviceCodeGrant,
    device_code: offered.device_code,
  });
  const me = await visitor.as(given.access_token).get<{ person: string; org: string }>("/v1/me");
  assert.deepEqual([me.person, me.org], [session.person.id, owner.org]);
});

test("somebody links her account herself, and nobody has two of one provider or somebody else's", async () => {
  const email = "linking@house.example";
  const { person } = await owner.member({ email, password }, "developer");
  await owner.member({ email: "other@house.example", password });
  const [browser, other] = [new CookieBrowser(platform), new CookieBrowser(platform)];
  await browser.signIn({ email, password });
  patiently();
  await other.signIn({ email: "other@house.example", password });
  const name = account();
  assert.equal(await link(browser, name, other), "provider.stale");
  assert.equal(await link(browser, name), "linked");
  assert.equal(await link(browser, name), "linked", "that was so already");
  assert.deepEqual(await told(person), ["provider.linked"], "once");
  patiently();
  assert.equal(await link(browser, account()), "provider.linked");
  assert.equal(await link(other, name), "provider.linked");
  const { comer, session } = await come(name);
  // Her groups say nothing, so she gets what whoever has none gets.
  assert.deepEqual([session.person.id, roleOf(session)], [person, [[owner.org, "viewer"]]]);
  const own = await browser.good<{ items: { provider: string; orgName: string; linkedAt?: string }[] }>(
    "GET",
    "/v1/account/providers",
  );
  assert.deepEqual(
    own.items.map((one) => [one.provider, one.orgName, one.linkedAt !== undefined]),
    [[provider.id, "First", true]],
  );
  comer.org = owner.org;
  const open = await events(platform, comer.headers("GET"));
  const from = performance.now();
  await browser.good("DELETE", `/v1/account/providers/${provider.id}`);
  await closedWithin(open, from, 1_000);
  assert.equal(await codeIn(comer), "401 credential.invalid");
  assert.equal(await codeIn(browser, "/v1/session"), "200", "her own session goes on");
  assert.equal((await told(person))[0], "provider.unlinked");
  assert.notEqual((await come(name)).session.person.id, person, "it is nobody's from then on");
});

test("[V6.3.5] somebody hears of a sign-in by the provider from a browser that is new to her, in its organisation, and her own sign-in knows that browser no better for it", async () => {
  const email = "news@house.example";
  const { person } = await owner.member({ email, password }, "viewer");
  await visitor.post("/v1/invitations/accept", { secret: secretIn(await elsewhere.invite(email)), email, password });
  const browser = new CookieBrowser(platform);
  await browser.signIn({ email, password });
  const name = account();
  patiently();
  assert.equal(await link(browser, name), "linked");
  const news = async (of: Owner) => (await of.audited(person)).filter(({ what }) => what === "signIn.fromNew").length;
  const before = await news(elsewhere);
  assert.equal(await news(owner), before);
  const { comer } = await come(name);
  assert.ok(comer.known, "it is known again");
  assert.equal((await comer.come(name)).status, 201);
  assert.deepEqual([await news(owner), await news(elsewhere)], [before + 1, before], "once, and nowhere else");
  patiently();
  await comer.good("POST", "/v1/sessions", { email, password });
  assert.deepEqual(
    [await news(owner), await news(elsewhere)],
    [before + 2, before + 1],
    "a provider's word is its own",
  );
  patiently();
  assert.equal((await comer.come(name)).status, 201);
  assert.equal(await news(owner), before + 2, "and hers counts for all");
});

test("in an organisation of which she is no member nobody links anything", async () => {
  patiently();
  const theirs = await enter(house, {}, elsewhere.asks);
  const browser = new CookieBrowser(platform);
  await owner.member({ email: "member@house.example", password });
  await browser.signIn({ email: "member@house.example", password });
  for (const body of [
    { org: elsewhere.org, provider: theirs.id },
    { org: owner.org, provider: theirs.id },
  ]) {
    const { status, body: problem } = await browser.send<Problem>("POST", "/v1/account/providers", { body });
    assert.deepEqual([status, problem.code], [404, "provider.unknown"]);
  }
});

test("nobody becomes more than whoever wrote the map may give, and the last owner stays one", async () => {
  patiently();
  const admin = await owner.member({ email: "admin@example.com", password }, "administrator");
  const asks = visitor.as(admin.token);
  const toOwner = { claim: "groups", map: [{ value: "chiefs", role: "owner" }] };
  const { status, body } = await asks.send<Problem>("PATCH", path, { body: { roles: toOwner } });
  assert.deepEqual([status, body.code], [403, "role.amplifies"]);
  // What an owner wrote does not become an administrator's who makes the provider another one.
  await owner.asks.patch(path, { roles: toOwner });
  const other = await asks.send<Problem>("PATCH", path, { body: { clientId: "another" } });
  assert.deepEqual([other.status, other.body.code], [403, "role.amplifies"]);
  const chief = account(["chiefs"]);
  assert.deepEqual(roleOf((await come(chief)).session), [[owner.org, "owner"]]);
  // Written by an administrator, it touches no owner.
  await owner.asks.patch(path, { roles: null, joins: null });
  await asks.patch(path, { roles: { claim: "groups", map: [{ value: "chiefs", role: "viewer" }] } });
  assert.deepEqual(roleOf((await come(chief)).session), [[owner.org, "owner"]]);
  // By an owner it does; but the last one stays.
  await owner.asks.patch(path, { roles: { claim: "groups", map: [{ value: "chiefs", role: "administrator" }] } });
  assert.deepEqual(roleOf((await come(chief)).session), [[owner.org, "administrator"]]);
  const browser = new CookieBrowser(platform);
  await browser.signIn({ email: "owner@example.com", password });
  const lastOwner = account(["chiefs"]);
  assert.equal(await link(browser, lastOwner), "linked");
  assert.deepEqual(roleOf((await come(lastOwner)).session), [[owner.org, "owner"]]);
  // Who wrote it may give less by now, so it gives that no more.
  await asks.patch(path, { roles: { claim: "groups", map: [{ value: "new", role: "administrator" }] } });
  await owner.asks.patch(`/v1/members/${admin.person}`, { role: "developer" });
  assert.equal(await turnedAway(account(["new"])), "provider.notAdmitted");
  await owner.asks.patch(path, { joins: "viewer", roles });
  await browser.good("DELETE", `/v1/account/providers/${provider.id}`);
});

test("whom the organisation does not let in by it is turned away, and whoever was removed is not let in again by it", async () => {
  const { session } = await come(account());
  const name = `person-${made}`;
  await owner.asks.delete(`/v1/members/${session.person.id}`);
  assert.equal(await turnedAway(name), "provider.notAdmitted");
  const linked = await owner.asks.get<{ items: { person: string; isMember: boolean }[] }>(`${path}/people?limit=1000`);
  assert.equal(linked.items.find(({ person }) => person === session.person.id)?.isMember, false);
  // Forgotten, she is somebody new.
  await owner.asks.delete(`${path}/people/${session.person.id}`);
  assert.equal((await told(session.person.id))[0], "provider.unlinked");
  assert.notEqual((await come(name)).session.person.id, session.person.id);
  await owner.asks.patch(path, { joins: null });
  assert.equal(await turnedAway(account()), "provider.notAdmitted");
  await owner.asks.patch(path, { joins: "viewer" });
});

test("an invitation is accepted by the provider, by whom it was sent to, once", async () => {
  await owner.asks.patch(path, { joins: null });
  const email = "invited@house.example";
  const secret = secretIn(await owner.invite(email, "developer"));
  assert.equal(await turnedAway(account([], "somebody@house.example"), { invitation: secret }), "invitation.invalid");
  const name = account([], email);
  accounts.set(name, { email, email_verified: false });
  assert.equal(
    await turnedAway(name, { invitation: secret }),
    "invitation.invalid",
    "who says that it is not verified",
  );
  accounts.set(name, { email, groups: [] });
  assert.equal(await turnedAway(name, { invitation: secret }), "invitation.invalid", "who does not say that it is");
  accounts.set(name, { email, email_verified: true, groups: [] });
  const { session } = await come(name, { invitation: secret });
  assert.deepEqual(roleOf(session), [[owner.org, "developer"]]);
  patiently();
  const again = await new Comer(house).send<Problem>("POST", "/v1/provider-sign-ins", { body: { invitation: secret } });
  assert.deepEqual([again.status, again.body.code], [404, "provider.unknown"]);
  await owner.asks.patch(path, { joins: "viewer" });
});

test("strangers are answered alike for what is not there, is switched off, or has no provider", async () => {
  patiently();
  await owner.asks.patch(path, { shortName: "first-house" });
  const taken = await elsewhere.asks.send<Problem>("POST", "/v1/providers", {
    body: { name: "Other", issuer, clientId: "other", shortName: "first-house" },
  });
  assert.deepEqual([taken.status, taken.body.code], [409, "provider.nameTaken"]);
  const asked = async (org: string) => {
    patiently();
    const { status, body, headers } = await new Comer(house).send<Problem>("POST", "/v1/provider-sign-ins", {
      body: { org },
    });
    return [status, body.code ?? "", String(headers["set-cookie"] ?? "") !== ""];
  };
  assert.deepEqual(await asked("First-House"), [200, "", true]);
  const nothing = [404, "provider.unknown", false];
  for (const org of [
    "nobody",
    "nobody.example",
    "a@nobody.example",
    "org_00000000000000000000000000000000",
    "%00",
    "x".repeat(254),
  ])
    assert.deepEqual(await asked(org), nothing, org);
  const without = new Owner(visitor, await platform.setUp());
  assert.deepEqual(await asked(without.org), nothing);
  await owner.asks.patch(path, { isEnabled: false });
  for (const org of ["first-house", owner.org]) assert.deepEqual(await asked(org), nothing);
  await owner.asks.patch(path, { isEnabled: true, shortName: null });
  assert.deepEqual(await asked("first-house"), nothing);
});

test("an organisation has ten providers and no more", async () => {
  const full = new Owner(visitor, await platform.setUp());
  patiently();
  const one = { name: "One of many", issuer, clientId: "one" };
  for (let count = 0; count < 10; count += 1) await full.asks.post("/v1/providers", one);
  const more = await full.asks.send<Problem>("POST", "/v1/providers", { body: one });
  assert.deepEqual([more.status, more.body.code], [409, "provider.tooMany"]);
});

test("a provider that is switched off, becomes another one or lets do less ends its sessions within a second", async () => {
  for (const change of [
    { isEnabled: false },
    { clientId: "another", clientSecret: "another" },
    { issuer: "https://other.example", clientSecret: "another" },
    { joins: null },
    { roles: null },
  ]) {
    const { comer } = await come(account());
    const open = await events(platform, comer.headers("GET"));
    const from = performance.now();
    await owner.asks.patch(path, change);
    await closedWithin(open, from, 1_000);
    assert.equal(await codeIn(comer), "401 credential.invalid", JSON.stringify(change));
    await owner.asks.patch(path, { issuer, clientId: client.id, clientSecret: client.secret });
    await owner.asks.patch(path, { isEnabled: true, joins: "viewer", roles });
    assert.equal(await codeIn(comer), "401 credential.invalid", "and it does not come back");
  }
  const { comer } = await come(account());
  await owner.asks.patch(path, { name: "Called otherwise", clientSecret: client.secret, shortName: "other-name" });
  await owner.asks.patch(path, { roles: { claim: "groups", map: [...roles.map, { value: "x", role: "viewer" }] } });
  assert.equal(await codeIn(comer), "200", "what takes nothing away ends nothing");
});

test("[V7.6.1] a session that ends here ends at the provider, too, and one that ends there ends here within a second", async () => {
  const { comer } = await come(account());
  const { signOutAt = "" } = await comer.good<{ signOutAt?: string }>("DELETE", "/v1/session");
  assert.equal(comer.cookie, undefined);
  const home = await comer.wanderer.signOut(signOutAt);
  assert.equal(home.href, `${platform.platform.url}/sign-in`);
  // Signed out there, she has to say again who she is.
  const another = account();
  assert.equal((await comer.come(another)).status, 201);
  const session = await comer.good<Session>("GET", "/v1/session");
  assert.equal(session.person.email, `${another}@house.example`);

  const open = await events(platform, comer.headers("GET"));
  const { comer: bystander } = await come(account());
  const from = performance.now();
  await comer.wanderer.signOut(`${issuer}/session/end?client_id=${client.id}`);
  await closedWithin(open, from, 1_000);
  assert.equal(await codeIn(comer), "401 credential.invalid");
  assert.equal(await codeIn(bystander), "200");
  assert.ok((await owner.audited(session.person.id)).some(({ what }) => what === "provider.signedOut"));
  assert.equal((await comer.come(another)).status, 201, "and she may come again");
  assert.equal(await codeIn(comer), "200");
});

test("what is no logout token of the provider ends nothing, whoever sends it", async () => {
  const { comer } = await come(account());
  const to = `/v1/orgs/${owner.org}/providers/${provider.id}/back-channel-logout`;
  const send = async (at: string, text: string, type = "application/x-www-form-urlencoded") => {
    patiently();
    const { status } = await visitor.send("POST", at, { bytes: Buffer.from(text), headers: { "content-type": type } });
    return status;
  };
  for (const token of ["", "a.b.c", "x".repeat(20_000)]) assert.equal(await send(to, `logout_token=${token}`), 400);
  const unknown = to.replace(provider.id, "prv_00000000000000000000000000000000");
  for (const at of [unknown, to.replace(owner.org, elsewhere.org), to.replace(owner.org, "nobody")])
    assert.equal(await send(at, "logout_token=a.b.c"), 400, at);
  assert.equal(await codeIn(comer), "200");
});

test("[V6.8.4] [V7.6.1] who has to prove again who she is does so at the provider, which asks her anew", async () => {
  const name = account(["operators"]);
  const { comer } = await come(name);
  await owner.asks.patch(`/v1/members/${(await comer.good<Session>("GET", "/v1/session")).person.id}`, {
    role: "administrator",
  });
  const change = async () => {
    const { status, body } = await comer.send<Problem>("PATCH", path, { body: { name: "House" } });
    return status === 200 ? "200" : body.code;
  };
  assert.equal(await change(), "confirmation.required", "the provider does not say when she proved it");
  const again = await comer.come(name, { org: owner.org, isFresh: true });
  assert.equal(again.status, 201);
  await owner.asks.patch(`/v1/members/${(await comer.good<Session>("GET", "/v1/session")).person.id}`, {
    role: "administrator",
  });
  assert.equal(await change(), "200");
  clock.move(10 * 60_000);
  assert.equal(await change(), "confirmation.required");
});

test("the client's secret is shown never again, and not told to another issuer", async () => {
  const shown = JSON.stringify([
    await owner.asks.get("/v1/providers"),
    await owner.asks.get(path),
    await owner.audited(provider.id),
  ]);
  assert.ok(!shown.includes(client.secret));
  assert.match(shown, /"hasSecret":true/);
  const { status, body } = await owner.asks.send<Problem>("PATCH", path, { body: { issuer: "https://other.example" } });
  assert.deepEqual([status, body.code], [400, "request.malformed"]);
});
