import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { systemClock } from "@holdfast/kernel";
import { deviceCodeGrant } from "@holdfast/protocol";
import pg from "pg";
import { atEnd, freshDatabase, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { formTo } from "./activation.fixture.ts";
import { says, type List } from "./application-users.fixture.ts";
import { Authenticator, type Asked, type Forged } from "./authenticator.fixture.ts";
import { Owner, secretIn, unknown, viewer, type Problem, type Thing } from "./authority.fixture.ts";
import { http2, placeOf } from "./clients.fixture.ts";
import { CookieBrowser, type SignedIn } from "./cookie-browser.fixture.ts";

// Passkeys of people (WebAuthn), with an authenticator in software that can also lie. tests/console-passkeys.long.test.ts has a real browser.
const clock = new TestClock(systemClock.now());
const database = await freshDatabase();
atEnd.after(() => database.drop());
const platform = await startTestPlatform({ clock, database });
atEnd.after(() => platform.close());
const owner = new Owner(platform.visitor, await platform.setUp());

type Passkey = Thing & { name: string; site: string; lastUsedAt?: string; clonedAt?: string };
const own = "/v1/account/passkeys";

/** Somebody who came with a passkey and has no password: no slow hash is made for her. */
async function comer(email: string) {
  clock.move(2_000);
  const browser = new CookieBrowser(platform);
  const device = new Authenticator(browser.origin);
  const invited = { secret: secretIn(await owner.invite(email)), email };
  const asked = await browser.good<Asked>("POST", "/v1/invitations/passkey-options", invited);
  await browser.good("POST", "/v1/invitations/accept", { ...invited, newPasskey: device.make(asked) });
  await signIn(await show(device), {}, browser);
  const [passkey] = (await browser.good<List<Passkey>>("GET", own)).items;
  assert.ok(passkey);
  return { browser, device, passkey };
}

/** Somebody with a password, in a browser. */
async function member(email: string) {
  clock.move(2_000); // so that asking often is not what decides
  await owner.member({ ...viewer, email });
  const browser = new CookieBrowser(platform);
  await browser.signIn({ email, password: viewer.password });
  return browser;
}

async function added(browser: CookieBrowser, name?: string) {
  const device = new Authenticator(browser.origin);
  const asked = await browser.good<Asked>("POST", `${own}/options`);
  const passkey = await browser.good<Passkey>("POST", own, {
    answer: device.make(asked),
    ...(name !== undefined && { name }),
  });
  return { device, passkey };
}

const question = () => platform.visitor.get<Asked>("/v1/sessions/passkey-options");
/** The site is the page's own host: a browser fills that in. */
const show = async (device: Authenticator, forged: Forged = {}) => {
  device.counter += 1;
  return device.show({ ...(await question()), rpId: "localhost" }, forged);
};
async function signIn(passkey: object, more: object = {}, browser = new CookieBrowser(platform)) {
  clock.move(1_000);
  const answer = await browser.send<SignedIn & Problem>("POST", "/v1/sessions", { body: { passkey, ...more } });
  browser.org ??= answer.body.orgs?.[0]?.id;
  return { ...answer, browser };
}
const signInWith = async (device: Authenticator, forged: Forged = {}) => signIn(await show(device, forged));
/** The token of a program that she lets in from there. */
async function letIn(browser: CookieBrowser): Promise<string> {
  const program = { client_id: "holdfast-command" };
  type Offered = { device_code: string; user_code: string };
  const at = "/v1/oauth/device_authorization";
  const { body: offered } = await formTo<Offered>(platform.visitor, at, program);
  await browser.good("POST", `/v1/activations/${offered.user_code}/approval`, {});
  clock.move(5_000);
  const { body: given } = await formTo<{ access_token: string }>(platform.visitor, "/v1/oauth/token", {
    ...program,
    grant_type: deviceCodeGrant,
    device_code: offered.device_code,
  });
  return given.access_token;
}
const isIn = async (browser: CookieBrowser) => (await browser.send("GET", "/v1/session")).status === 200;

test("[V6.3.3] a person adds a passkey, and signs in with it alone, without saying who she is", async () => {
  const browser = await member("ann@example.com");
  const asked = await browser.good<Asked & { user: { name: string } }>("POST", `${own}/options`);
  assert.deepEqual([asked.rp?.id, asked.user.name], ["localhost", "ann@example.com"]);
  const { device, passkey } = await added(browser, "Laptop");
  assert.deepEqual([passkey.name, passkey.site, passkey.lastUsedAt], ["Laptop", "localhost", undefined]);
  const { status, body, browser: elsewhere } = await signInWith(device);
  assert.equal(status, 201);
  assert.equal(body.person.email, "ann@example.com");
  assert.equal((await elsewhere.send("GET", "/v1/me")).status, 200);
  const [listed, ...others] = (await elsewhere.good<List<Passkey>>("GET", own)).items;
  assert.equal(others.length, 0);
  assert.ok(listed?.lastUsedAt);
  const told = (await owner.audited(body.person.id)).map(({ what }) => what);
  for (const what of ["factor.added", "signIn.done"]) assert.ok(told.includes(what), what);
});

test("[V6.7.2] the question for a sign-in is 128 bits of its own, names nobody, and the answer is taken once and for five minutes", async () => {
  const { challenge, ...rest } = (await question()) as Asked & Record<string, unknown>;
  assert.equal(challenge.length, 51);
  const ids = await Promise.all(Array.from({ length: 50 }, async () => (await question()).challenge.slice(0, 21)));
  assert.equal(new Set(ids).size, 50);
  assert.deepEqual(rest, { timeout: 300_000, userVerification: "required" });
  const { device } = await comer("once@example.com");
  const answer = await show(device);
  assert.equal((await signIn(answer)).status, 201);
  assert.equal(says(await signIn(answer)), "401 credential.invalid");
  const late = await show(device);
  clock.move(5 * 60_000);
  assert.equal(says(await signIn(late)), "401 credential.invalid");
  clock.move(30_000);
  const many = await show(device);
  const all = await Promise.all(Array.from({ length: 20 }, () => signIn(many)));
  assert.equal(all.filter(({ status }) => status === 201).length, 1);
});

test("what is not signed by her passkey, on the platform's own page, for this question, signs nobody in", async () => {
  const { device } = await comer("victim@example.com");
  const other = await comer("other@example.com");
  const lies: Record<string, Forged> = {
    "another origin": { origin: "https://evil.example" },
    "another port of the same host": { origin: "https://localhost:1" },
    "without TLS": { origin: platform.platform.url.replace("https", "http") },
    "another site": { rpId: "evil.example" },
    "a frame of another site's page": { crossOrigin: true },
    "nobody verified": { isVerified: false },
    "an answer to another kind of question": { type: "webauthn.create" },
    "another person's passkey": { credentialId: other.device.credentialId },
    "an unknown passkey": { credentialId: new Authenticator("https://localhost").credentialId },
    "another person's name": { userHandle: "AAAAAAAAAAAAAAAAAAAAAA" },
    "words that were changed": { tampered: (said) => ({ ...said, crossOrigin: undefined }) },
    "a question that was changed": { tampered: (said) => ({ ...said, challenge: "A".repeat(51) }) },
  };
  for (const [lie, forged] of Object.entries(lies))
    assert.equal(says(await signInWith(device, forged)), "401 credential.invalid", lie);
  const { browser } = await comer("adds@example.com");
  const toAdd = await browser.good<Asked>("POST", `${own}/options`);
  const shown = device.show({ challenge: toAdd.challenge, rpId: "localhost" });
  assert.equal(says(await signIn(shown)), "401 credential.invalid", "a question for adding one");
  assert.equal((await signInWith(device)).status, 201, "it is as good as before");
});

test("passkeys that are none are counted by address, and a good one passes all the same", async () => {
  const { device } = await comer("unhindered@example.com");
  clock.move(60_000); // what others have tried is forgotten
  const lies = [await show(device, { origin: "https://evil.example" }), await show(device, { credentialId: "AAAA" })];
  const browser = new CookieBrowser(platform);
  for (const passkey of lies) {
    const said: string[] = [];
    for (let at = 0; at < 70; at++) said.push(says(await browser.send("POST", "/v1/sessions", { body: { passkey } })));
    assert.deepEqual([said[0], said.at(-1)], ["401 credential.invalid", "429 rate.exceeded"]);
    assert.equal((await signInWith(device)).status, 201);
    clock.move(60_000);
  }
});

test("a passkey is asked for, made and shown on a page of the platform alone", async () => {
  const { browser, device } = await comer("page@example.com");
  const passkey = await show(device);
  const from = (headers: Record<string, string>) =>
    platform.visitor.send<Problem>("POST", "/v1/sessions", { body: { passkey }, headers });
  assert.equal(says(await from({})), "422 passkey.invalid", "a program has no page");
  assert.equal(says(await from({ origin: "https://evil.example" })), "403 origin.foreign");
  // Whoever passes on what was signed on a page of his own, under a name of his own.
  using evil = http2(placeOf(platform));
  const answer = await evil.ask(
    {
      ":method": "POST",
      ":path": "/v1/sessions",
      ":authority": "evil.example",
      origin: "https://evil.example",
      "content-type": "application/json",
    },
    JSON.stringify({ passkey }),
  );
  assert.deepEqual([answer.status, (JSON.parse(answer.text) as Problem).code], [422, "passkey.invalid"]);
  const byAddress = browser.origin.replace("localhost", "127.0.0.1");
  const headers = { host: new URL(byAddress).host, origin: byAddress };
  const asked = await browser.send<Problem>("POST", `${own}/options`, { headers });
  assert.equal(says(asked), "422 passkey.invalid", "a page at an address has none");
  const question = await browser.good<Asked>("POST", `${own}/options`);
  const made = new Authenticator("https://evil.example").make(question);
  assert.equal(says(await browser.send("POST", own, { body: { answer: made } })), "422 passkey.invalid");
});

test("whoever has a passkey is not let in by her password alone; beside it a passkey of hers counts, and nobody else's", async () => {
  const email = "both@example.com";
  const { device } = await added(await member(email));
  const other = await comer("else@example.com");
  const beside = { email, password: viewer.password };
  const shows = async (body: object) => {
    clock.move(1_000);
    return platform.visitor.send<Problem & { errors: { path: string }[] }>("POST", "/v1/sessions", { body });
  };
  const alone = await shows(beside);
  assert.equal(says(alone), "403 factor.required");
  assert.deepEqual(
    alone.body.errors.map(({ path }) => path),
    ["passkey"],
  );
  const token = await platform.visitor.send("POST", "/v1/sign-in", { body: beside });
  assert.equal(says(token), "403 factor.required", "nor for a token");
  assert.equal((await signIn(await show(device), beside)).status, 201);
  assert.equal(says(await signIn(await show(other.device), beside)), "401 credential.invalid");
  assert.equal(says(await signIn(await show(device), { ...beside, password: "x" })), "401 credential.invalid");
  assert.equal(says(await shows({ email })), "400 request.malformed");
  assert.equal(says(await shows({})), "400 request.malformed");
});

test("a passkey is made for who is signed in, once, and at most twenty", async () => {
  const { browser } = await comer("many@example.com");
  const asked = await browser.good<Asked>("POST", `${own}/options`);
  const made = new Authenticator(browser.origin).make(asked);
  const { browser: other } = await comer("another@example.com");
  assert.equal(says(await other.send("POST", own, { body: { answer: made } })), "422 passkey.invalid");
  assert.equal((await browser.send("POST", own, { body: { answer: made } })).status, 201);
  assert.equal(says(await browser.send("POST", own, { body: { answer: made } })), "422 passkey.invalid", "spent");
  for (let count = 2; count < 20; count += 1) await added(browser);
  assert.equal(says(await browser.send("POST", `${own}/options`)), "409 passkey.tooMany");
  const taken = await added(other);
  const again = taken.device.make(await other.good<Asked>("POST", `${own}/options`));
  assert.equal(says(await other.send("POST", own, { body: { answer: again } })), "422 passkey.invalid", "known here");
});

test("a passkey is renamed and removed by whose it is; it opens nothing any more, and her other sessions end", async () => {
  const { browser } = await comer("removes@example.com");
  const { device, passkey } = await added(browser);
  const elsewhere = (await signInWith(device)).browser;
  const at = `${own}/${passkey.id}`;
  assert.equal((await browser.good<Passkey>("PATCH", at, { name: "Phone" })).name, "Phone");
  const { browser: other } = await comer("stranger@example.com");
  assert.equal(says(await other.send("PATCH", at, { body: { name: "Mine" } })), "404 passkey.unknown");
  assert.equal(says(await other.send("DELETE", at)), "404 passkey.unknown");
  assert.equal(says(await browser.send("DELETE", `${own}/${unknown("passkey")}`)), "404 passkey.unknown");
  const lent = await letIn(elsewhere);
  const reads = () => platform.visitor.as(lent).send("GET", "/v1/me");
  assert.equal((await reads()).status, 200);
  await browser.good("DELETE", at);
  assert.equal(await isIn(elsewhere), false);
  assert.equal(await isIn(browser), true);
  assert.equal((await reads()).status, 401, "a program that she let in where she was signed in by it");
  assert.equal(says(await signInWith(device)), "401 credential.invalid");
  const { person } = await browser.good<SignedIn>("GET", "/v1/session");
  const told = (await owner.audited(person.id)).map(({ what }) => what);
  for (const what of ["factor.renamed", "factor.removed"]) assert.ok(told.includes(what), what);
});

test("a passkey is gone whole, and what ends with it ends in a moment, also where her organisations cannot be told at once", async (t) => {
  const { tls: _, ...login } = database.login;
  const fault = new pg.Client(login);
  await fault.connect();
  t.after(() => fault.end());
  const browser = await member("cut@example.com");
  const { device, passkey } = await added(browser);
  const elsewhere = (await signInWith(device)).browser;
  const { person } = await browser.good<SignedIn>("GET", "/v1/session");
  await fault.query(
    `create function public.broken() returns trigger language plpgsql as $$ begin raise 'broken'; end $$;
     create trigger broken before insert on holdfast.audit execute function public.broken()`,
  );
  const { recoveryCodes } = await browser.good<{ recoveryCodes: string[] }>("POST", "/v1/account/recovery-codes", {});
  assert.equal(recoveryCodes.length, 10, "whoever they belong to has them");
  await browser.good("DELETE", `${own}/${passkey.id}`);
  assert.equal((await browser.good<List<Passkey>>("GET", own)).items.length, 0);
  assert.equal(await isIn(elsewhere), true, "this could not be told either");
  await fault.query("drop trigger broken on holdfast.audit; drop function public.broken()");
  const byPassword = { email: "cut@example.com", password: viewer.password };
  const again = await platform.visitor.send<Problem>("POST", "/v1/sign-in", { body: byPassword });
  assert.equal(again.status, 201, "nothing that she has no more is asked for");
  const end = performance.now() + 20_000;
  while (await isIn(elsewhere)) {
    assert.ok(performance.now() < end, "her other session goes on");
    clock.move(1_000);
    await setTimeout(20);
  }
  assert.equal(await isIn(browser), true);
  // Her sessions end first, then her organisations are told.
  const told = ["factor.removed", "factor.codesRenewed"];
  const entries = await owner.auditedOnce(
    (all) => told.every((what) => all.some((entry) => entry.what === what)),
    person.id,
  );
  for (const what of told) assert.equal(entries.filter((entry) => entry.what === what).length, 1, what);
});

test("a passkey that counts backwards is refused from then on, every session of hers ends, and it is told", async () => {
  const { browser, device } = await comer("copied@example.com");
  assert.equal((await signInWith(device)).status, 201);
  const { person } = await browser.good<SignedIn>("GET", "/v1/session");
  const lent = await letIn(browser);
  assert.equal(says(await signInWith(device, { counter: 1 })), "403 passkey.cloned");
  assert.equal(await isIn(browser), false);
  assert.equal((await platform.visitor.as(lent).send("GET", "/v1/me")).status, 401);
  assert.equal(says(await signInWith(device)), "401 credential.invalid");
  assert.ok((await owner.audited(person.id)).some(({ what }) => what === "factor.copied"));
});

test("somebody who was invited comes with a passkey alone, which stays while it is her only way in", async () => {
  clock.move(5_000);
  const email = "alone@example.com";
  const secret = secretIn(await owner.invite(email));
  const browser = new CookieBrowser(platform);
  const device = new Authenticator(browser.origin);
  const ask = (body: object) => browser.send<Asked & Problem>("POST", "/v1/invitations/passkey-options", { body });
  assert.equal(says(await ask({ secret, email: "other@example.com" })), "403 invitation.invalid");
  const { body: asked } = await ask({ secret, email });
  const other = secretIn(await owner.invite("third@example.com"));
  const come = (newPasskey: object, by = secret, as = email) =>
    browser.send<Problem>("POST", "/v1/invitations/accept", { body: { secret: by, email: as, newPasskey } });
  const made = device.make(asked);
  assert.equal(says(await come(made, other, "third@example.com")), "422 passkey.invalid", "of another invitation");
  assert.equal((await come(made)).status, 201);
  const { browser: hers, body } = await signInWith(device);
  assert.equal(body.person.email, email);
  const shown = { email, password: viewer.password };
  assert.equal(says(await hers.send("POST", "/v1/sessions", { body: shown })), "401 credential.invalid");
  const [only] = (await hers.good<List<Passkey>>("GET", own)).items;
  assert.equal(says(await hers.send("DELETE", `${own}/${only?.id}`)), "409 passkey.last");
  const second = await added(hers);
  await hers.good("DELETE", `${own}/${only?.id}`);
  assert.equal((await signInWith(second.device)).status, 201);
  assert.ok((await owner.audited(body.person.id)).some(({ what }) => what === "factor.added"));
});

test("who has an account makes no new passkey by an invitation: she signs in with hers, and takes it", async () => {
  const email = "invited@example.com";
  const { browser } = await comer(email);
  const another = new Owner(platform.visitor, await platform.setUp());
  const secret = secretIn(await another.invite(email));
  const asked = await browser.good<Asked>("POST", "/v1/invitations/passkey-options", { secret, email });
  const come = (shown: object) =>
    browser.send<Problem>("POST", "/v1/invitations/accept", { body: { secret, email, ...shown } });
  assert.equal(
    says(await come({ newPasskey: new Authenticator(browser.origin).make(asked) })),
    "401 credential.invalid",
  );
  assert.equal(says(await come({})), "400 request.malformed");
  await browser.good("POST", "/v1/account/invitations", { secret });
  assert.ok((await another.audited()).some(({ what }) => what === "invitation.accepted"));
});

test("whoever was removed from her only organisation, or has an account and never was in one, comes back by an invitation and her own passkey", async () => {
  const email = "back@example.com";
  const another = new Owner(platform.visitor, await platform.setUp());
  const open = { secret: secretIn(await another.invite(email)), email };
  const { browser, device } = await comer(email);
  const { device: other } = await comer("elsewhere@example.com");
  const removed = async (address: string) => {
    const { items } = await owner.asks.get<List<{ person: string; email: string }>>("/v1/members?limit=100");
    await owner.asks.delete(`/v1/members/${items.find((one) => one.email === address)?.person}`);
    return { secret: secretIn(await owner.invite(address)), email: address };
  };
  const come = async (invited: object, shown: object) => {
    clock.move(1_000);
    const body = { ...invited, ...shown };
    return new CookieBrowser(platform).send<Thing & Problem>("POST", "/v1/invitations/accept", { body });
  };
  const again = await removed(email);
  assert.equal((await signInWith(device)).status, 401, "she belongs to nothing");
  assert.equal(says(await come(again, { passkey: await show(other) })), "403 invitation.invalid", "of somebody else");
  const passkey = await show(device);
  assert.equal((await come(again, { passkey })).status, 201);
  assert.equal(says(await come(await removed(email), { passkey })), "401 credential.invalid", "shown once");
  assert.equal(await isIn(browser), false);
  // A link that was open all along, as one is whose taking was cut short behind the account.
  assert.equal((await come(open, { passkey: await show(device) })).status, 201);

  // Beside a password, which has no recovery codes.
  const both = "beside@example.com";
  const key = await added(await member(both));
  const { password } = viewer;
  const hers = await removed(both);
  assert.equal(says(await come(hers, { password })), "403 factor.required");
  const wrong = { password: "somebody else's", passkey: await show(key.device) };
  assert.equal(says(await come(hers, wrong)), "401 credential.invalid");
  assert.equal((await come(hers, { password, passkey: await show(key.device) })).status, 201);

  // A passkey makes nobody: there is no account with this e-mail.
  const nobody = { secret: secretIn(await owner.invite("never@example.com")), email: "never@example.com" };
  assert.equal(says(await come(nobody, { password, passkey: await show(key.device) })), "401 credential.invalid");
  assert.equal((await come(nobody, { password })).status, 201, "nor was one made");
});

test("who is signed in says once more who she is by a passkey of hers, and by nobody else's", async () => {
  const browser = await member("again@example.com");
  const { device, passkey } = await added(browser);
  const other = await comer("notagain@example.com");
  clock.move(10 * 60_000);
  assert.equal(says(await browser.send("DELETE", `${own}/${passkey.id}`)), "403 confirmation.required");
  assert.equal(says(await browser.send("POST", `${own}/options`)), "403 confirmation.required");
  const confirm = (body: object) => browser.send<Problem>("POST", "/v1/account/confirmation", { body });
  assert.equal(says(await confirm({ passkey: await show(other.device) })), "403 confirmation.invalid");
  assert.equal(says(await confirm({ password: viewer.password })), "403 factor.required");
  assert.equal(says(await confirm({})), "400 request.malformed");
  assert.equal((await confirm({ passkey: await show(device) })).status, 200);
  await browser.good("DELETE", `${own}/${passkey.id}`);
});

test("who has a passkey removes her password, and signs in with the passkey alone; without one the password stays", async () => {
  const email = "passwordless@example.com";
  const browser = await member(email);
  assert.equal(says(await browser.send("DELETE", "/v1/account/password")), "409 password.last");
  const { device, passkey } = await added(browser);
  const elsewhere = (await signInWith(device)).browser;
  await browser.good("DELETE", "/v1/account/password");
  assert.equal(await isIn(elsewhere), false);
  assert.equal(await isIn(browser), true);
  const shown = { email, password: viewer.password };
  assert.equal(says(await browser.send("POST", "/v1/sessions", { body: shown })), "401 credential.invalid");
  assert.equal((await signInWith(device)).status, 201);
  const account = await browser.good<{ hasPassword: boolean; person: Thing }>("GET", "/v1/account");
  assert.equal(account.hasPassword, false);
  assert.ok((await owner.audited(account.person.id)).some(({ what }) => what === "password.removed"));
  assert.equal(says(await browser.send("DELETE", `${own}/${passkey.id}`)), "409 passkey.last");
  await browser.good("POST", "/v1/account/password", { newPassword: "another correct horse battery" });
  await browser.good("DELETE", `${own}/${passkey.id}`);
});

test("[V6.7.1] a passkey whose row was altered, or put back, in the database signs nobody in", async (t) => {
  const { tls: _, ...login } = database.login;
  const insider = new pg.Client(login);
  await insider.connect();
  t.after(() => insider.end());
  const { browser, device } = await comer("kept@example.com");
  const other = await comer("thief@example.com");
  const { person } = await browser.good<SignedIn>("GET", "/v1/session");
  const uuid = person.id.slice(4);
  const theirs = `id = '${other.passkey.id.slice(4)}'`;
  const [before] = (await insider.query(`select * from holdfast.person_passkey where ${theirs}`)).rows;
  const names = Object.keys(before);
  await insider.query(`update holdfast.person_passkey set person = '${uuid}' where ${theirs}`);
  assert.equal(says(await signInWith(other.device)), "500 seal.broken", "it is hers in the row alone");
  await insider.query(`update holdfast.person_passkey set person = $1 where ${theirs}`, [before.person]);
  assert.equal((await signInWith(other.device)).status, 201);

  const { device: second, passkey } = await added(browser);
  const [row] = (await insider.query("select * from holdfast.person_passkey where id = $1", [passkey.id.slice(4)]))
    .rows;
  await browser.good("DELETE", `${own}/${passkey.id}`);
  const places = names.map((_name, at) => `$${at + 1}`).join();
  await insider.query(
    `insert into holdfast.person_passkey (${names.join()}) values (${places})`,
    names.map((name) => row[name]),
  );
  assert.equal(says(await signInWith(second)), "401 credential.invalid");
  assert.equal((await signInWith(device)).status, 201);

  // Nor where she belongs to no organisation that would know of it.
  await owner.asks.delete(`/v1/members/${person.id}`);
  const email = "kept@example.com";
  const invited = { secret: secretIn(await owner.invite(email)), email };
  const come = async (shown: object) => {
    clock.move(1_000);
    const body = { ...invited, passkey: shown };
    return new CookieBrowser(platform).send<Thing & Problem>("POST", "/v1/invitations/accept", { body });
  };
  assert.equal(says(await come(await show(second))), "401 credential.invalid");
  assert.equal((await come(await show(device))).status, 201);

  // Nor where she has come to another one since, which never heard of it.
  const another = new Owner(platform.visitor, await platform.setUp());
  const elsewhere = { secret: secretIn(await another.invite(email)), email };
  clock.move(1_000);
  const body = { ...elsewhere, passkey: await show(device) };
  const joined = await new CookieBrowser(platform).send("POST", "/v1/invitations/accept", { body });
  assert.equal(joined.status, 201);
  await owner.asks.delete(`/v1/members/${person.id}`);
  assert.equal(says(await signInWith(second)), "401 credential.invalid");
  assert.equal((await signInWith(device)).status, 201);
});
