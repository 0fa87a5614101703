import assert from "node:assert/strict";
import { test } from "node:test";
import pg from "pg";
import { freshDatabase, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { Owner, secretIn, type Invitation, type Problem, type Role } from "./authority.fixture.ts";

const password = "correct horse battery staple";
const tables = ["invitation", "role_set", "member", "revocation"]; // in the order in which they can be emptied

test("an older backup of the database brings back nobody who was removed, no greater role, nothing that a role held before and no invitation", async (t) => {
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
  const [removed, demoted, stays, narrowed] = ["removed", "demoted", "stays", "narrowed"].map((name) => ({
    email: `${name}@example.com`,
    password,
  })) as [Who, Who, Who, Who]; // as many as names
  const { person } = await owner.member(removed, "owner");
  const { person: smaller } = await owner.member(demoted, "owner");
  const [before, untouched] = await Promise.all([
    owner.role("Before", ["device.read", "audit.read"]),
    owner.role("Untouched", ["device.read"]),
  ]);
  await owner.member(stays, untouched.id);
  await owner.member(narrowed, before.id);
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
  await asks.patch(`/v1/roles/${before.id}`, { grants: ["device.read"] });
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
  const holds = async (id: string) => (await now().asks.get<Role>(`/v1/roles/${id}`)).grants;
  assert.deepEqual(await holds(before.id), [], "until somebody gives it again");
  assert.deepEqual(await holds(untouched.id), ["device.read"]);
  const { token } = await platform.visitor.post<{ token: string }>("/v1/sign-in", narrowed);
  assert.equal((await platform.visitor.as(token).send("GET", "/v1/audit")).status, 403);
  await now().asks.patch(`/v1/roles/${before.id}`, { grants: ["device.read", "audit.read"] });
  assert.equal((await platform.visitor.as(token).send("GET", "/v1/audit")).status, 403, "by a token from before");
  const again = await platform.visitor.post<{ token: string }>("/v1/sign-in", narrowed);
  assert.equal((await platform.visitor.as(again.token).send("GET", "/v1/audit")).status, 200);
  for (const invitation of [taken, withdrawn]) assert.equal(await accept(invitation), "invitation.invalid");
  assert.equal((await now().member(removed)).person, person);
  assert.equal(await answerTo("/v1/sign-in", removed), "201");
});

type Who = { readonly email: string; readonly password: string };
