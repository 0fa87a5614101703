import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, systemRandom as random, uuidOf } from "@holdfast/kernel";
import { asOwner, freshStorage, TestClock } from "../testing/index.ts";
import { Authentication } from "./authentication.ts";
import { cameBy } from "./circumstances.ts";
import { Journal } from "./journal.ts";
import { authorityIn } from "./postgres.ts";
import { Revocation } from "./revocation.ts";
import { Sessions } from "./sessions.ts";
import { asPlatform, Spaces } from "./spaces.ts";
import { TokenKeys } from "./token-keys.ts";

test("[V7.1.2] [V7.2.2] [V7.2.3] each sign-in has 256 random bits of its own, and at more than fifty places the one that was used least lately ends", async (t) => {
  const clock = new TestClock();
  const { storage, keyring: keys, database, close } = await freshStorage({ clock });
  t.after(close);
  const things = async () => ({ devices: new Map(), applications: new Set<never>(), products: new Map() });
  const spaces = new Spaces({ storage, things, demands: async () => ({}) });
  const journal = new Journal({ book: keys.journal, report: assert.fail });
  const tokenKeys = await TokenKeys.load({ storage, random });
  const authentication = new Authentication({ storage, spaces, tokenKeys, clock, random, onRefusal: () => undefined });
  const revocation = new Revocation({ storage, spaces, journal });
  const sessions = new Sessions({ storage, keys, spaces, authentication, revocation, clock, random });
  const [org, person] = [newId("org", random), newId("person", random)];
  const scope = await storage.makeOrg(org);
  await asOwner(
    database.login,
    `insert into holdfast.person values ('${uuidOf(person)}', sha256('x'), 1, '');
      begin; set local app.org = '${uuidOf(org)}'; insert into holdfast.organisation values ('${uuidOf(org)}', 1, 1, ''); commit`,
  );
  await storage.change(asPlatform(scope), async (unit) => {
    await authorityIn(unit).saveMember(person, { role: "owner" });
    unit.audit({ what: "made", about: org });
  });
  const signIn = async () => {
    clock.move(1_000);
    const visit = { address: "192.0.2.7", agent: "", origin: undefined };
    return (await sessions.begin(person, { proofs: ["password"], visit })).cookie;
  };
  const ask = (cookie: string) => sessions.callerIn(cookie, org, cameBy("https", "192.0.2.7", "TLSv1.3", undefined));
  const [first, second, third] = [await signIn(), await signIn(), await signIn()];
  clock.move(1_000);
  await ask(first);
  const cookies = [first, second, third];
  while (cookies.length < 51) cookies.push(await signIn());
  assert.equal(new Set(cookies).size, 51);
  for (const cookie of cookies) assert.equal(Buffer.from(cookie.slice(4, -6), "base64url").length, 32);
  assert.equal((await sessions.ofPerson(person)).length, 50);
  await assert.rejects(ask(second), { code: "credential.invalid" });
  for (const cookie of [first, third]) await ask(cookie);
});
