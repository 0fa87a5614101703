import assert from "node:assert/strict";
import { request } from "node:https";
import { test } from "node:test";
import { newSecret } from "@holdfast/crypto";
import { systemClock, systemRandom } from "@holdfast/kernel";
import { asOwner, atEnd, Mailbox, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { formTo } from "./activation.fixture.ts";
import { Owner, secretIn, type Problem } from "./authority.fixture.ts";
import { CookieBrowser } from "./cookie-browser.fixture.ts";

// Whoever guesses passwords waits; whose account it is does not, at a browser of hers, and hears of it.
const clock = new TestClock(systemClock.now());
const box = await Mailbox.open();
atEnd.after(() => box.close());
const mail = {
  server: { host: "localhost", port: box.port, tls: "none", user: undefined, password: undefined },
  from: { name: "Holdfast", address: "holdfast@example.com" },
  passwordFile: undefined,
  caFile: undefined,
} as const;
const platform = await startTestPlatform({ clock, config: { mail } });
atEnd.after(() => platform.close());
const { visitor } = platform;
const ours = new Owner(visitor, await platform.setUp());
const password = "correct horse battery staple";
const owner = { email: "owner@example.com", password };
const wrong = (email: string) => ({ email, password: "not the password at all" });
const day = 24 * 3_600_000;
const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";

type Said = { readonly said: string; readonly wait: number; readonly size: number };

/** From another address of this machine. */
function ask(path: string, body: object, from: string, cookie?: string): Promise<Said> {
  const { url, caPem = "" } = platform.platform;
  const payload = JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", ...(cookie !== undefined && { cookie }) };
    const call = request(new URL(path, url), { method: "POST", ca: caPem, localAddress: from, headers, agent: false });
    call.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => void chunks.push(chunk));
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        const status = response.statusCode ?? 0;
        const said = status < 300 ? String(status) : `${status} ${(JSON.parse(text) as Problem).code}`; // RFC 9457
        const wait = Number(response.headers["retry-after"] ?? 0);
        resolve({ said, wait, size: text.replaceAll(/req_[0-9a-f]+/g, "").length });
      });
    });
    call.on("error", reject);
    call.end(payload);
  });
}
const guess = (email: string, from: string, cookie?: string) => ask("/v1/sessions", wrong(email), from, cookie);

async function known(who = owner): Promise<CookieBrowser> {
  const browser = new CookieBrowser(platform);
  browser.org = ours.org;
  await browser.good("POST", "/v1/sessions", who, { "user-agent": firefox });
  return browser;
}

/** A token of hers, made by the way. */
const again = async () => new Owner(visitor, await visitor.post("/v1/sign-in", owner));
const told = async (email: string) => {
  const answers: Said[] = [];
  for (let count = 0; count < 14; count += 1) {
    const answer = await guess(email, `127.0.1.${count + 1}`);
    answers.push(answer);
    clock.move(answer.wait * 1_000);
  }
  return answers;
};

test("[V6.3.1] [V6.3.8] guesses at one account wait from wherever they come and however, whether there is such an account or not", async () => {
  const ada = { email: "ada@example.com", password };
  await ours.member(ada);
  const [hers, adas] = [await known(), await known(ada)];
  const secret = secretIn(await ours.invite("owner@example.com").catch(() => ours.invite("eve@example.org")));
  const [real, none] = [await told(owner.email), await told("nobody@example.com")];
  assert.deepEqual(real, none, "answer, time to wait and size");
  const waits = real.map(({ said, wait }) => (said.startsWith("429") ? wait : 0));
  assert.deepEqual(waits, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2]);
  await guess(owner.email, "127.0.2.1");

  const refused = "429 rate.exceeded";
  const from = (browser: CookieBrowser) => `__Host-holdfast-browser=${browser.known}`;
  const elsewhere = await ask("/v1/sessions", owner, "127.0.2.2");
  assert.deepEqual([elsewhere.said, elsewhere.wait], [refused, 4], "she herself, at a browser that nobody knows");
  assert.equal((await ask("/v1/sign-in", owner, "127.0.2.3")).said, refused);
  const accept = await ask("/v1/invitations/accept", { secret, ...owner, email: "eve@example.org" }, "127.0.2.4");
  assert.equal(accept.said, "201", "whoever is invited guesses at no account");
  const unknown = new CookieBrowser(platform);
  Object.assign(unknown, { cookie: hers.cookie });
  const confirmed = await unknown.send<Problem>("POST", "/v1/account/confirmation", { body: { password } });
  assert.equal(confirmed.body.code, "rate.exceeded");

  // A browser of somebody's is none of anybody else's, and two are none.
  assert.equal((await ask("/v1/sessions", owner, "127.0.2.5", from(adas))).said, refused);
  assert.equal((await ask("/v1/sessions", owner, "127.0.2.5", `${from(hers)}; ${from(hers)}`)).said, refused);
  await asOwner(
    platform.database.login,
    `insert into holdfast.known_browser select digest, '${ours.person.slice(4)}', seen_at, proof from holdfast.known_browser
       where person <> '${ours.person.slice(4)}' on conflict do nothing`,
  );
  assert.equal((await ask("/v1/sessions", owner, "127.0.2.5", from(adas))).said, refused, "nor by the database");
  await hers.confirm(owner);
  await hers.signIn(owner);

  clock.move(elsewhere.wait * 1_000);
  assert.equal((await ask("/v1/sessions", owner, "127.0.2.2")).said, "201");
  const subject = "Somebody is trying to sign in to your account";
  const letter = await box.take(({ headers }) => headers.get("subject") === subject);
  assert.deepEqual(letter.to, [owner.email]);
  assert.match(letter.text, /10 attempts/);

  const there: string[] = [];
  for (let count = 0; count < 12; count += 1) there.push((await guess(owner.email, "127.0.3.1", from(hers))).said);
  assert.deepEqual(new Set(there), new Set(["401 credential.invalid", refused]), "at her own browser, too");
  clock.move(day);
});

test("[V6.3.5] somebody hears of a sign-in from a browser that is new to her, once, by mail, in the log and in her list", async () => {
  box.received.length = 0;
  const ada = { email: "bea@example.com", password };
  const as = await again();
  const { person } = await as.member(ada);
  const first = await known(ada);
  clock.move(2 * 3_600_000);
  await first.good("POST", "/v1/sessions", ada, { "user-agent": firefox });
  assert.equal((await as.audited(person)).filter(({ what }) => what === "signIn.fromNew").length, 0);

  const other = await known(ada);
  const subject = "Somebody signed in to your account from a new place";
  const letter = await box.take(({ to, headers }) => to.includes(ada.email) && headers.get("subject") === subject);
  assert.match(letter.text, /From: 127\.0\.0\.1, Firefox on Linux\./);
  assert.match(letter.text, /\/account\/sessions/);
  assert.ok(!letter.text.includes(password));
  const [entry] = (await as.audited(person)).filter(({ what }) => what === "signIn.fromNew");
  assert.deepEqual(entry?.facts?.["program"], "Firefox on Linux");
  const { items } = await other.good<{ items: { isCurrent: boolean; isNewBrowser: boolean }[] }>(
    "GET",
    "/v1/account/sessions",
  );
  assert.equal(items.find(({ isCurrent }) => isCurrent)?.isNewBrowser, true);
  await other.signIn(ada);
  // A program keeps no cookie: it is known by its network and what it calls itself.
  for (const agent of ["curl/8", "curl/8", "curl/9"])
    await visitor.send("POST", "/v1/sign-in", { body: ada, headers: { "user-agent": agent } });
  const entries = (await as.audited(person)).filter(({ what }) => what === "signIn.fromNew");
  assert.equal(
    entries.reduce((sum, { facts }) => sum + Number(facts?.["count"] ?? 1), 0),
    3,
  );
  clock.move(day);
});

test("[V6.3.5] somebody hears of a program that was let in from where none had come before, once", async () => {
  box.received.length = 0;
  const dora = { email: "dora@example.com", password };
  const as = await again();
  const { person } = await as.member(dora);
  const browser = await known(dora);
  const letIn = async (machine: string) => {
    clock.move(2_000);
    const form = { client_id: "holdfast-command", machine };
    const { body } = await formTo<{ user_code: string }>(visitor, "/v1/oauth/device_authorization", form);
    await browser.good("POST", `/v1/activations/${body.user_code}/approval`, {});
  };
  for (const machine of ["laptop", "laptop", "server"]) await letIn(machine);
  const subject = "A program was let in to your account";
  for (let count = 0; count < 2; count += 1) {
    const letter = await box.take(({ to, headers }) => to.includes(dora.email) && headers.get("subject") === subject);
    assert.match(letter.text, /From: 127\.0\.0\.1, holdfast\./);
  }
  const entries = (await as.audited(person)).filter(({ what }) => what === "signIn.fromNew");
  assert.equal(
    entries.reduce((sum, { facts }) => sum + Number(facts?.["count"] ?? 1), 0),
    2,
  );
  clock.move(day);
});

test("a browser's secret is another one each week, whoever used it goes on, and nobody's is taken over from elsewhere", async () => {
  const eve = { email: "carl@example.com", password };
  await (await again()).member(eve);
  const shared = await known();
  const first = shared.known;
  await shared.signIn(eve);
  assert.notEqual(shared.known, first, "it was not hers yet, so it is another one");
  const second = shared.known;
  box.received.length = 0;
  for (const who of [owner, eve]) await shared.signIn(who);
  assert.equal(shared.known, second, "both are known there");
  clock.move(8 * day);
  await shared.signIn(owner);
  assert.notEqual(shared.known, second);
  await shared.signIn(eve);
  const { items } = await shared.good<{ items: { isCurrent: boolean; isNewBrowser: boolean }[] }>(
    "GET",
    "/v1/account/sessions",
  );
  assert.equal(items.find(({ isCurrent }) => isCurrent)?.isNewBrowser, false, "who was known there goes on to be");
  const planted = new CookieBrowser(platform);
  planted.known = newSecret(systemRandom, "browser");
  const chosen = planted.known;
  await planted.signIn(owner);
  assert.notEqual(planted.known, chosen);
});
