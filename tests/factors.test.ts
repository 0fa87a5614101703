import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { asOwner, atEnd, freshDatabase, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { Owner, secretIn, type Problem } from "./authority.fixture.ts";
import { CookieBrowser } from "./cookie-browser.fixture.ts";
import { codeOf, Somebody, step } from "./factors.fixture.ts";

// Second factors of people: how they come and go, that each code works once, and that nothing lets anybody in without.
const clock = new TestClock(systemClock.now());
const database = await freshDatabase();
const platform = await startTestPlatform({ clock, database });
atEnd.after(async () => {
  await platform.close();
  await database.drop();
});
const { visitor } = platform;
const owner = new Owner(visitor, await platform.setUp());
const password = "correct horse battery staple";

let people = 0;
/** A member who is signed in. */
async function come(): Promise<Somebody> {
  clock.move(2_000); // signing in costs, and is counted
  const who = { email: `person-${(people += 1)}@example.com`, password };
  await owner.member(who);
  const one = new Somebody(platform, clock, who);
  await one.signIn();
  return one;
}
const enrolled = async () => {
  const one = await come();
  await one.enrol();
  return one;
};
/** So that trying often is not what decides. */
function open<T = Problem>(path: string, body: object) {
  clock.move(1_000);
  return visitor.anew().send<T>("POST", path, { body });
}
const codeTo = async (path: string, body: object) => {
  const { status, body: answer } = await open(path, body);
  return status < 300 ? String(status) : answer.code;
};
const signIns = ["/v1/sessions", "/v1/sign-in"] as const;
const account = (one: Somebody) =>
  one.browser.good("GET", "/v1/account").then((reply) => routes.readAccount.reply.parse(reply));

test("[V6.5.8] somebody takes up codes of an app, by a secret of 160 bits that her app reads, and by the platform's own time", async () => {
  const one = await come();
  assert.deepEqual(await account(one), {
    person: { id: (await account(one)).person.id, email: one.who.email },
    hasPassword: true,
    recoveryCodes: 0,
  });
  const { secret, uri, offer } = await one.offer();
  assert.match(secret, /^([A-Z2-7]{4}-){7}[A-Z2-7]{4}$/);
  const asRead = new URL(uri);
  assert.equal(asRead.searchParams.get("secret"), secret.replaceAll("-", ""));
  assert.equal(asRead.searchParams.get("issuer"), "Holdfast (localhost)");
  assert.ok(decodeURIComponent(asRead.pathname).endsWith(`:${one.who.email}`));
  const put = (body: object, headers = {}) =>
    one.browser.send<Problem>("PUT", "/v1/account/totp", {
      body,
      headers: { date: "Mon, 01 Jan 2001 00:00:00 GMT", ...headers },
    });
  const at = clock.now();
  for (const away of [-10 * step, -2 * step, 2 * step])
    assert.equal((await put({ offer, code: codeOf(secret, at + away) })).body.code, "factor.invalid");
  assert.equal((await account(one)).totp, undefined, "what was only offered is nothing");
  assert.equal(await codeTo("/v1/sessions", one.who), "201");
  const code = codeOf(secret, clock.now());
  const [other] = [await come()];
  const stolen = await other.browser.send<Problem>("PUT", "/v1/account/totp", { body: { offer, code } });
  assert.equal(stolen.body.code, "factor.offer", "what was offered to one is nothing to another");
  assert.equal((await put({ offer: "AAAA", code })).body.code, "factor.offer");
  assert.equal((await put({ offer, code: codeOf(secret, clock.now()) })).status, 200);
  const { totp, recoveryCodes } = await account(one);
  assert.ok(totp && recoveryCodes === 10);
  const late = await one.offer();
  clock.move(15 * 60_000);
  one.secret = secret;
  assert.equal((await put({ offer, code })).body.code, "confirmation.required");
  await one.confirm();
  assert.equal((await put({ offer: late.offer, code: codeOf(late.secret, clock.now()) })).body.code, "factor.offer");
  const told = (await owner.audited((await account(one)).person.id)).map(({ what }) => what);
  assert.ok(told.includes("factor.added"), "her organisations learn of it");
});

test("what was offered is taken once, of fifty who bring its code at once, and another takes its place", async () => {
  const one = await come();
  const { secret, offer } = await one.offer();
  const body = { offer, code: codeOf(secret, clock.now()) };
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => one.browser.send<Problem>("PUT", "/v1/account/totp", { body })),
  );
  assert.deepEqual(
    answers.map(({ status }) => status).filter((status) => status === 200),
    [200],
  );
  assert.equal((await account(one)).recoveryCodes, 10);
  one.secret = secret;
  assert.equal(await codeTo("/v1/sign-in", one.shown()), "201");
  await one.enrol();
  clock.move(step);
  assert.equal(await codeTo("/v1/sign-in", { ...one.who, code: codeOf(secret, clock.now()) }), "factor.invalid");
  assert.equal(await codeTo("/v1/sign-in", one.shown()), "201");
});

test("recovery codes reach whoever turned codes of an app on, also where her session was replaced in that moment", async () => {
  const one = await come();
  const { secret, offer } = await one.offer();
  // As somebody who is faster would: the row is another one by the time that its cookie is to be.
  await asOwner(
    database.login,
    `create function public.faster() returns trigger language plpgsql as $$ begin return null; end $$;
     create trigger faster before update on holdfast.session for each row execute function public.faster()`,
  );
  const body = { offer, code: codeOf(secret, clock.now()) };
  const { status, body: answer } = await one.browser.send<{ recoveryCodes: string[] }>("PUT", "/v1/account/totp", {
    body,
  });
  await asOwner(database.login, "drop trigger faster on holdfast.session; drop function public.faster()");
  assert.deepEqual([status, answer.recoveryCodes.length], [200, 10]);
  assert.equal((await account(one)).recoveryCodes, 10, "and her session goes on");
  const [code = ""] = answer.recoveryCodes;
  assert.equal(await codeTo("/v1/sign-in", { ...one.who, code }), "201");
});

test("[V6.3.4] nothing lets somebody in by her password alone who has a second factor, and the wrong password learns nothing of it", async () => {
  const one = await enrolled();
  for (const path of signIns) {
    const asked = await open<Problem & { errors: { path: string }[] }>(path, one.who);
    assert.deepEqual([asked.status, asked.body.code], [403, "factor.required"]);
    assert.deepEqual(
      asked.body.errors.map((fault) => fault.path),
      ["totp", "recoveryCode"],
    );
    assert.equal(await codeTo(path, { ...one.who, code: "" }), "factor.invalid");
    assert.equal(await codeTo(path, { ...one.who, code: "000000 " }), "factor.invalid");
    for (const wrong of [{ password: `${password}.` }, { password: `${password}.`, code: one.code() }])
      assert.equal(await codeTo(path, { ...one.who, ...wrong }), "credential.invalid");
    assert.equal(await codeTo(path, one.shown()), "201");
  }
  const further = new Owner(visitor, await platform.setUp());
  clock.move(1_000);
  const secret = secretIn(await further.invite(one.who.email));
  const accept = "/v1/invitations/accept";
  assert.equal(await codeTo(accept, { secret, ...one.who }), "factor.required");
  assert.equal(await codeTo(accept, { secret, ...one.who, code: "123456" }), "factor.invalid");
  assert.equal(await codeTo(accept, { secret, ...one.shown() }), "201");
  const third = new Owner(visitor, await platform.setUp());
  clock.move(1_000);
  const later = secretIn(await third.invite(one.who.email));
  const other = await come();
  const take = async (who: Somebody) =>
    who.browser.send<Problem>("POST", "/v1/account/invitations", { body: { secret: later } });
  assert.equal((await take(other)).body.code, "invitation.invalid", "it was sent to somebody else");
  const taken = await Promise.all(Array.from({ length: 5 }, () => take(one)));
  assert.deepEqual(
    taken.map(({ status }) => status).filter((status) => status < 300),
    [201],
    "as who she has shown to be, and once",
  );
  one.browser.org = third.org;
  assert.equal((await one.browser.send("GET", "/v1/org")).status, 200);
  // That the password is known is told, too.
  await owner.auditedOnce((all) => all.some(({ what }) => what === "factor.asked"), (await account(one)).person.id);
});

test("[V6.5.1] of fifty who bring one code at once, to a page or for a token, one is let in", async () => {
  const one = await enrolled();
  clock.move(3_600_000); // all that may be tried is there again
  const body = one.shown();
  const answers = await Promise.all(
    Array.from({ length: 50 }, async (_, at) => {
      const answer = await visitor.send<Problem>("POST", signIns[at % 2] ?? "", { body });
      return answer.status < 300 ? String(answer.status) : answer.body.code;
    }),
  );
  const counts = Map.groupBy(answers, (said) => said);
  assert.equal(counts.get("201")?.length, 1);
  assert.deepEqual(new Set(answers), new Set(["201", "factor.invalid", "rate.exceeded"]));
  assert.ok((counts.get("factor.invalid")?.length ?? 0) >= 5, "most of the others wait before a code is looked at");
});

test("a code of an earlier step is worth nothing once a later one was used, and the one before is taken when it was not", async () => {
  const one = await enrolled();
  clock.move(2 * step);
  const [earlier, later] = [codeOf(one.secret, clock.now()), codeOf(one.secret, clock.now() + step)];
  clock.move(step);
  assert.equal(await codeTo("/v1/sign-in", { ...one.who, code: later }), "201");
  assert.equal(await codeTo("/v1/sign-in", { ...one.who, code: earlier }), "factor.invalid");
  clock.move(2 * step);
  const before = codeOf(one.secret, clock.now());
  clock.move(step - 2_000 - (clock.now() % step) + step - 2_000);
  assert.equal(await codeTo("/v1/sign-in", { ...one.who, code: before }), "201");
});

test("[V6.5.2] a recovery code has 120 bits, stands in for the app once however it is typed, and is made anew with the others", async () => {
  const one = await enrolled();
  const { recoveryCodes } = one;
  assert.equal(new Set(recoveryCodes).size, 10);
  for (const code of recoveryCodes) assert.match(code, /^([A-Z2-7]{4}-){5}[A-Z2-7]{4}$/);
  const [first = "", second = "", third = ""] = recoveryCodes;
  const typed = ` ${first.toLowerCase().replaceAll("-", " ")}`;
  const body = { ...one.who, code: typed };
  const answers = await Promise.all(Array.from({ length: 10 }, () => open("/v1/sessions", body)));
  assert.deepEqual(
    answers.map(({ status }) => status).filter((status) => status < 300),
    [201],
  );
  assert.equal((await account(one)).recoveryCodes, 9);
  const other = await enrolled();
  assert.equal(await codeTo("/v1/sessions", { ...other.who, code: second }), "factor.invalid", "another's is nothing");
  assert.equal(await codeTo("/v1/sign-in", { ...one.who, code: second }), "201");
  const renewed = await one.browser.good<{ recoveryCodes: string[] }>("POST", "/v1/account/recovery-codes", {});
  assert.equal((await account(one)).recoveryCodes, 10);
  assert.equal(await codeTo("/v1/sign-in", { ...one.who, code: third }), "factor.invalid");
  assert.equal(await codeTo("/v1/sign-in", { ...one.who, code: renewed.recoveryCodes[0] ?? "" }), "201");
  const { id } = (await account(one)).person;
  const told = (await owner.audited(id)).map(({ what, facts }) => [what, facts?.["factor"]].join(" "));
  for (const what of ["factor.used recoveryCode", "factor.codesRenewed "]) assert.ok(told.includes(what), what);
});

test("[V6.5.6] [V7.4.3] somebody turns codes of an app off, and her recovery codes go with them, and her other sessions", async () => {
  const one = await enrolled();
  const other = new CookieBrowser(platform);
  await other.good("POST", "/v1/sessions", one.shown());
  const [code = ""] = one.recoveryCodes;
  const remove = () => one.browser.send<Problem>("DELETE", "/v1/account/totp");
  assert.equal((await remove()).status, 200);
  assert.equal((await other.send("GET", "/v1/account")).status, 401);
  assert.deepEqual([(await remove()).status, (await remove()).body.code], [409, "factor.none"]);
  const renewed = await one.browser.send<Problem>("POST", "/v1/account/recovery-codes", { body: {} });
  assert.equal(renewed.body.code, "factor.none");
  assert.deepEqual([(await account(one)).totp, (await account(one)).recoveryCodes], [undefined, 0]);
  const { id } = (await account(one)).person;
  assert.ok((await owner.audited(id)).some(({ what }) => what === "factor.removed"));
  assert.equal(await codeTo("/v1/sign-in", one.who), "201");
  await one.enrol();
  assert.equal(
    await codeTo("/v1/sign-in", { ...one.who, code }),
    "factor.invalid",
    "not even when there is an app again",
  );
});

test("[V6.3.1] after five wrong codes whoever guesses waits, also when many come at once, and a recovery code waits for nothing", async () => {
  const one = await enrolled();
  const [first = ""] = one.recoveryCodes;
  const right = [-1, 0, 1, 2].map((away) => codeOf(one.secret, clock.now() + away * step));
  const wrong = ["111111", "222222", "333333", "444444", "555555"].find((code) => !right.includes(code)) ?? "";
  const guess = () => open("/v1/sign-in", { ...one.who, code: wrong });
  const answers = await Promise.all(Array.from({ length: 8 }, guess));
  assert.equal(answers.filter(({ body }) => body.code === "factor.invalid").length, 5);
  const late = answers.filter(({ status }) => status === 429);
  assert.equal(late.length, 3);
  for (const { body, headers } of late) {
    assert.equal(body.code, "factor.slowed");
    assert.ok(Number(headers["retry-after"]) > 20 && Number(headers["retry-after"]) <= 30);
  }
  const now = codeOf(one.secret, clock.now());
  assert.equal(await codeTo("/v1/sign-in", { ...one.who, code: now }), "factor.slowed", "so has a right one");
  assert.equal(await codeTo("/v1/sign-in", { ...one.who, code: first }), "201");
  clock.move(30_000);
  assert.equal(await codeTo("/v1/sign-in", one.shown()), "201");
  assert.equal((await guess()).body.code, "factor.invalid", "a right one begins anew");
});

test("whoever writes in the database and has no keys gives nobody a secret that he knows, nor a recovery code", async () => {
  const [one, other] = [await enrolled(), await enrolled()];
  const of = async (who: Somebody) => `'${(await account(who)).person.id.slice(4)}'`;
  const [hers, his] = [await of(one), await of(other)];
  const run = (sql: string) => asOwner(database.login, sql);
  await run(`update holdfast.person_factors t set body = o.body, created_at = o.created_at
    from holdfast.person_factors o where t.person = ${hers} and o.person = ${his}`);
  const { status, body } = await open("/v1/sign-in", { ...one.who, code: other.code() });
  assert.deepEqual([status, body.code], [500, "seal.broken"]);
  await run(
    `insert into holdfast.recovery_code select ${hers}, digest from holdfast.recovery_code where person = ${his}`,
  );
  const [code = ""] = other.recoveryCodes;
  assert.notEqual((await open("/v1/sign-in", { ...one.who, code })).status, 201);
});
