import assert from "node:assert/strict";
import { test } from "node:test";
import pg from "pg";
import { systemClock } from "@holdfast/kernel";
import { freshDatabase, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { Owner, type Problem } from "./authority.fixture.ts";
import { Somebody } from "./factors.fixture.ts";

const password = "correct horse battery staple";
const tables = ["person_factors", "recovery_code"];

test("after an older backup of the database no password lets somebody in alone who has a second factor, no recovery code is good twice, and what was turned off stays off", async (t) => {
  const database = await freshDatabase();
  const clock = new TestClock(systemClock.now());
  const { tls: _, ...login } = database.login;
  const past = new pg.Client(login);
  await past.connect();
  let platform = await startTestPlatform({ database, clock });
  t.after(async () => {
    await past.end();
    await platform.close();
    await database.drop();
  });
  const restart = async (between: () => Promise<void>) => {
    await platform.close();
    await between();
    platform = await startTestPlatform({ database, clock });
  };
  const owner = new Owner(platform.visitor, await platform.setUp());
  const come = async (name: string) => {
    const who = { email: `${name}@example.com`, password };
    await owner.member(who);
    const one = new Somebody(platform, clock, who);
    await one.signIn();
    return one;
  };
  const codeOf = async (one: Somebody, code?: string) => {
    clock.move(2_000);
    const body = { ...one.who, ...(code !== undefined && { code }) };
    const answer = await platform.visitor.anew().send<Problem>("POST", "/v1/sign-in", { body });
    return answer.status === 201 ? "201" : answer.body.code;
  };
  const [late, uses, leaves, altered] = [
    await come("late"),
    await come("uses"),
    await come("leaves"),
    await come("altered"),
  ];
  for (const one of [uses, leaves, altered]) await one.enrol();
  const saved = new Map<string, Record<string, unknown>[]>();
  for (const table of tables) saved.set(table, (await past.query(`select * from holdfast.${table}`)).rows);

  await late.enrol();
  await leaves.browser.good("DELETE", "/v1/account/totp");
  const [first = "", second = ""] = uses.recoveryCodes;
  assert.equal(await codeOf(uses, first), "201");
  await altered.enrol();

  await restart(async () => {
    for (const table of tables) await past.query(`delete from holdfast.${table}`);
    for (const table of tables)
      for (const row of saved.get(table) ?? []) {
        const names = Object.keys(row);
        const places = names.map((_name, at) => `$${at + 1}`).join();
        await past.query(`insert into holdfast.${table} (${names.join()}) values (${places})`, Object.values(row));
      }
  });
  assert.ok(platform.reports.some((line) => line.startsWith("The database had lost what 4 people sign in with")));
  assert.equal(await codeOf(late), "factor.required");
  assert.equal(await codeOf(late, late.code()), "201");
  assert.equal(await codeOf(late, late.recoveryCodes[3]), "201");
  assert.equal(await codeOf(uses, first), "factor.invalid");
  assert.equal(await codeOf(uses, second), "201");
  assert.equal(await codeOf(leaves), "201", "what she turned off is not asked for");
  assert.equal(await codeOf(altered, altered.code()), "201", "by the app that she took later");

  // And what the journal missed it learns: of somebody whose change it did not take.
  const late2 = late.recoveryCodes[4];
  assert.equal(await codeOf(late, late2), "201");
  await restart(async () => undefined);
  assert.ok(!platform.reports.some((line) => line.includes("sign in with beside")), "nothing was lost this time");
  assert.equal(await codeOf(late, late2), "factor.invalid");
});
