import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "@holdfast/kernel";
import pg from "pg";
import {
  atEnd,
  freshDatabase,
  linkIn,
  Mailbox,
  startTestPlatform,
  TestClock,
} from "../apps/server/src/testing/index.ts";
import { says } from "./application-users.fixture.ts";
import { Authenticator, type Asked } from "./authenticator.fixture.ts";
import { Owner, unknown, viewer, type Problem, type SignedIn } from "./authority.fixture.ts";
import { CookieBrowser } from "./cookie-browser.fixture.ts";

// Whoever lost all that she shows beside her password is helped by the administrator of the instance, after a wait in which anybody who
// should know of it can object.
const clock = new TestClock(systemClock.now());
const database = await freshDatabase();
atEnd.after(() => database.drop());
const mailbox = await Mailbox.open();
atEnd.after(() => mailbox.close());
const mail = {
  server: { host: "localhost", port: mailbox.port, tls: "none", user: undefined, password: undefined },
  from: { name: "", address: "holdfast@example.com" },
  passwordFile: undefined,
  caFile: undefined,
} as const;
const start = () => startTestPlatform({ clock, database, config: { mail } });
let platform = await start();
atEnd.after(() => platform.close());
await platform.setUp();
const account = { email: "owner@example.com", password: viewer.password };
const welcome = await platform.visitor.post<SignedIn>("/v1/sign-in", { ...account, expiresIn: "90d" });
let administrator = new Owner(platform.visitor, welcome);

type Seen = {
  person: string;
  email: string;
  factors: { totp: boolean; passkey: boolean };
  reset?: { askedAt: string; dueAt: string; until: string };
};
const hour = 3_600_000;
const { password } = viewer;

/** Somebody with a password and a passkey, signed in. */
async function somebody(email: string, role = "viewer") {
  clock.move(5_000);
  const { person } = await administrator.member({ email, password }, role);
  const browser = new CookieBrowser(platform);
  await browser.signIn({ email, password });
  const device = new Authenticator(browser.origin);
  const asked = await browser.good<Asked>("POST", "/v1/account/passkeys/options");
  await browser.good("POST", "/v1/account/passkeys", { answer: device.make(asked), name: "Laptop" });
  return { person, email, browser, device };
}

const signIn = async (email: string, more: object = {}) => {
  clock.move(1_000);
  return platform.visitor.send<Problem>("POST", "/v1/sessions", {
    body: { email, password, ...more },
    headers: { origin: platform.platform.url },
  });
};
const signInWith = async ({ device }: { device: Authenticator }) => {
  clock.move(1_000);
  device.counter += 1;
  const asked = await platform.visitor.get<Asked>("/v1/sessions/passkey-options");
  const origin = platform.platform.url; // another port after a restart
  const passkey = device.show({ ...asked, rpId: "localhost" }, { origin });
  const headers = { origin };
  return platform.visitor.send<Problem>("POST", "/v1/sessions", { body: { passkey }, headers });
};
const begin = (person: string) => administrator.asks.send<Seen & Problem>("POST", `/v1/people/${person}/factor-reset`);
const find = async (email: string) =>
  (await administrator.asks.get<{ items: Seen[] }>("/v1/instance/people?limit=1000")).items.find(
    (one) => one.email === email,
  );
const waiting = async (email: string) =>
  (await administrator.asks.get<{ items: Seen[] }>("/v1/factor-resets")).items.find((one) => one.email === email);
/** The next to her that says so. */
const letterTo = (email: string, says: RegExp) => mailbox.take(({ to, text }) => to.includes(email) && says.test(text));
const isIn = async (browser: CookieBrowser) => (await browser.send("GET", "/v1/session")).status === 200;
const told = async (person: string) => (await administrator.audited(person)).map(({ what }) => what);

test("[V6.4.4] after the wait, and not before, what somebody lost goes when she signs in with her password, and her sessions end", async () => {
  const ann = await somebody("ann@example.com");
  assert.deepEqual((await find(ann.email))?.factors, { totp: false, passkey: true });
  const { status, body } = await begin(ann.person);
  assert.equal(status, 200);
  assert.equal(Date.parse(body.reset?.dueAt ?? "") - Date.parse(body.reset?.askedAt ?? ""), 72 * hour);
  assert.equal(says(await begin(ann.person)), "409 factorReset.pending");
  const { items } = await administrator.asks.get<{ items: Seen[] }>("/v1/factor-resets");
  assert.deepEqual(
    items.map(({ email }) => email),
    [ann.email],
  );

  const letter = await letterTo(ann.email, /call it off/);
  assert.match(linkIn(letter), /#call-off=hfx_/);
  const toOwner = await letterTo("owner@example.com", /second factor|shows beside a password/);
  await letterTo(ann.email, /has another passkey since .*, called “Laptop”/);
  assert.match(toOwner.text, /ann@example\.com, a member of First/);
  assert.doesNotMatch(toOwner.text, /call-off/, "she alone calls it off, or the administrator");

  clock.move(71 * hour);
  assert.equal(says(await signIn(ann.email)), "403 factor.required");
  assert.equal((await signInWith(ann)).status, 201, "as before");
  clock.move(hour);
  const again = new CookieBrowser(platform);
  assert.equal((await signIn(ann.email, { code: "123456" })).status, 403, "a code is looked at as before");
  assert.equal(says(await signIn(ann.email, { password: "wrong" })), "401 credential.invalid");
  assert.equal((await signInWith(ann)).status, 201, "nothing has gone yet");
  await again.signIn({ email: ann.email, password });
  assert.equal(await isIn(ann.browser), false);
  assert.equal(says(await signInWith(ann)), "401 credential.invalid");
  assert.deepEqual((await find(ann.email))?.factors, { totp: false, passkey: false });
  assert.equal((await signIn(ann.email)).status, 201, "the password is enough until she adds another");
  await letterTo(ann.email, /are gone, as was announced/);
  const entries = await told(ann.person);
  for (const what of ["factorReset.asked", "factorReset.begun", "factorReset.done"])
    assert.ok(entries.includes(what), what);
  assert.equal(says(await begin(ann.person)), "409 factorReset.needless");
});

test("she calls it off where she is signed in, by the link in the letter, and so does the administrator", async () => {
  const bob = await somebody("bob@example.com");
  const ways: Record<string, () => Promise<{ status: number }>> = {
    "signed in": () => bob.browser.send("DELETE", "/v1/account/factor-reset"),
    "the administrator": () => administrator.asks.send("DELETE", `/v1/people/${bob.person}/factor-reset`),
    "the link": async () => {
      const secret = linkIn(await letterTo(bob.email, /call it off/)).split("#call-off=")[1];
      const { visitor } = platform;
      const made = { secret: "hfx_made-up" };
      const path = "/v1/factor-resets/call-off";
      assert.equal(says(await visitor.send("POST", path, { body: made })), "404 factorReset.unknown");
      const answer = await visitor.send("POST", path, { body: { secret } });
      assert.equal(says(await visitor.send("POST", path, { body: { secret } })), "404 factorReset.unknown", "once");
      return answer;
    },
  };
  for (const [way, callOff] of Object.entries(ways)) {
    assert.equal((await begin(bob.person)).status, 200, way);
    if (way !== "the link") await letterTo(bob.email, /call it off/);
    const seen = await bob.browser.good<{ reset?: object }>("GET", "/v1/account/factor-reset");
    assert.ok(seen.reset, way);
    assert.equal((await callOff()).status, 200, way);
    assert.deepEqual(await bob.browser.good("GET", "/v1/account/factor-reset"), {}, way);
    clock.move(hour); // so that she is not sent too many letters
    await bob.browser.send("GET", "/v1/me", { headers: { "holdfast-org": administrator.org } });
  }
  clock.move(72 * hour);
  assert.equal(says(await signIn(bob.email)), "403 factor.required");
  assert.equal((await signInWith(bob)).status, 201);
  const calledOff = (await told(bob.person)).filter((what) => what === "factorReset.calledOff");
  assert.equal(calledOff.length, 3);
  assert.ok((await told(bob.person)).includes("factorReset.withdrawn"));
  const none = await bob.browser.send("DELETE", "/v1/account/factor-reset");
  assert.equal(none.status, 401, "her session is over by now");
});

test("[V6.4.3] [V6.4.4] who took an invitation to somebody else's address is out once she proves that she reads it, after the wait", async () => {
  // Whoever invited took the link himself, and a passkey of his is on the account.
  const squatter = await somebody("xenia@example.com");
  const { email, browser } = squatter;
  assert.equal((await browser.good<{ verifiedAt?: string }>("GET", "/v1/account/email")).verifiedAt, undefined);
  const forgot = async (newPassword: string) => {
    await platform.visitor.post("/v1/password/forgot", { email });
    clock.move(2_000);
    const { text } = await mailbox.take(({ to, text }) => to.includes(email) && text.includes("#reset="));
    const secret = text.split("#reset=")[1]?.split(/\s/)[0];
    return platform.visitor.post("/v1/password/reset", { secret, password: newPassword });
  };
  const hers = "mossy lantern oats";
  await forgot(hers);
  await letterTo(email, /nobody had proved before to read this address[\s\S]*call it off/);
  await letterTo(account.email, /proved for the first time to read the address/);
  assert.equal(
    says(await signIn(email, { password: hers })),
    "403 factor.required",
    "it does not pass by them at once",
  );
  const his = await signInWith(squatter);
  assert.equal(his.status, 201);
  const back = new CookieBrowser(platform);
  clock.move(1_000);
  squatter.device.counter += 1;
  const asked = await platform.visitor.get<Asked>("/v1/sessions/passkey-options");
  await back.good("POST", "/v1/sessions", { passkey: squatter.device.show({ ...asked, rpId: "localhost" }) });
  assert.equal(says(await back.send("DELETE", "/v1/account/factor-reset")), "403 permit.missing");
  clock.move(72 * hour);
  assert.equal((await signIn(email, { password: hers })).status, 201);
  assert.equal(await isIn(back), false);
  assert.equal(says(await signInWith(squatter)), "401 credential.invalid");

  // Once it is proved, a link passes by nothing, ever.
  const proved = await somebody("yara@example.com");
  const { text } = await mailbox.take(({ to, text: said }) => to.includes(proved.email) && said.includes("#verify="));
  await platform.visitor.post("/v1/email/verification", { secret: text.split("#verify=")[1]?.split(/\s/)[0] });
  await platform.visitor.post("/v1/password/forgot", { email: proved.email });
  clock.move(2_000);
  const sent = await mailbox.take(({ to, text: said }) => to.includes(proved.email) && said.includes("#reset="));
  const secret = sent.text.split("#reset=")[1]?.split(/\s/)[0];
  await platform.visitor.post("/v1/password/reset", { secret, password: hers });
  assert.equal(await waiting(proved.email), undefined);
});

test("whose passkey was copied has a letter of it", async () => {
  const zoe = await somebody("zoe@example.com");
  assert.equal((await signInWith(zoe)).status, 201);
  zoe.device.counter = 0;
  assert.equal(says(await signInWith(zoe)), "403 passkey.cloned");
  await letterTo(zoe.email, /“Laptop” of the account zoe@example\.com counted backwards/);
});

test("a stranger who asks for links to her keeps nobody from beginning it", async () => {
  const eli = await somebody("eli@example.com");
  for (let time = 0; time < 7; time += 1) {
    clock.move(2_000);
    await platform.visitor.send("POST", "/v1/password/forgot", { body: { email: eli.email } });
  }
  for (let time = 0; time < 5; time += 1) await letterTo(eli.email, /asked for a new password/);
  assert.equal((await begin(eli.person)).status, 200);
  await letterTo(eli.email, /call it off/);
});

test("whoever has the password alone silences no letter of what changed by wrong recovery codes", async () => {
  const ria = await somebody("ria@example.com");
  const wrong = { code: "AAAA-BBBB-CCCC" };
  const alert = /a code that was wrong/;
  for (let time = 0; time < 22; time += 1) assert.equal(says(await signIn(ria.email, wrong)), "403 factor.invalid");
  await letterTo(ria.email, alert);
  await ria.browser.good("POST", "/v1/account/password", { password, newPassword: "mossy lantern oats" });
  await letterTo(ria.email, /has another password since/);
  const more = mailbox.received.filter(({ to, text }) => to.includes(ria.email) && alert.test(text));
  assert.equal(more.length, 0, "once an hour");
});

test("one that nobody came for within a week is over", async () => {
  const cid = await somebody("cid@example.com");
  await begin(cid.person);
  clock.move((72 + 7 * 24) * hour);
  assert.equal(says(await signIn(cid.email)), "403 factor.required");
  assert.equal(await waiting(cid.email), undefined);
  assert.equal((await begin(cid.person)).status, 200, "it begins anew");
});

test("the administrator of the instance alone begins it; an organisation's owners remove a member, and never touch her factors", async () => {
  const dan = await somebody("dan@example.com");
  clock.move(10_000);
  const boss = await administrator.member({ email: "boss@example.com", password }, "owner");
  const asks = platform.visitor.as(boss.token);
  const at = `/v1/people/${dan.person}/factor-reset`;
  for (const [method, path] of [
    ["POST", at],
    ["DELETE", at],
    ["GET", "/v1/factor-resets"],
  ] as const)
    assert.equal(says(await asks.send(method, path)), "403 permit.missing", `${method} ${path}`);
  const key = await administrator.operatorKey();
  const byKey = platform.visitor.as(`${key.id}.${key.secret}`);
  assert.equal(says(await byKey.send("POST", at)), "403 permit.missing", "a program does not");

  await asks.delete(`/v1/members/${dan.person}`);
  assert.equal((await find(dan.email))?.factors.passkey, true, "she belongs to others");
  const invitation = await administrator.invite(dan.email);
  const secret = invitation.link.split("#invitation=")[1];
  const body = { secret, email: dan.email, password };
  assert.equal(says(await platform.visitor.send("POST", "/v1/invitations/accept", { body })), "403 factor.required");
});

test("nobody is asked about who is not there, and who has no second factor needs no help", async () => {
  assert.equal(says(await begin(unknown("person"))), "404 person.unknown");
  assert.equal(
    says(await administrator.asks.send("DELETE", `/v1/people/${unknown("person")}/factor-reset`)),
    "404 person.unknown",
  );
  assert.equal(
    says(await administrator.asks.send("DELETE", `/v1/people/${administrator.person}/factor-reset`)),
    "404 factorReset.unknown",
  );
  assert.equal(says(await begin(administrator.person)), "409 factorReset.needless");
});

test("in a browser it asks the administrator who she is once more", async () => {
  const eve = await somebody("eve@example.com");
  const browser = new CookieBrowser(platform);
  await browser.signIn(account);
  browser.org = administrator.org;
  clock.move(11 * 60_000);
  const at = `/v1/people/${eve.person}/factor-reset`;
  assert.equal(says(await browser.send("POST", at)), "403 confirmation.required");
  await browser.good("POST", "/v1/account/confirmation", { password });
  assert.equal((await browser.send("POST", at)).status, 200);
});

test("where a second factor is demanded, the owners hear by mail of a member who removes her passkey", async () => {
  const lea = await somebody("lea@example.com", "owner");
  const mia = await somebody("mia@example.com");
  lea.browser.org = administrator.org;
  const demand = (people: object) => lea.browser.good("PATCH", "/v1/org", { demands: { people } });
  await demand({ factor: "second" });
  const [own] = (await mia.browser.good<{ items: { id: string }[] }>("GET", "/v1/account/passkeys")).items;
  await mia.browser.good("DELETE", `/v1/account/passkeys/${own?.id}`);
  await letterTo(lea.email, /mia@example\.com, a member .* that demands a second factor, removed a passkey/);
  await demand({});
});

test("an older backup of the database loses no passkey, brings back none that was removed, and no reset that was called off or done", async (t) => {
  const { tls: _, ...login } = database.login;
  const past = new pg.Client(login);
  await past.connect();
  t.after(() => past.end());
  const tables = ["person_factors", "person_passkey", "factor_reset", "revocation"];
  const fay = await somebody("fay@example.com");
  const gus = await somebody("gus@example.com");
  const hal = await somebody("hal@example.com");
  await begin(fay.person);
  await begin(gus.person);
  const restart = async (between: () => Promise<void>) => {
    await platform.close();
    await between();
    platform = await start();
    administrator = new Owner(platform.visitor, welcome);
  };
  const saved = new Map<string, Record<string, unknown>[]>();
  for (const table of tables) saved.set(table, (await past.query(`select * from holdfast.${table}`)).rows);
  const secret = linkIn(await letterTo(fay.email, /call it off/)).split("#call-off=")[1];
  assert.equal((await platform.visitor.send("POST", "/v1/factor-resets/call-off", { body: { secret } })).status, 200);
  const ivy = await somebody("ivy@example.com");
  const [own] = (await hal.browser.good<{ items: { id: string }[] }>("GET", "/v1/account/passkeys")).items;
  await hal.browser.good("DELETE", `/v1/account/passkeys/${own?.id}`);
  await letterTo(hal.email, /“Laptop” of the account hal@example\.com is worth nothing/);
  clock.move(72 * hour);
  assert.equal((await signIn(gus.email)).status, 201, "it was done");

  await restart(async () => {
    for (const table of tables.toReversed()) await past.query(`delete from holdfast.${table}`);
    for (const table of tables)
      for (const row of saved.get(table) ?? []) {
        const names = Object.keys(row);
        const places = names.map((_name, at) => `$${at + 1}`).join();
        await past.query(`insert into holdfast.${table} (${names.join()}) values (${places})`, Object.values(row));
      }
  });
  assert.ok(platform.reports.some((line) => line.includes("resets of second factors that had ended")));
  assert.equal(says(await signIn(fay.email)), "403 factor.required", "called off");
  assert.equal((await signInWith(fay)).status, 201);
  assert.equal((await signIn(gus.email)).status, 201, "she has none, as it was done");
  assert.equal(says(await signInWith(gus)), "401 credential.invalid");
  assert.equal(says(await signInWith(hal)), "401 credential.invalid");
  assert.equal((await signIn(hal.email)).status, 201);
  assert.equal(says(await signIn(ivy.email)), "403 factor.required", "she had added it since");
  assert.equal((await signInWith(ivy)).status, 201);
});
