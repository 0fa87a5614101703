import assert from "node:assert/strict";
import { test } from "node:test";
import { atEnd } from "../apps/server/src/testing/index.ts";
import { startOrgs, textOf, type Problem } from "./authority.fixture.ts";

// People: what they found, whom they invite, and what is left when they go.
const { platform, visitor, ours } = await startOrgs();
atEnd.after(() => platform.close());
const owner = { email: "owner@example.com", password: "correct horse battery staple" };

type SignedIn = { readonly token: string; readonly expiresAt: string };

test("nothing that was lent a person's rights makes an organisation, which would outlast it", async () => {
  const program = await ours.tokenOf(["org.create"], { expiresIn: "20s" });
  const operator = await ours.operatorKey({ grants: ["org.create"], expiresIn: "20s" });
  for (const credential of [program.token, textOf(operator)]) {
    const { status, body } = await visitor.as(credential).send<Problem>("POST", "/v1/orgs", { body: { name: "Kept" } });
    assert.deepEqual([status, body.code], [403, "permit.missing"]);
  }
});

test("the token of a further organisation ends no later than the sign-in that made it", async () => {
  const signIn = { ...owner, org: ours.org, grants: ["org.create"], expiresIn: "20s" };
  const brief = await visitor.post<SignedIn>("/v1/sign-in", signIn);
  const further = await visitor.as(brief.token).post<SignedIn>("/v1/orgs", { name: "Further" });
  assert.ok(further.expiresAt <= brief.expiresAt, `${further.expiresAt} and ${brief.expiresAt}`);
  const there = visitor.as(further.token);
  const made = await there.post<SignedIn>("/v1/tokens", { name: "x", grants: ["org.read"], expiresIn: "90d" });
  assert.ok(made.expiresAt <= brief.expiresAt);
  const long = await visitor.post<SignedIn>("/v1/sign-in", { ...signIn, expiresIn: "90d" });
  const another = await visitor.as(long.token).post<SignedIn>("/v1/orgs", { name: "Another" });
  assert.ok(Date.parse(another.expiresAt) < Date.parse(long.expiresAt) - 80 * 86_400_000, "a day, as after signing in");
});
