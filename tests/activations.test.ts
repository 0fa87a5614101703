import assert from "node:assert/strict";
import { test } from "node:test";
import pg from "pg";
import { deviceCodeGrant, routes } from "@holdfast/protocol";
import { atEnd } from "../apps/server/src/testing/index.ts";
import { formTo } from "./activation.fixture.ts";
import { startWorld, textOf, viewer, type Problem } from "./authority.fixture.ts";
import { CookieBrowser } from "./cookie-browser.fixture.ts";

// Programs without a browser that a person lets in from hers (RFC 8628): what both are told, what comes of it, and what nobody gets by it.
const world = await startWorld();
atEnd.after(() => world.close());
const { platform, clock, ours, theirs } = world;
const { visitor } = platform;
const owner = { email: "owner@example.com", password: "correct horse battery staple" };
const client_id = "holdfast-command";
const minute = 60_000;

type Offered = {
  device_code: string;
  user_code: string;
  verification_uri: string;
  verification_uri_complete: string;
  expires_in: number;
  interval: number;
};
type Given = { access_token: string; token_type: string; expires_in: number; scope: string };
type Refused = { error: string; error_description: string; code: string };

const begin = async (more: Record<string, string> = {}): Promise<Offered> => {
  clock.move(2_000); // asking is counted by address
  const { status, body, text } = await formTo<Offered>(visitor, "/v1/oauth/device_authorization", {
    client_id,
    ...more,
  });
  assert.equal(status, 200, text);
  return body;
};
const poll = (device_code: string, more: Record<string, string> = {}) =>
  formTo<Given & Refused>(visitor, "/v1/oauth/token", { client_id, grant_type: deviceCodeGrant, device_code, ...more });
/** Asks after the interval, and is told this. */
const told = async (device_code: string): Promise<string> => {
  clock.move(5_000);
  const { status, body } = await poll(device_code);
  return status === 200 ? "let in" : body.error;
};
async function browserOf(who: { email: string; password: string } = owner, org = ours.org): Promise<CookieBrowser> {
  clock.move(2_000);
  const browser = new CookieBrowser(platform);
  browser.org = org;
  await browser.signIn(who);
  return browser;
}
const approve = (browser: CookieBrowser, code: string, body: object = {}) =>
  browser.send("POST", `/v1/activations/${code}/approval`, { body });
const codeOf = async (answer: Promise<{ status: number; body: unknown }>): Promise<string> => {
  const { status, body } = await answer;
  return status < 300 ? String(status) : `${status} ${(body as Problem).code}`; // errors are RFC 9457
};
const me = async (token: string) =>
  visitor
    .as(token)
    .get<{ credential: string; person: string; org: string; expiresAt: string; grants: string[] }>("/v1/me");

test("a program is let in by a person in her browser, and gets a token of hers, once", async () => {
  const metadata = await visitor.get<Record<string, unknown>>("/.well-known/oauth-authorization-server");
  const { url } = platform.platform;
  assert.deepEqual(metadata, {
    issuer: url,
    device_authorization_endpoint: `${url}/v1/oauth/device_authorization`,
    token_endpoint: `${url}/v1/oauth/token`,
    revocation_endpoint: `${url}/v1/oauth/revoke`,
    grant_types_supported: [deviceCodeGrant],
    response_types_supported: [],
    token_endpoint_auth_methods_supported: ["none"],
    revocation_endpoint_auth_methods_supported: ["none"],
  });
  const offered = await begin({ machine: "ada's laptop" });
  assert.match(offered.user_code, /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
  assert.deepEqual(
    [offered.verification_uri, offered.verification_uri_complete, offered.expires_in, offered.interval],
    [`${url}/activate`, `${url}/activate#${offered.user_code}`, 600, 5],
  );
  assert.equal(await told(offered.device_code), "authorization_pending");

  const browser = await browserOf();
  // However she types it.
  const typed = offered.user_code.replace("-", "").toLowerCase();
  const shown = routes.readActivation.reply.parse(await browser.good("GET", `/v1/activations/${typed}`));
  assert.deepEqual(
    [shown.program, shown.machine, shown.address, shown.grants, shown.lifetime],
    [client_id, "ada's laptop", "127.0.0.1", undefined, 86_400],
  );
  assert.equal(await codeOf(approve(browser, typed)), "200");
  clock.move(5_000);
  const { status, body, headers } = await poll(offered.device_code);
  assert.equal(status, 200);
  assert.equal(headers["cache-control"], "no-store");
  assert.deepEqual([body.token_type, body.expires_in], ["Bearer", 86_400]);

  const hers = await me(body.access_token);
  assert.deepEqual([hers.person, hers.org], [ours.person, ours.org]);
  assert.deepEqual(hers.grants, body.scope.split(" "));
  type Credential = { name: string; kind: string; party: string; parent?: string; madeBy: string; expiresAt: string };
  const credential = await ours.asks.get<Credential>(`/v1/credentials/${hers.credential}`);
  assert.deepEqual(
    [credential.name, credential.kind, credential.party, credential.parent],
    ["holdfast-command on ada's laptop", "apiToken", "programs", undefined],
  );
  const entries = await ours.audited();
  const facts = { program: client_id, machine: "ada's laptop", address: "127.0.0.1" };
  assert.deepEqual(entries.find(({ what }) => what === "activation.approved")?.facts, facts);
  const made = entries.find(({ what, about }) => what === "credential.created" && about === hers.credential);
  assert.equal(made?.facts?.["name"], credential.name);

  // RFC 8628, 3.5: what was used is nothing any more, on both sides.
  assert.equal(await told(offered.device_code), "invalid_grant");
  assert.equal(await codeOf(approve(browser, typed)), "404 activation.unknown");
});

test("what a program is told is what RFC 8628 and RFC 6749 have, in their form", async () => {
  const path = "/v1/oauth/device_authorization";
  const answers: [form: Record<string, string>, path: string, error: string, code?: string][] = [
    [{}, path, "invalid_request"],
    [{ client_id: "somebody's" }, path, "invalid_client", "program.unknown"],
    [{ client_id, scope: "device.fly" }, path, "invalid_scope", "grant.malformed"],
    [{ client_id, scope: "device.read:tag:%zz=1" }, path, "invalid_scope"],
    [{ client_id, lifetime: "for ever" }, path, "invalid_request"],
    [
      { client_id, grant_type: "password", device_code: "x" },
      "/v1/oauth/token",
      "unsupported_grant_type",
      "program.asksOtherwise",
    ],
    [{ client_id, grant_type: deviceCodeGrant }, "/v1/oauth/token", "invalid_request"],
    [{ client_id, grant_type: deviceCodeGrant, device_code: "x" }, "/v1/oauth/token", "invalid_grant"],
  ];
  for (const [form, where, error, code] of answers) {
    clock.move(2_000);
    const { status, body, headers } = await formTo<Refused>(visitor, where, form);
    assert.deepEqual([status, body.error], [400, error], JSON.stringify(form));
    if (code !== undefined) assert.equal(body.code, code);
    assert.match(body.error_description, /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
    assert.match(String(headers["content-type"]), /^application\/json/);
  }
  const twice = "client_id=holdfast-command&client_id=holdfast-command";
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const again = await visitor.send<Refused>("POST", path, { bytes: Buffer.from(twice), headers: form });
  assert.deepEqual([again.status, again.body.error], [400, "invalid_request"]);
  const json = await visitor.send<Refused>("POST", path, { body: { client_id } });
  assert.deepEqual([json.status, json.body.error, json.body.code], [400, "invalid_request", "request.mediaType"]);
});

test("[V6.6.3] whoever asks too soon is told to slow down, and has to wait longer from then on", async () => {
  const { device_code } = await begin();
  assert.equal(await told(device_code), "authorization_pending");
  clock.move(4_000);
  assert.equal((await poll(device_code)).body.error, "slow_down");
  assert.equal(await told(device_code), "slow_down", "five seconds are not enough now");
  clock.move(15_000);
  assert.equal((await poll(device_code)).body.error, "authorization_pending");
});

test("[V6.5.5] [V6.6.2] a code is good for ten minutes, and for the program that shows it", async () => {
  const [first, second] = [await begin(), await begin()];
  const browser = await browserOf();
  assert.equal(await codeOf(approve(browser, second.user_code)), "200");
  assert.equal(await told(first.device_code), "authorization_pending", "that was another one's");
  assert.equal(await told(second.device_code), "let in");
  clock.move(10 * minute - 10_000);
  const late = await browserOf();
  assert.equal(await codeOf(late.send("GET", `/v1/activations/${first.user_code}`)), "404 activation.unknown");
  assert.equal(await codeOf(approve(late, first.user_code)), "404 activation.unknown");
  assert.equal(await told(first.device_code), "expired_token");
  const now = clock.now();
  clock.set(now - 60 * minute);
  assert.equal(await told(first.device_code), "expired_token", "a clock set back revives nothing");
  clock.set(now + 15 * minute);
  await begin();
  assert.equal(await told(first.device_code), "invalid_grant", "it is forgotten");
  // Let in, and not fetched in time.
  const third = await begin();
  assert.equal(await codeOf(approve(await browserOf(), third.user_code)), "200");
  clock.move(10 * minute);
  assert.equal(await told(third.device_code), "expired_token");
});

test("a network that asks for very many codes pushes out its own oldest", async () => {
  const first = await begin();
  const second = await begin();
  for (let more = 0; more < 99; more += 1) await begin();
  assert.equal(await told(first.device_code), "invalid_grant", "it is gone");
  assert.equal(await told(second.device_code), "authorization_pending");
});

test("[V6.5.1] of many who show the same code at once one gets a token, and one decision counts", async () => {
  const { device_code, user_code } = await begin();
  const browser = await browserOf();
  const decided = await Promise.all(Array.from({ length: 5 }, () => approve(browser, user_code)));
  assert.equal(decided.filter(({ status }) => status === 200).length, 1);
  clock.move(5_000);
  const asked = await Promise.all(Array.from({ length: 20 }, () => poll(device_code)));
  assert.equal(asked.filter(({ status }) => status === 200).length, 1);
  assert.ok(asked.every(({ status, body }) => status === 200 || ["invalid_grant", "slow_down"].includes(body.error)));
});

test("[V7.5.3] letting a program in asks who she is again, ten minutes after she proved it; refusing it does not", async () => {
  const browser = await browserOf();
  clock.move(11 * minute);
  const [first, second] = [await begin(), await begin()];
  assert.equal(await codeOf(approve(browser, first.user_code)), "403 confirmation.required");
  assert.equal(await told(first.device_code), "authorization_pending");
  assert.equal(await codeOf(browser.send("DELETE", `/v1/activations/${second.user_code}`)), "200");
  await browser.confirm(owner);
  assert.equal(await codeOf(approve(browser, first.user_code)), "200");
  assert.equal(await told(first.device_code), "let in");
});

test("a program that is refused is told so, and so are her organisations", async () => {
  const { device_code, user_code } = await begin({ machine: "somebody's" });
  const browser = await browserOf();
  assert.equal(await codeOf(browser.send("DELETE", `/v1/activations/${user_code}`)), "200");
  assert.equal(await codeOf(approve(browser, user_code)), "404 activation.unknown", "she has decided");
  assert.equal(await told(device_code), "access_denied");
  for (const org of [ours, theirs]) {
    const refused = (await org.audited(ours.person)).find(({ what }) => what === "activation.refused");
    assert.deepEqual(refused?.facts, { program: client_id, machine: "somebody's", address: "127.0.0.1" });
  }
});

test("nobody but a person in her browser lets a program in, and only from a page of the platform's own", async () => {
  const { user_code, device_code } = await begin();
  const path = `/v1/activations/${user_code}/approval`;
  const operator = await ours.operatorKey();
  for (const credential of [textOf(operator), ours.token])
    assert.equal(await codeOf(visitor.as(credential).send("POST", path, { body: {} })), "403 permit.missing");
  assert.equal(await codeOf(visitor.send("POST", path, { body: {} })), "401 credential.missing");
  const browser = await browserOf();
  const foreign = { origin: "https://example.com" };
  assert.equal(await codeOf(browser.send("POST", path, { body: {}, headers: foreign })), "403 origin.foreign");
  const refusal = `/v1/activations/${user_code}`;
  assert.equal(await codeOf(browser.send("DELETE", refusal, { headers: foreign })), "403 origin.foreign");
  assert.equal(await told(device_code), "authorization_pending");
});

test("a program gets no more than whoever lets it in may, and somebody else's word changes nothing of it", async () => {
  const narrow = await begin({ scope: "device.read telemetry.read" });
  const hers = await browserOf(viewer);
  assert.equal(await codeOf(approve(hers, narrow.user_code)), "200");
  // An owner who is shown the same code is too late.
  const owners = await browserOf();
  assert.equal(await codeOf(approve(owners, narrow.user_code)), "404 activation.unknown");
  clock.move(5_000);
  const { body } = await poll(narrow.device_code);
  assert.equal(body.scope, "device.read telemetry.read");
  const program = await me(body.access_token);
  assert.notEqual(program.person, ours.person);
  assert.deepEqual(program.grants, ["device.read", "telemetry.read"]);
  const as = visitor.as(body.access_token);
  assert.equal((await as.send("GET", "/v1/devices")).status, 200);
  assert.equal(await codeOf(as.send("GET", "/v1/members")), "403 permit.missing");

  // All that she may, which is what her role holds now.
  const whole = await begin();
  assert.equal(await codeOf(approve(hers, whole.user_code)), "200");
  clock.move(5_000);
  const all = await poll(whole.device_code);
  const member = visitor.as(all.body.access_token);
  assert.equal((await member.send("GET", "/v1/members")).status, 200);
  const application = { body: { name: "More" } };
  assert.equal(await codeOf(member.send("POST", "/v1/applications", application)), "403 permit.missing");

  // More than she may is nothing.
  const wide = await begin({ scope: "device.create" });
  assert.equal(await codeOf(approve(hers, wide.user_code)), "403 credential.amplifies");
  assert.equal(await told(wide.device_code), "authorization_pending");
  // In an organisation that is not hers, too.
  hers.org = theirs.org;
  assert.equal(await codeOf(approve(hers, wide.user_code)), "404 org.unknown");

  // Nor does an owner's make what outlasts it.
  const owned = await begin();
  assert.equal(await codeOf(approve(owners, owned.user_code)), "200");
  clock.move(5_000);
  const owning = visitor.as((await poll(owned.device_code)).body.access_token);
  const invited = { body: { email: "kept@example.com", role: "owner" } };
  assert.equal(await codeOf(owning.send("POST", "/v1/invitations", invited)), "403 permit.missing");
  assert.equal(await codeOf(owning.send("POST", "/v1/orgs", { body: { name: "Kept" } })), "403 permit.missing");
});

test("where programs' credentials have to be bound to a key nobody is let in with one that is not", async () => {
  const { user_code, device_code } = await begin();
  const browser = await browserOf(owner, theirs.org);
  const demand = (bound: boolean) =>
    theirs.asks.send("PATCH", "/v1/org", { body: { demands: { programs: { bound } } } });
  assert.equal(await codeOf(demand(true)), "200");
  assert.equal(await codeOf(approve(browser, user_code)), "403 condition.unmet");
  assert.equal(await codeOf(demand(false)), "200");
  assert.equal(await codeOf(approve(browser, user_code)), "200");
  assert.equal(await told(device_code), "let in");
});

test("she says for how long, thirty days at most; whoever signed out meanwhile let nobody in", async () => {
  const asked = await begin({ lifetime: "2h" });
  const browser = await browserOf();
  assert.equal(await codeOf(approve(browser, asked.user_code, { lifetime: "31d" })), "400 request.malformed");
  assert.equal(await codeOf(approve(browser, asked.user_code, { lifetime: "7d" })), "200");
  clock.move(5_000);
  const { body } = await poll(asked.device_code);
  assert.equal(body.expires_in, 7 * 86_400);
  // It is hers, and outlasts her session.
  await browser.good("DELETE", "/v1/session");
  assert.equal((await visitor.as(body.access_token).send("GET", "/v1/me")).status, 200);

  const late = await begin();
  const leaving = await browserOf();
  assert.equal(await codeOf(approve(leaving, late.user_code)), "200");
  await leaving.good("DELETE", "/v1/session");
  assert.equal(await told(late.device_code), "access_denied");

  const long = await formTo<Refused>(visitor, "/v1/oauth/device_authorization", { client_id, lifetime: "31d" });
  assert.deepEqual([long.status, long.body.error], [400, "invalid_request"]);
});

test("[V7.4.3] what a program was let in with ends when she has another password, and what she made for programs goes on", async () => {
  const { password } = owner;
  await ours.member({ email: "cli@example.com", password }, "owner");
  const browser = await browserOf({ email: "cli@example.com", password });
  const { device_code, user_code } = await begin();
  assert.equal(await codeOf(approve(browser, user_code)), "200");
  clock.move(5_000);
  const { access_token: lent } = (await poll(device_code)).body;
  const below = await visitor
    .as(lent)
    .send<{ token: string }>("POST", "/v1/tokens", { body: { name: "x", grants: ["org.read"] } });
  const made = await browser.send<{ token: string }>("POST", "/v1/tokens", {
    body: { name: "x", grants: ["org.read"] },
  });
  // Let in, and not come yet.
  const late = await begin();
  assert.equal(await codeOf(approve(browser, late.user_code)), "200");
  const asked = { password, newPassword: "mossy lantern oats" };
  const are = async () =>
    Promise.all(
      [lent, below.body.token, made.body.token].map(
        async (one) => (await visitor.as(one).send("GET", "/v1/me")).status,
      ),
    );
  assert.deepEqual(await are(), [200, 200, 200]);
  assert.equal(await codeOf(browser.send("POST", "/v1/account/password", { body: asked })), "200");
  assert.deepEqual(await are(), [401, 401, 200]);
  assert.equal(await told(late.device_code), "access_denied");
  const next = await begin();
  assert.equal(await codeOf(approve(browser, next.user_code)), "200");
  assert.equal(await told(next.device_code), "let in", "what she lets in afterwards comes");
});

test("[V6.6.3] codes are not guessed: ten wrong ones, and a person has to wait a minute for each further one", async () => {
  clock.move(15 * minute); // what others have tried is forgotten
  const browser = await browserOf();
  const { user_code } = await begin();
  const guess = (at: number) => `BBBB-BBB${"BCDFGHJKLMNPQRSTVWXZ"[at]}`;
  const answers: string[] = [];
  for (let at = 0; at < 12; at++) answers.push(await codeOf(browser.send("GET", `/v1/activations/${guess(at)}`)));
  assert.deepEqual(
    answers.slice(0, 10),
    Array.from({ length: 10 }, () => "404 activation.unknown"),
  );
  assert.deepEqual(answers.slice(10), ["429 rate.exceeded", "429 rate.exceeded"]);
  assert.equal(await codeOf(approve(browser, "no code")), "429 rate.exceeded");
  const again = await browser.send("DELETE", `/v1/activations/${guess(13)}`);
  assert.deepEqual([again.status, Number(again.headers["retry-after"]) > 30], [429, true]);
  // Else it would be guessed on amid refusals.
  for (const ask of [browser.send("GET", `/v1/activations/${user_code}`), approve(browser, user_code)])
    assert.equal(await codeOf(ask), "429 rate.exceeded", "not the right one either");
  clock.move(minute);
  for (let time = 0; time < 3; time++)
    assert.equal(await codeOf(browser.send("GET", `/v1/activations/${user_code}`)), "200", "which uses nothing up");
  assert.equal(await codeOf(browser.send("GET", `/v1/activations/${guess(0)}`)), "404 activation.unknown");
});

test("secrets that nobody was given are counted by address, and the right one passes all the same", async () => {
  const { device_code } = await begin();
  const answers: string[] = [];
  for (let at = 0; at < 70; at++) answers.push((await poll(`hfd_${"A".repeat(49)}`)).body.error);
  assert.deepEqual([answers[0], answers.at(-1)], ["invalid_grant", "slow_down"]);
  assert.equal(await told(device_code), "authorization_pending");
  clock.move(minute);
});

test("[V6.5.2] [V6.5.3] [V6.5.4] at rest there is a digest of what the program shows, and nothing of what a person types", async () => {
  const { device_code, user_code } = await begin({ machine: "a machine of hers" });
  const { tls: _, ...config } = world.database.login;
  const client = new pg.Client(config);
  await client.connect();
  const { rows } = await client.query<{ whole: string }>("select t::text as whole from holdfast.activation t");
  await client.end();
  assert.ok(rows.length > 0);
  const text = rows.map(({ whole }) => whole).join("\n");
  for (const secret of [device_code, user_code, user_code.replace("-", ""), "a machine of hers", client_id])
    assert.ok(!text.includes(secret) && !text.includes(Buffer.from(secret).toString("hex")), secret);
  // 256 bits for the program; eight of twenty letters for the person are 34.5.
  assert.match(device_code, /^hfd_[\w-]{49}$/);
  const codes = new Set<string>();
  for (let at = 0; at < 30; at++) codes.add((await begin()).user_code);
  assert.equal(codes.size, 30);
});

test("whoever holds a token gives it back, and it ends, with what was made by it; nobody learns whether it was one", async () => {
  const { device_code, user_code } = await begin();
  assert.equal(await codeOf(approve(await browserOf(viewer), user_code)), "200");
  clock.move(5_000);
  const { access_token: token } = (await poll(device_code)).body;
  const { credential } = await me(token);
  const give = async (text: string) => {
    clock.move(2_000);
    const { status, body } = await formTo(visitor, "/v1/oauth/revoke", { token: text });
    return [status, body];
  };
  assert.deepEqual(await give(token.slice(0, -2) + (token.endsWith("AA") ? "BB" : "AA")), [200, {}]);
  assert.equal((await visitor.as(token).send("GET", "/v1/me")).status, 200);
  assert.deepEqual(await give(token), [200, {}]);
  assert.equal(await codeOf(visitor.as(token).send("GET", "/v1/me")), "401 credential.invalid");
  assert.deepEqual(await give(token), [200, {}]);
  assert.deepEqual(await give("anything"), [200, {}]);
  const key = await ours.operatorKey();
  assert.deepEqual(await give(textOf(key)), [200, {}]);
  assert.equal((await visitor.as(textOf(key)).send("GET", "/v1/me")).status, 200, "a key is no token");
  const revoked = (await ours.audited(credential)).find(({ what }) => what === "credential.revoked");
  assert.equal(revoked?.by, credential);
});
