import assert from "node:assert/strict";
import { test } from "node:test";
import { newSecret } from "@holdfast/crypto";
import { systemRandom } from "@holdfast/kernel";
import { asOwner, freshDatabase, startTestPlatform, type TestPlatform } from "../testing/index.ts";
import { normalEmail } from "./person.ts";

type Problem = { readonly code: string };
const person = { email: "Ada@Example.com", password: "correct horse battery", org: "Works" };

const linkOf = ({ platform }: TestPlatform): Promise<string> =>
  new Promise((resolve, reject) => {
    platform.watchSetup((link) => resolve(link?.split("#setup=")[1] ?? "")).catch(reject);
  });
const setUp = ({ visitor }: TestPlatform, secret: string, more: object = {}) =>
  visitor.send<Problem & { token: string; org: string }>("POST", "/v1/setup", { body: { secret, ...person, ...more } });

test("[V6.3.2] [V6.4.1] of several who take the set-up link at the same time one gets it, and afterwards nobody", async (t) => {
  const given = await startTestPlatform();
  t.after(() => given.close());
  const secret = await linkOf(given);
  const nobody = "do $$ begin assert not exists (select from holdfast.person), 'no account came with it'; end $$";
  await asOwner(given.database.login, nobody);
  const guessed = await setUp(given, newSecret(systemRandom, "setupLink"));
  assert.deepEqual([guessed.status, guessed.body.code], [403, "setup.invalid"]);
  const weak = await setUp(given, secret, { password: "12 chars no" });
  assert.deepEqual([weak.status, weak.body.code], [422, "password.weak"]);
  // Each in a name of their own: what one address may not do twice is not asked here.
  const names = Array.from({ length: 5 }, (_, n) => `ada-${n}@example.com`);
  const answers = await Promise.all(names.map((email) => setUp(given, secret, { email })));
  assert.equal(answers.filter(({ status }) => status === 201).length, 1);
  for (const { status, body } of answers) if (status !== 201) assert.equal(body.code, "setup.done");
  assert.equal((await setUp(given, secret)).body.code, "setup.done");
  assert.equal((await setUp(given, newSecret(systemRandom, "setupLink"))).body.code, "setup.done");
  assert.equal(await linkOf(given), "", "there is no other link");
  const winner = answers.findIndex(({ status }) => status === 201);
  const signIn = { email: `ada-${winner}@example.COM`, password: person.password };
  const signedIn = await given.visitor.post<{ org: string }>("/v1/sign-in", signIn);
  assert.equal(signedIn.org, answers[winner]?.body.org);
});

test("when founding the organisation fails, the same link can be taken again", async (t) => {
  const given = await startTestPlatform();
  t.after(() => given.close());
  const secret = await linkOf(given);
  const { login } = given.database;
  await asOwner(login, "alter table holdfast.organisation add constraint never check (created_at < 0)");
  assert.equal((await setUp(given, secret)).status, 500);
  await asOwner(login, "alter table holdfast.organisation drop constraint never");
  const { status, body } = await setUp(given, secret);
  assert.equal(status, 201);
  assert.equal((await given.visitor.as(body.token).get<{ org: string }>("/v1/me")).org, body.org);
});

test("after a set-up that was killed half-way the next start offers a new link, and the old one is worth nothing", async (t) => {
  const database = await freshDatabase();
  const first = await startTestPlatform({ database });
  const old = await linkOf(first);
  await first.close();
  // What the first of its two transactions leaves: the link is taken and there is a person, and no organisation.
  await asOwner(
    database.login,
    "update holdfast.setup set taken_at = expires_at - 1",
    "insert into holdfast.person (id, email_index, created_at, body) values (gen_random_uuid(), sha256('x'), 1, '')",
  );
  const second = await startTestPlatform({ database });
  t.after(async () => {
    await second.close();
    await database.drop();
  });
  const fresh = await linkOf(second);
  assert.notEqual(fresh, old);
  assert.equal((await setUp(second, old)).status, 403);
  assert.equal((await setUp(second, fresh)).status, 201);
});

test("an address is the same however it is written", () => {
  assert.equal(normalEmail("  ADA@Example.COM "), normalEmail("ada@example.com"));
  assert.equal(normalEmail("zoe\u0308@example.com"), normalEmail("zo\u00eb@example.com"));
});
