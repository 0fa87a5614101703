import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, systemRandom, type Instant } from "@holdfast/kernel";
import { allActions, formatGrant, instanceActions, parseGrants, type BuiltInRole } from "@holdfast/protocol";
import { differenceOf, noRoles, ofFile, readGrants, setOf, withChange, withRole, without, writtenOf } from "./role.ts";
import { beyondThose, grantsOfMember, grantsOfRole, holds } from "./roles.ts";

const making = { at: 0 as Instant, random: systemRandom };
const role = (name: string, ...grants: string[]) => ({ name, description: "", grants: readGrants(grants) });
const held = (name: BuiltInRole) => grantsOfRole(name, new Map());

test("of the roles of every organisation each holds all that the next one does, and none what is the instance's", () => {
  const order = ["owner", "administrator", "developer", "operator", "viewer"] as const;
  for (const [at, name] of order.entries()) {
    const next = order[at + 1];
    assert.ok(next === undefined || (holds(held(name), held(next)) && !holds(held(next), held(name))), name);
    assert.ok(!held(name).some(({ action }) => instanceActions.includes(action)), name);
  }
  assert.equal(held("owner").length, allActions.length - instanceActions.length);
  const administrator = grantsOfMember({ role: "viewer", administrator: true }, new Map());
  assert.deepEqual(beyondThose(held("viewer"), administrator).map(formatGrant), instanceActions);
});

test("whoever may make a credential by her role may end it and give it another secret", () => {
  for (const name of ["owner", "administrator", "developer", "operator", "viewer"] as const) {
    const its = new Set(held(name).map(({ action }) => action));
    if (!its.has("token.create") && !its.has("accessKey.create") && !its.has("device.mintKey")) continue;
    assert.ok(its.has("credential.revoke") && its.has("credential.rotate"), name);
  }
});

test("a role that is not there any more holds nothing", () => {
  assert.deepEqual(grantsOfRole(newId("role", systemRandom), new Map()), []);
});

test("what is held in one place contains what lies in it, also listed apart, and nothing that could be moved there", () => {
  const [a, b] = [newId("device", systemRandom), newId("device", systemRandom)];
  const app = newId("application", systemRandom);
  for (const [outer, inner, is] of [
    [["device.read"], [`device.read:${app}`, `device.read:${a}`, "device.read:tag:x=1"], true],
    [[`device.read:${a}`, `device.read:${b}`], [`device.read:${a},${b}`], true],
    [[`device.read:${a}`], [`device.read:${a},${b}`], false],
    [[`device.read:${app}`], [`device.read:${a}`], false],
    [["device.read:tag:x=1"], ["device.read:tag:x=2"], false],
    [["device.update"], ["device.read"], false],
  ] as const)
    assert.equal(holds(parseGrants([...outer]), parseGrants([...inner])), is, `${outer.join()} and ${inner.join()}`);
});

test("grants are kept once and in one order, and what could never hold is left out of a wildcard and refused by itself", () => {
  const device = newId("device", systemRandom);
  const texts = (...grants: string[]) => readGrants(grants).map(formatGrant);
  assert.deepEqual(texts("telemetry.read", "device.read", "telemetry.read"), ["device.read", "telemetry.read"]);
  assert.ok(!texts(`device.*:${device}`).some((text) => text.startsWith("device.create")));
  assert.ok(texts(`device.*:${device}`).includes(`device.tag:${device}`));
  for (const text of [`org.read:${device}`, `device.create:${device}`, "metrics.read", "org.*:tag:a=b", "device.fly"])
    assert.throws(
      () => readGrants(["device.read", text], "roles.2.grants"),
      (error: { faults?: { path: string }[] }) => {
        assert.deepEqual(
          error.faults?.map(({ path }) => path),
          ["roles.2.grants"],
        );
        return true;
      },
    );
});

test("two roles of one name, however it is written, and one of a name that every organisation has, are refused", () => {
  const set = withRole(noRoles, role("Night", "device.read"), making);
  for (const name of ["Night", "NIGHT", " ｎight", "owner", "Viewer", newId("role", systemRandom)])
    assert.throws(() => withRole(set, role(name, "device.read"), making), { code: "role.nameTaken" });
  const many = Array.from({ length: 65 }, (_, at) => role(`Role ${at}`, "device.read"));
  assert.throws(() => ofFile(set, many, making), { code: "role.tooMany" });
});

test("a file changes what it changes: what is the same stays the same role of the same version, and what is not in it ends", () => {
  const first = withRole(withRole(noRoles, role("b", "device.read"), making), role("A", "audit.read"), making);
  assert.deepEqual(
    writtenOf(first).map(({ name }) => name),
    ["A", "b"],
  );
  const file = [role("B", "device.read"), role("A", "audit.read"), role("c", "org.read")];
  const after = ofFile(first, file, making);
  const { added, removed, changed } = differenceOf(first, after);
  assert.deepEqual(
    [added, removed, changed].map((all) => all.length),
    [1, 0, 1],
    "another spelling of a name is a change",
  );
  assert.equal(after.roles[0], first.roles[0]);
  assert.equal(after.version, first.version + 1);
  const [one] = first.roles;
  assert.ok(one);
  assert.deepEqual(differenceOf(first, without(first, one.id)).removed, [one]);
  assert.deepEqual(
    differenceOf(first, withChange(first, one.id, { description: "" })).changed,
    [],
    "nothing was changed",
  );
  assert.deepEqual(setOf(1, []), { version: 1, roles: [] });
});
