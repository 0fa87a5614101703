import assert from "node:assert/strict";
import { test } from "node:test";
import { asOwner, atEnd } from "../apps/server/src/testing/index.ts";
import { Owner, secretIn, type Problem, type SignedIn } from "./authority.fixture.ts";
import { CookieBrowser } from "./cookie-browser.fixture.ts";
import { Mailed, secretOf } from "./mail.fixture.ts";

// Addresses of people: proved by a link that was mailed, and only then theirs.
const mailed = await Mailed.start();
atEnd.after(() => mailed.close());
const { platform, clock } = mailed;
const { visitor } = platform;
const ours = await mailed.owner();
const password = "correct horse battery staple";
const day = 24 * 3_600_000;

type Address = { email: string; verifiedAt?: string; by: string };
const codeOf = ({ status, body }: { status: number; body: unknown }): string =>
  status < 300 ? "ok" : (body as Problem).code; // errors are RFC 9457
async function browserOf(email: string): Promise<CookieBrowser> {
  clock.move(2_000);
  const browser = new CookieBrowser(platform);
  await browser.signIn({ email, password });
  return browser;
}
const addressOf = (browser: CookieBrowser) => browser.good<Address>("GET", "/v1/account/email");
const verify = async (link: string) => codeOf(await mailed.open("/v1/email/verification", { secret: secretOf(link) }));
const changeTo = async (browser: CookieBrowser, email: string) => {
  clock.move(2_000);
  return browser.send<{ by: string }>("POST", "/v1/account/email", { body: { email } });
};
const accept = (secret: string, email: string) =>
  mailed.open<SignedIn & Problem>("/v1/invitations/accept", { secret, email, password });
const heard = async (about: string) => (await ours.audited(about)).map(({ what }) => what);

test("an invitation that came by mail proves the address, and one that was handed over does not", async () => {
  type Made = { readonly link: string; readonly isMailed: boolean };
  const [mailedTo, handedTo] = ["by-mail@example.com", "by-hand@example.com"];
  const made = await ours.asks.post<Made>("/v1/invitations", { email: mailedTo, role: "viewer" });
  assert.equal(made.isMailed, true);
  const { link, text } = await mailed.mailTo(mailedTo, "You are invited to “First”");
  assert.match(text, /^owner@example\.com invites you to “First”\./);
  assert.notEqual(secretIn({ link }), secretIn(made), "whoever invites does not see what proves the address");
  assert.equal(codeOf(await accept(secretIn({ link }), mailedTo)), "ok");
  assert.match((await addressOf(await browserOf(mailedTo))).verifiedAt ?? "", /^\d{4}-/);
  assert.equal(codeOf(await accept(secretIn(made), mailedTo)), "invitation.invalid", "one of the two, once");

  const handed = await ours.invite(handedTo);
  const unread = await mailed.mailTo(handedTo, "You are invited to “First”");
  assert.equal(codeOf(await accept(secretIn(handed), handedTo)), "ok");
  assert.equal(codeOf(await accept(secretIn(unread), handedTo)), "invitation.invalid");
  assert.equal((await addressOf(await browserOf(handedTo))).verifiedAt, undefined);
  const { link: proof } = await mailed.mailTo(handedTo, "Is this your address?");
  assert.equal(await verify(proof), "ok");
  assert.match((await addressOf(await browserOf(handedTo))).verifiedAt ?? "", /^\d{4}-/);
});

test("an address becomes hers when she opens the link that was sent there, and the one before is told", async () => {
  const [before, after] = ["before@example.com", "after@example.com"];
  const { person } = await ours.member({ email: before, password });
  const browser = await browserOf(before);
  const reset = mailed.open("/v1/password/forgot", { email: before });
  assert.deepEqual((await reset).body, { by: "mail" });
  const toOld = (await mailed.mailTo(before, "Choose a new password")).link;
  assert.deepEqual((await changeTo(browser, after)).body, { by: "mail" });
  assert.equal((await addressOf(browser)).email, before, "nothing has changed yet");
  const { link } = await mailed.mailTo(after, "Is this your address?");
  assert.equal(await verify(link), "ok");
  const told = await mailed.mailTo(before, "Your account has another address");
  assert.ok(told.text.includes(after));
  const now = await addressOf(browser);
  assert.deepEqual([now.email, typeof now.verifiedAt], [after, "string"]);
  assert.equal(codeOf(await mailed.open("/v1/sign-in", { email: before, password })), "credential.invalid");
  assert.equal(codeOf(await mailed.open("/v1/sign-in", { email: after, password })), "ok");
  const used = await mailed.open("/v1/password/reset", { secret: secretOf(toOld), password: "mossy lantern oats" });
  assert.equal(codeOf(used), "link.invalid", "what was sent to the address of before is worth nothing");
  for (const what of ["email.changeAsked", "email.changed"]) assert.ok((await heard(person)).includes(what), what);
  assert.ok(!JSON.stringify(await ours.audited()).includes("after@"));
});

test("nobody learns from asking for an address whether it is somebody's, and nobody takes one that is", async () => {
  await ours.member({ email: "taken@example.com", password });
  await ours.member({ email: "wants@example.com", password });
  const browser = await browserOf("wants@example.com");
  const [taken, free] = [await changeTo(browser, "Taken@example.com"), await changeTo(browser, "free@example.com")];
  assert.deepEqual([taken.status, taken.body], [free.status, free.body]);
  const { link } = await mailed.mailTo("Taken@example.com", "Is this your address?");
  assert.equal(await verify(link), "email.taken");
  assert.equal((await addressOf(browser)).email, "wants@example.com");
  for (const email of ["nobody", "a@b.example, c@d.example", "a@b.example\r\nBcc: c@d.example"])
    assert.equal(codeOf(await changeTo(browser, email)), "request.malformed");
});

test("how often strangers asked for links says nothing of who has an account, and keeps nobody else's letters back", async () => {
  const [known, nobody] = ["known@example.com", "nobody@example.com"];
  const { person } = await ours.member({ email: known, password });
  await ours.asks.delete(`/v1/members/${person}`);
  await ours.member({ email: "spy@example.com", password });
  const browser = await browserOf("spy@example.com");
  for (let time = 0; time < 6; time += 1)
    for (const email of [known, nobody]) await mailed.open("/v1/password/forgot", { email });
  for (let time = 0; time < 5; time += 1) await mailed.mailTo(known, "Choose a new password");
  for (const email of [known, nobody]) {
    const answers: string[] = [];
    for (let time = 0; time < 6; time += 1) answers.push(codeOf(await changeTo(browser, email)));
    assert.deepEqual(answers, ["ok", "ok", "ok", "ok", "ok", "rate.exceeded"], email);
    const made = await ours.asks.post<{ isMailed: boolean }>("/v1/invitations", { email, role: "viewer" });
    assert.equal(made.isMailed, true, email);
  }
});

test("[V6.4.2] an account has no hint and no secret question", async () => {
  const browser = await browserOf("owner@example.com");
  assert.deepEqual(Object.keys(await addressOf(browser)).toSorted(), ["by", "email"]);
});

test("an organisation mails two hundred invitations a day, and whoever invites has the link of the next all the same", async () => {
  const owner = new Owner(visitor, await platform.setUp());
  type Made = { readonly link: string; readonly isMailed: boolean };
  const invite = (email: string) => owner.asks.post<Made>("/v1/invitations", { email, role: "viewer" });
  assert.equal((await invite("one@example.com")).isMailed, true);
  await asOwner(
    platform.database.login,
    `insert into holdfast.invitation (org, id, digest, email_index, invited_by, issued_seq, created_at, expires_at, body)
       select org, gen_random_uuid(), sha256(at::text::bytea), sha256(at::text::bytea), invited_by, issued_seq, created_at, expires_at, body
         from holdfast.invitation, generate_series(1, 199) as at where org = '${owner.org.slice(4)}'`,
  );
  const last = await invite("last@example.com");
  assert.deepEqual([last.isMailed, last.link.includes("#invitation=hfi_")], [false, true]);
});

test("whoever sets the platform up proves the address by the link that is mailed, once and within a day", async () => {
  const browser = await browserOf("owner@example.com");
  assert.deepEqual(await addressOf(browser), { email: "owner@example.com", by: "mail" });
  await browser.good("POST", "/v1/account/email/verification", {});
  const late = await mailed.mailTo("owner@example.com", "Is this your address?");
  clock.set(clock.now() + day);
  assert.equal(await verify(late.link), "link.invalid");
  const again = await browserOf("owner@example.com");
  await again.good("POST", "/v1/account/email/verification", {});
  const { link } = await mailed.mailTo("owner@example.com", "Is this your address?");
  assert.match(link, /#verify=hfe_[\w-]{49}$/);
  const answer = await mailed.open("/v1/email/verification", { secret: secretOf(link) });
  assert.deepEqual(answer.body, { email: "owner@example.com" });
  assert.equal(answer.headers["set-cookie"], undefined, "[V6.3.6] a link by mail signs nobody in");
  assert.equal(await verify(link), "link.invalid");
  assert.match((await addressOf(again)).verifiedAt ?? "", /^\d{4}-/);
  const { body } = await mailed.open<SignedIn>("/v1/sign-in", { email: "owner@example.com", password });
  const entries = await new Owner(visitor, body).audited(body.person);
  assert.ok(entries.some(({ what }) => what === "email.verified"));
});
