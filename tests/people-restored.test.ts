import assert from "node:assert/strict";
import { test } from "node:test";
import pg from "pg";
import { freshDatabase, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { Owner, secretIn, type Invitation, type Problem } from "./authority.fixture.ts";

const password = "correct horse battery staple";
const tables = ["invitation", "member", "revocation"]; // in the order in which they can be emptied

test("an older backup of the database brings back nobody who was removed, no greater role and no invitation", async (t) => {
  const database = await freshDatabase();
  const { tls: _, ...login } = database.login;
  const past = new pg.Client(login);
  await past.connect();
  let platform = await startTestPlatform({ database });
  t.after(async () => {
    await past.end();
    await platform.close();
    await database.drop();
  });
  const restart = async (between: () => Promise<void>) => {
    await platform.close();
    await between();
    platform = await startTestPlatform({ database });
  };
  const owner = new Owner(platform.visitor, await platform.setUp());
  const now = () => new Owner(platform.visitor, owner);
  const [removed, demoted, stays] = ["removed", "demoted", "stays"].map((name) => ({
    email: `${name}@example.com`,
    password,
  })) as [Who, Who, Who]; // as many as names
  const { person } = await owner.member(removed, "owner");
  const { person: smaller } = await owner.member(demoted, "owner");
  await owner.member(stays);
  const taken = await owner.invite("taken@example.com");
  const withdrawn = await owner.invite("withdrawn@example.com", "owner");

  const saved = new Map<string, Record<string, unknown>[]>();
  await restart(async () => {
    for (const table of tables) saved.set(table, (await past.query(`select * from holdfast.${table}`)).rows);
  });
  const { asks } = now();
  const answerTo = async (path: string, body: object) => {
    const answer = await platform.visitor.send<Problem>("POST", path, { body });
    return answer.status === 201 ? "201" : answer.body.code;
  };
  const accept = ({ email, link }: Invitation) =>
    answerTo("/v1/invitations/accept", { secret: secretIn({ link }), email, password });
  await asks.delete(`/v1/members/${person}`);
  await asks.patch(`/v1/members/${smaller}`, { role: "viewer" });
  await asks.delete(`/v1/invitations/${withdrawn.id}`);
  assert.equal(await accept(taken), "201");
  assert.equal(await answerTo("/v1/sign-in", demoted), "201", "as a viewer");

  await restart(async () => {
    for (const table of tables) await past.query(`delete from holdfast.${table}`);
    for (const table of tables.toReversed())
      for (const row of saved.get(table) ?? []) {
        const names = Object.keys(row);
        const places = names.map((_, at) => `$${at + 1}`).join();
        await past.query(`insert into holdfast.${table} (${names.join()}) values (${places})`, Object.values(row));
      }
  });
  assert.equal(await answerTo("/v1/sign-in", removed), "credential.invalid");
  assert.equal(await answerTo("/v1/sign-in", demoted), "credential.invalid", "until somebody invites her again");
  assert.equal(await answerTo("/v1/sign-in", stays), "201");
  for (const invitation of [taken, withdrawn]) assert.equal(await accept(invitation), "invitation.invalid");
  assert.equal((await now().member(removed)).person, person);
  assert.equal(await answerTo("/v1/sign-in", removed), "201");
});

type Who = { readonly email: string; readonly password: string };
