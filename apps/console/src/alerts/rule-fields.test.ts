import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, systemRandom } from "@holdfast/kernel";
import { faultsIn, fieldsOf, wantedOf, webhooksFor } from "./rule-fields.ts";

const id = <const K extends Parameters<typeof newId>[0]>(kind: K) => newId(kind, systemRandom);
const wanted = {
  name: "Away",
  states: ["offline" as const, "silent" as const],
  after: "5m",
  people: [id("person")],
  webhooks: [id("webhook")],
};
const rest = { id: id("alertRule"), createdAt: "2026-01-01T12:00:00.000Z", version: 3 };

test("a rule that is looked at and saved as it stands says the same, whichever devices it is about", () => {
  for (const which of [{ all: true as const }, { product: id("product") }, { tag: { key: "floor", value: "3" } }])
    assert.deepEqual(wantedOf(fieldsOf({ ...wanted, ...rest, of: which })), { ...wanted, of: which });
});

test("a rule that is being made is about all that is offline for a minute, and tells nobody yet", () => {
  const begun = wantedOf({ ...fieldsOf(undefined), name: "Away" });
  assert.deepEqual(begun, {
    name: "Away",
    states: ["offline"],
    after: "1m",
    of: { all: true },
    people: [],
    webhooks: [],
  });
});

test("a webhook that a rule names and that is gone is there to be taken off, and no other", () => {
  const [desk, pager, gone] = [id("webhook"), id("webhook"), id("webhook")];
  const webhooks = [
    { id: desk, name: "Desk", state: "enabled" as const },
    { id: pager, name: "Pager", state: "disabled" as const },
  ];
  const labels = (told: readonly string[]) => webhooksFor(told, webhooks).map(({ label }) => label);
  assert.deepEqual(labels([desk, gone]), [`${gone}, removed`, "Desk", "Pager (disabled)"]);
  assert.equal(webhooksFor([gone], webhooks, [gone])[0]?.label, `${gone}, altered in the database`);
  assert.deepEqual(labels([desk]), ["Desk", "Pager (disabled)"]);
  assert.deepEqual(webhooksFor([gone], []), [{ id: gone, label: `${gone}, removed` }]);
  assert.deepEqual(webhooksFor([gone], undefined), [], "before the list came nobody knows what is gone");
});

test("what the platform would refuse is said before it is asked", () => {
  for (const good of ["1s", "90s", " 15m ", "24h", "31d"]) assert.equal(faultsIn.after(good), null, good);
  for (const bad of ["", "0s", "5", "1w", "32d", "745h", "1.5h", "-1m"])
    assert.notEqual(faultsIn.after(bad), null, bad);
  assert.notEqual(faultsIn.states([]), null);
  const ofTag = { ...fieldsOf(undefined), by: "tag" as const };
  assert.notEqual(faultsIn.key(" ", ofTag), null);
  assert.equal(faultsIn.key("", { ...ofTag, by: "all" }), null);
  assert.notEqual(faultsIn.product("", { ...ofTag, by: "product" }), null);
});
