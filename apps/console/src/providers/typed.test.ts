import assert from "node:assert/strict";
import { test } from "node:test";
import { routes } from "@holdfast/protocol";
import { typedOf, writtenOf } from "./typed.ts";

const blank = typedOf(undefined);
const typed = { ...blank, name: "House", issuer: " https://login.example ", clientId: "client" };

test("what is typed of a provider is sent as the platform takes it, and what is left empty is left out or taken away", () => {
  const { made, changed } = writtenOf(typed);
  assert.deepEqual(made, {
    name: "House",
    issuer: "https://login.example",
    clientId: "client",
    scopes: ["email", "profile"],
  });
  assert.deepEqual(changed, { ...made, shortName: null, joins: null, roles: null, secondFactor: null });
  const whole = writtenOf({
    ...typed,
    scopes: "  email   groups ",
    shortName: " House ",
    joins: "viewer",
    claim: " groups ",
    map: [
      { value: " operators ", role: "operator" },
      { value: " ", role: "owner" },
    ],
    amr: "mfa  hwk",
  });
  const roles = { claim: "groups", map: [{ value: "operators", role: "operator" }] };
  const more = {
    scopes: ["email", "groups"],
    shortName: "house",
    joins: "viewer",
    roles,
    secondFactor: { amr: ["mfa", "hwk"] },
  };
  assert.deepEqual(whole.made, { ...made, ...more });
  assert.deepEqual(whole.changed, whole.made);
  for (const body of [made, whole.made]) assert.ok(routes.createProvider.body.safeParse(body).success);
  for (const body of [changed, whole.changed]) assert.ok(routes.updateProvider.body.safeParse(body).success);
});
