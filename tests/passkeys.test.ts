import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "@holdfast/kernel";
import pg from "pg";
import { atEnd, freshDatabase, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import {
  App,
  freshLogin,
  page,
  password,
  says,
  type Invited,
  type List,
  type SignedIn,
} from "./application-users.fixture.ts";
import { Authenticator, type Asked, type Forged } from "./authenticator.fixture.ts";
import { dpopKey } from "./dpop.fixture.ts";
import { Owner, unknown, type Problem, type Thing } from "./authority.fixture.ts";

// Passkeys of customers (WebAuthn), with an authenticator in software that can also lie. tests/passkeys-browser.test.ts has a real browser.
const clock = new TestClock(systemClock.now());
const database = await freshDatabase();
atEnd.after(() => database.drop());
let platform = await startTestPlatform({ clock, database });
atEnd.after(() => platform.close());
const world = { visitor: platform.visitor, clock };
const owner = new Owner(platform.visitor, await platform.setUp());
const shop = "https://shop.example";
const www = "https://www.shop.example";
const app = await App.of(world, owner, "open", [page, shop, www, "https://192.0.2.1"]);

type Passkey = Thing & { name: string; site: string; lastUsedAt?: string; clonedAt?: string };
const users = "/v1/application-users";
const from = (origin: string) => ({ origin });

/** What the page is told to ask. */
const askSignIn = async (body: object = {}, at = app, origin = page) =>
  (await at.ask<Asked>("POST", `${users}/passkey-sign-in/options`, body, undefined, from(origin))).body;
const signIn = (answer: object, more: object = {}, at = app, origin = page) =>
  at.ask<SignedIn & Problem>("POST", `${users}/passkey-sign-in`, { answer, ...more }, undefined, from(origin));

async function signInWith(device: Authenticator, forged: Forged = {}, at = app, origin = page) {
  device.counter += 1;
  return signIn(device.show(await askSignIn({}, at, origin), forged), {}, at, origin);
}

/** A user who has no password, and her authenticator. */
async function signedUp(at = app, origin = page, login = freshLogin()) {
  const asked = await at.ask<Asked>("POST", `${users}/passkey-sign-up/options`, { login }, undefined, from(origin));
  assert.equal(asked.status, 200);
  const device = new Authenticator(origin);
  const done = await at.ask<Problem>(
    "POST",
    `${users}/passkey-sign-up`,
    { login, name: "Phone", answer: device.make(asked.body) },
    undefined,
    from(origin),
  );
  assert.deepEqual([done.status, done.body], [200, {}]);
  return { login, device };
}

/** The same, signed in: no password is hashed for it. */
async function member() {
  const { device, login } = await signedUp();
  return { device, login, ...(await signInWith(device)).body };
}

const askMore = (token: string, at = app) => at.ask<Asked & Problem>("POST", `${users}/me/passkeys/options`, {}, token);
const add = (token: string, answer: object, name?: string, at = app) =>
  at.ask<Passkey & Problem>("POST", `${users}/me/passkeys`, { answer, ...(name !== undefined && { name }) }, token);
const listed = async (token: string, at = app) =>
  (await at.ask<List<Passkey>>("GET", `${users}/me/passkeys`, undefined, token)).body.items;

/** What came of it is good for nothing any more. */
async function isOver({ accessToken, refreshToken }: SignedIn) {
  assert.equal(says(await app.me(accessToken)), "401 credential.invalid");
  assert.equal(says(await app.refresh(refreshToken)), "401 credential.invalid");
}

test("somebody signs up with a passkey alone, and signs in with it without saying who she is", async () => {
  const { login, device } = await signedUp();
  const { status, body } = await signInWith(device);
  assert.equal(status, 200);
  const me = await app.me(body.accessToken);
  assert.deepEqual([me.body.login, me.body.state, me.body.id], [login, "active", body.user]);
  const [passkey, ...others] = await listed(body.accessToken);
  assert.equal(others.length, 0);
  assert.deepEqual([passkey?.name, passkey?.site], ["Phone", "app.example"]);
  assert.ok(passkey?.lastUsedAt);
  assert.equal((await app.refresh(body.refreshToken)).status, 200, "it is a session as any other");
  assert.equal(says(await app.signInAs(login, password)), "401 credential.invalid", "there is no password");
  const entries = await owner.audited(body.user);
  for (const what of ["signedUp", "passkeyAdded", "signedIn"])
    assert.ok(
      entries.some((entry) => entry.what === `applicationUser.${what}`),
      what,
    );
});

test("who has a password adds a passkey, names it, and may remove it; the last way in stays", async () => {
  const { accessToken, login, user } = await app.user();
  const device = new Authenticator(page);
  const asked = (await askMore(accessToken)).body;
  const added = await add(accessToken, device.make(asked));
  assert.deepEqual([added.status, added.body.name], [201, "Passkey"]);
  const begun = [(await signInWith(device)).body, (await signInWith(device)).body];
  assert.equal(begun[0]?.user, user);
  const at = `${users}/me/passkeys/${added.body.id}`;
  const renamed = await app.ask<Passkey>("PATCH", at, { name: "Work laptop" }, accessToken);
  assert.equal(renamed.body.name, "Work laptop");
  assert.equal(
    says(await app.ask("DELETE", `${users}/me/passkeys/${unknown("passkey")}`, undefined, accessToken)),
    "404 passkey.unknown",
  );
  assert.equal((await app.ask("DELETE", at, undefined, accessToken)).status, 200);
  assert.deepEqual(await listed(accessToken), []);
  for (const one of begun) await isOver(one);
  assert.equal(says(await signInWith(device)), "401 credential.invalid");
  assert.equal((await app.signInAs(login)).status, 200);
  const told = (await owner.audited(user)).map(({ what }) => what);
  for (const what of ["Added", "Renamed", "Removed"]) assert.ok(told.includes(`applicationUser.passkey${what}`), what);

  const alone = await signedUp();
  const { body } = await signInWith(alone.device);
  const [only] = await listed(body.accessToken);
  const remove = (id = only?.id) => app.ask("DELETE", `${users}/me/passkeys/${id}`, undefined, body.accessToken);
  assert.equal(says(await remove()), "409 passkey.last");
  const second = new Authenticator(page);
  assert.equal((await add(body.accessToken, second.make((await askMore(body.accessToken)).body))).status, 201);
  const elsewhere = (await signInWith(alone.device)).body;
  const byTheOther = (await signInWith(second)).body;
  assert.equal((await remove()).status, 200);
  await isOver(elsewhere);
  assert.equal((await app.me(byTheOther.accessToken)).status, 200);
  assert.equal((await app.refresh(body.refreshToken)).status, 200, "the one in which she asked");
  assert.equal(says(await signInWith(alone.device)), "401 credential.invalid");
  assert.equal((await signInWith(second)).status, 200);
});

test("a passkey is added by who signed in lately, on a page of the application, and at most twenty", async () => {
  const { accessToken, refreshToken } = await member();
  const asked = (await askMore(accessToken)).body;
  const noPage = await platform.visitor
    .as(accessToken)
    .send<Problem>("POST", `${users}/me/passkeys/options`, { body: {} });
  assert.equal(says(noPage), "422 passkey.invalid");
  for (let count = 0; count < 19; count += 1) {
    const answer = new Authenticator(page).make((await askMore(accessToken)).body);
    assert.equal((await add(accessToken, answer)).status, 201);
  }
  assert.equal(says(await askMore(accessToken)), "409 passkey.tooMany");
  assert.equal(says(await add(accessToken, new Authenticator(page).make(asked))), "409 passkey.tooMany");
  clock.move(15 * 60_000);
  const later = (await app.refresh(refreshToken)).body;
  assert.equal(says(await askMore(later.accessToken)), "403 signIn.stale");
});

test("with a login only a passkey of that user will do, and the question tells nothing of her", async () => {
  const ann = await signedUp();
  const bob = await signedUp();
  const unknownLogin = freshLogin();
  const questions = await Promise.all(
    [ann.login, unknownLogin, undefined].map((login) => askSignIn(login === undefined ? {} : { login })),
  );
  for (const { challenge, ...rest } of questions) {
    assert.equal(challenge.length, 51);
    assert.deepEqual(rest, { rpId: "app.example", timeout: 300_000, userVerification: "required" });
  }
  const asking = async (device: Authenticator, login: string, saying: string | undefined = login) => {
    device.counter += 1;
    return says(await signIn(device.show(await askSignIn({ login })), saying === "" ? {} : { login: saying }));
  };
  assert.equal(await asking(ann.device, ann.login.toUpperCase()), "200 undefined");
  assert.equal(await asking(bob.device, ann.login), "401 credential.invalid");
  assert.equal(await asking(bob.device, unknownLogin), "401 credential.invalid");
  assert.equal(await asking(bob.device, ann.login, bob.login), "401 credential.invalid", "a question for another");
  assert.equal(await asking(bob.device, ann.login, ""), "401 credential.invalid");
});

test("signing up is answered alike whether the login is taken, and what is there stays", async () => {
  const { login, user } = await app.user();
  const { device } = await signedUp(app, page, login);
  assert.equal(says(await signInWith(device)), "401 credential.invalid");
  assert.equal((await app.signInAs(login)).body.user, user);
  const seen = await app.manage<List<Passkey>>("GET", `/${user}/passkeys`);
  assert.deepEqual(seen.body.items, []);
  const closed = await App.of(world, owner, "closed");
  const refused = await closed.ask("POST", `${users}/passkey-sign-up/options`, { login: freshLogin() });
  assert.equal(says(refused), "403 signUp.closed");
});

test("a passkey that is known here signs nobody up, and is answered alike whether the login is taken or not", async () => {
  const { device, login } = await signedUp();
  const before = (await app.manage<List<Thing>>("GET", "?limit=1000")).body.items.length;
  for (const wanted of [login, freshLogin()]) {
    const { body } = await app.ask<Asked>("POST", `${users}/passkey-sign-up/options`, { login: wanted });
    const answer = device.make(body);
    const done = await app.ask<Problem>("POST", `${users}/passkey-sign-up`, { login: wanted, answer });
    assert.deepEqual([done.status, done.body], [200, {}]);
  }
  assert.equal((await app.manage<List<Thing>>("GET", "?limit=1000")).body.items.length, before);
});

test("who signed up before her, with her e-mail and a passkey of his own, has gained nothing", async () => {
  const confirmed = await App.of(world, owner, "confirmed");
  const { login, device } = await signedUp(confirmed);
  assert.equal(says(await signInWith(device, {}, confirmed)), "401 credential.invalid");
  const [user] = (await confirmed.manage<List<Thing>>("GET", "")).body.items;
  assert.ok(user);
  const { code } = (await confirmed.manage<Invited>("POST", `/${user.id}/reset`)).body;
  await confirmed.ask("POST", `${users}/password`, { login, code, password });
  assert.equal((await confirmed.signInAs(login)).status, 200);
  assert.equal(says(await signInWith(device, {}, confirmed)), "401 credential.invalid");
});

test("whoever runs the application sees a user's passkeys, and removes one", async () => {
  const { device } = await signedUp();
  const signedIn = (await signInWith(device)).body;
  const { user } = signedIn;
  const [passkey] = (await app.manage<List<Passkey>>("GET", `/${user}/passkeys`)).body.items;
  assert.equal(passkey?.name, "Phone");
  const other = await member();
  const away = `/${other.user}/passkeys/${passkey?.id}`;
  assert.equal(says(await app.manage<Problem>("DELETE", away)), "404 passkey.unknown");
  assert.equal((await app.manage("DELETE", `/${user}/passkeys/${passkey?.id}`)).status, 200);
  await isOver(signedIn);
  assert.equal(says(await signInWith(device)), "401 credential.invalid");
  const entries = await owner.audited(user);
  assert.ok(entries.some(({ what }) => what === "applicationUser.passkeyRemoved"));
});

test("an answer signs in once, and within five minutes", async () => {
  const { device } = await signedUp();
  const asked = await askSignIn();
  device.counter = 1;
  const answer = device.show(asked);
  assert.equal((await signIn(answer)).status, 200);
  assert.equal(says(await signIn(answer)), "401 credential.invalid");
  device.counter = 2;
  assert.equal(
    says(await signIn(device.show(asked))),
    "401 credential.invalid",
    "signed anew, the question is the old one",
  );
  const [early, late] = [await askSignIn(), await askSignIn()];
  clock.move(4 * 60_000);
  assert.equal((await signIn(device.show(early))).status, 200);
  clock.move(70_000);
  device.counter = 3;
  assert.equal(says(await signIn(device.show(late))), "401 credential.invalid");

  // Many at once: one of them.
  const once = await askSignIn();
  device.counter = 4;
  const all = await Promise.all(Array.from({ length: 20 }, () => signIn(device.show(once))));
  assert.equal(all.filter(({ status }) => status === 200).length, 1);
  assert.equal(new Set(all.map(({ status }) => status)).size, 2);
});

test("what is not signed by her passkey, on this page, for this question, signs nobody in", async () => {
  const { device } = await signedUp();
  const victim = await signedUp();
  const victimUser = (await signInWith(victim.device)).body.user;
  const beside = await App.of(world, owner);
  const lies: Record<string, Forged> = {
    "another origin": { origin: "https://evil.example" },
    "another page of the key's origins": { origin: shop },
    "an origin that begins alike": { origin: "https://app.example.evil.example" },
    "without TLS": { origin: "http://app.example" },
    "another site": { rpId: "evil.example" },
    "a site of the key that is not this page's": { rpId: "shop.example" },
    "a frame of another site's page": { crossOrigin: true },
    "nobody verified": { isVerified: false },
    "an answer to another kind of question": { type: "webauthn.create" },
    "another user's passkey": { credentialId: victim.device.credentialId },
    "an unknown passkey": { credentialId: new Authenticator(page).credentialId },
    "another user's name": { userHandle: Buffer.from(victimUser.slice(4), "hex").toString("base64url") },
    "no name at all": { userHandle: "A" },
    "words that were changed": { tampered: (said) => ({ ...said, crossOrigin: undefined }) },
    "a question that was changed": { tampered: (said) => ({ ...said, challenge: "A".repeat(51) }) },
  };
  for (const [lie, forged] of Object.entries(lies)) {
    assert.equal(says(await signInWith(device, forged)), "401 credential.invalid", lie);
  }
  const foreign = await askSignIn({}, beside);
  device.counter += 1;
  assert.equal(says(await signIn(device.show(foreign))), "401 credential.invalid", "another application's question");
  assert.equal(says(await signInWith(device, {}, beside)), "401 credential.invalid", "another application's key");
  const asked = (await app.ask<Asked>("POST", `${users}/passkey-sign-up/options`, { login: freshLogin() })).body;
  const made = device.show({ challenge: asked.challenge, rpId: "app.example" });
  assert.equal(says(await signIn(made)), "401 credential.invalid", "a question of a sign-up");
  assert.equal((await signInWith(device)).status, 200, "and none of that harmed her");
});

test("what is not made by this page, for this question, adds no passkey", async () => {
  const { accessToken } = await member();
  const other = await member();
  const lies: Record<string, Forged> = {
    "another origin": { origin: "https://evil.example" },
    "another site": { rpId: "evil.example" },
    "a frame of another site's page": { crossOrigin: true },
    "nobody verified": { isVerified: false },
    "an answer to another kind of question": { type: "webauthn.get" },
    "with what a maker vouches by": { format: "acme" },
    "a question that was changed": { tampered: (said) => ({ ...said, challenge: "A".repeat(51) }) },
  };
  for (const [lie, forged] of Object.entries(lies)) {
    const answer = new Authenticator(page).make((await askMore(accessToken)).body, forged);
    assert.equal(says(await add(accessToken, answer)), "422 passkey.invalid", lie);
  }
  const hers = (await askMore(other.accessToken)).body;
  assert.equal(
    says(await add(accessToken, new Authenticator(page).make(hers))),
    "422 passkey.invalid",
    "another user's",
  );
  const asked = (await askMore(accessToken)).body;
  assert.equal((await add(accessToken, new Authenticator(page).make(asked))).status, 201);
  assert.equal(
    says(await add(accessToken, new Authenticator(page).make(asked))),
    "422 passkey.invalid",
    "answered before",
  );
  const twice = new Authenticator(page);
  assert.equal((await add(accessToken, twice.make((await askMore(accessToken)).body))).status, 201);
  const again = twice.make((await askMore(other.accessToken)).body);
  assert.equal(says(await add(other.accessToken, again)), "422 passkey.invalid", "another user's passkey");
  const shape = { ...twice.make(asked), response: { clientDataJSON: "e30", attestationObject: "oA" } };
  assert.equal(says(await add(accessToken, shape)), "422 passkey.invalid");
  assert.equal(says(await add(accessToken, {})), "400 request.malformed");
});

test("a passkey that counts backwards is refused from then on, every session ends, and it is told", async () => {
  const { device } = await signedUp();
  device.counter = 6;
  const { user, accessToken } = (await signInWith(device)).body;
  // Whoever knows the passkey's name and cannot sign does not make it look like a copy.
  const forger = new Authenticator(page);
  const forged = { credentialId: device.credentialId, counter: 1 };
  assert.equal(says(await signInWith(forger, forged)), "401 credential.invalid");
  assert.equal((await app.me(accessToken)).status, 200);

  assert.equal(says(await signInWith(device, { counter: 7 })), "403 passkey.cloned");
  assert.equal(says(await app.me(accessToken)), "401 credential.invalid");
  assert.equal(says(await signInWith(device, { counter: 100 })), "401 credential.invalid");
  assert.ok((await owner.audited(user)).some(({ what }) => what === "applicationUser.passkeyCloned"));
  const [passkey] = (await app.manage<List<Passkey>>("GET", `/${user}/passkeys`)).body.items;
  assert.ok(passkey?.clonedAt);

  // She has a password as well, and nobody copied that.
  const { login, accessToken: token } = await app.user();
  const copied = new Authenticator(page);
  assert.equal((await add(token, copied.make((await askMore(token)).body))).status, 201);
  copied.counter = 6;
  assert.equal((await signInWith(copied)).status, 200);
  assert.equal(says(await signInWith(copied, { counter: 7 })), "403 passkey.cloned");
  assert.equal(says(await app.me(token)), "401 credential.invalid");
  assert.equal((await app.signInAs(login)).status, 200);

  const still = await signedUp();
  for (let count = 0; count < 3; count += 1) {
    const answer = await signInWith(still.device, { counter: 0 });
    assert.equal(answer.status, 200, "one that does not count never counts backwards");
  }
});

test("the site of a passkey is the widest that the page is below, or the one that it asks for; a page at an address has none", async () => {
  const rpIdAt = async (origin: string, rpId?: string) => {
    const body = rpId === undefined ? {} : { rpId };
    const asked = await app.ask<Asked & Problem>("POST", `${users}/passkey-sign-in/options`, body, undefined, {
      origin,
    });
    return asked.body.rpId ?? says(asked);
  };
  assert.equal(await rpIdAt(page), "app.example");
  assert.equal(await rpIdAt(www), "shop.example");
  assert.equal(await rpIdAt(www, "www.shop.example"), "www.shop.example");
  assert.equal(await rpIdAt(shop, "www.shop.example"), "422 passkey.invalid");
  assert.equal(await rpIdAt(www, "example"), "422 passkey.invalid");
  assert.equal(await rpIdAt(page, "shop.example"), "422 passkey.invalid");
  assert.equal(await rpIdAt("https://192.0.2.1"), "422 passkey.invalid");
  const { device, login } = await signedUp(app, shop);
  const wide = await askSignIn({}, app, www);
  device.counter = 5;
  const there = await signIn(device.show(wide, { origin: www }), {}, app, www);
  assert.equal(there.status, 200, "made on the one, used on the other");
  assert.equal((await app.me(there.body.accessToken)).body.login, login);
});

test("who is suspended or removed does not come in by a passkey", async () => {
  const { device } = await signedUp();
  const { user, accessToken } = (await signInWith(device)).body;
  await app.manage("POST", `/${user}/suspend`);
  assert.equal(says(await app.me(accessToken)), "401 credential.invalid");
  assert.equal(says(await signInWith(device)), "401 credential.invalid");
  await app.manage("POST", `/${user}/activate`);
  assert.equal((await signInWith(device)).status, 200);
  await app.manage("DELETE", `/${user}`);
  assert.equal(says(await signInWith(device)), "401 credential.invalid");
});

test("who signs in with a passkey and a proof gets tokens that are bound to that key", async () => {
  const { device } = await signedUp();
  const path = `${users}/passkey-sign-in`;
  const prove = dpopKey();
  const claims = (nonce?: string) => {
    const iat = Math.floor(clock.now() / 1_000) + 1;
    return { htm: "POST", htu: `${platform.platform.url}${path}`, iat, nonce };
  };
  const answer = device.show(await askSignIn());
  const ask = (dpop: string) => app.ask<SignedIn & Problem>("POST", path, { answer }, undefined, { dpop });
  const first = await ask(prove(claims()));
  assert.equal(says(first), "401 proof.nonce");
  const { status, body } = await ask(prove(claims(String(first.headers["dpop-nonce"]))));
  assert.equal(status, 200, "a proof that was not good answered no question");
  assert.equal(says(await app.me(body.accessToken)), "401 proof.required");
  assert.equal(says(await app.refresh<Problem>(body.refreshToken)), "401 proof.required");
});

/** The rows of this organisation, past the platform. */
async function inDatabase<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const { tls: _, ...at } = database.login;
  const client = new pg.Client(at);
  await client.connect();
  try {
    await client.query("select set_config('app.org', $1, false)", [owner.org.slice(4)]);
    return await work(client);
  } finally {
    await client.end();
  }
}

test("a passkey that was removed is not brought back by an older backup", async () => {
  const { accessToken, device } = await member();
  const second = new Authenticator(page);
  const { id } = (await add(accessToken, second.make((await askMore(accessToken)).body))).body;
  assert.equal((await signInWith(second)).status, 200);
  const where = "where id = $1::uuid";
  await inDatabase(async (client) => {
    await client.query(`create temp table kept as select * from holdfast.app_passkey ${where}`, [id.slice(4)]);
    assert.equal((await app.ask("DELETE", `${users}/me/passkeys/${id}`, undefined, accessToken)).status, 200);
    await client.query("insert into holdfast.app_passkey select * from kept");
  });
  assert.equal(says(await signInWith(second)), "401 credential.invalid");
  assert.equal((await signInWith(device)).status, 200);
});

test("of a passkey nothing can be read in the database but whose it is and since when", async () => {
  const { device, login } = await signedUp();
  await signInWith(device);
  const [rows, answered] = await inDatabase(async (client) => [
    (await client.query("select p::text as text from holdfast.app_passkey p")).rows,
    (await client.query("select c::text as text from holdfast.app_challenge c")).rows,
  ]);
  assert.ok(rows?.length && answered?.length);
  const text = JSON.stringify([rows, answered]);
  const known = [login, "app.example", "Phone", device.credentialId];
  for (const word of known.flatMap((one) => [one, Buffer.from(one).toString("hex")]))
    assert.ok(!text.includes(word), word);
});

test("a question outlives a restart, and the answers that were given as well", async () => {
  const { device } = await signedUp();
  const [open, spent] = [await askSignIn(), await askSignIn()];
  device.counter = 1;
  assert.equal((await signIn(device.show(spent))).status, 200);
  await platform.close();
  platform = await startTestPlatform({ clock, database });
  world.visitor = platform.visitor;
  device.counter = 2;
  assert.equal(says(await signIn(device.show(spent))), "401 credential.invalid");
  assert.equal((await signIn(device.show(open))).status, 200);
});
