import assert from "node:assert/strict";
import { test } from "node:test";
import { atEnd } from "../apps/server/src/testing/index.ts";
import { Comer, enter, startHouse, startProvider, type Account } from "./provider.fixture.ts";
import type { SignedIn } from "./cookie-browser.fixture.ts";

const house = await startHouse();
atEnd.after(() => house.close());
const { owner, platform } = house;
const accounts = new Map<string, Account>([
  ["ada", { email: "ada@house.example", email_verified: true, groups: ["staff", "operators"] }],
  ["bob", { email: "bob@house.example", email_verified: true, groups: [] }],
]);
const provider = await enter(house, {
  joins: "viewer",
  roles: { claim: "groups", map: [{ value: "operators", role: "operator" }] },
});
startProvider(house, accounts);

test("whoever comes by the provider for the first time becomes a member as what her groups say, in that organisation alone", async () => {
  const ada = new Comer(house);
  const answer = await ada.come("ada", { org: owner.org, to: `/o/${owner.org}/devices` });
  assert.deepEqual([answer.status, answer.body], [201, { org: owner.org, to: `/o/${owner.org}/devices` }]);
  const session = await ada.good<SignedIn & { provider: string }>("GET", "/v1/session");
  assert.deepEqual(
    { email: session.person.email, provider: session.provider, orgs: session.orgs.map(({ id, role }) => [id, role]) },
    { email: "ada@house.example", provider: provider.id, orgs: [[owner.org, "operator"]] },
  );
  void platform;
});
