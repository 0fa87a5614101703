import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, Refusal, systemRandom } from "@holdfast/kernel";
import { allActions, type Action } from "@holdfast/protocol";
import type { OrgScope, Storage } from "../storage/index.ts";
import type { Minting } from "./minting.ts";
import { Permit, Reach } from "./permit.ts";

declare const minting: Minting;
declare const storage: Storage;
declare const reading: Permit<"device.read">;

// @ts-expect-error what may be done with one action's permit says nothing of another's
export const _otherPermit = () => minting.token(reading, { name: "", grants: [], lifetime: undefined });
// @ts-expect-error a string that somebody typed is no organisation
export const _scope = () => storage.read({ scope: "org_1", actor: { kind: "platform" } }, () => Promise.resolve());
// @ts-expect-error an identifier of a device is none of an application
export const _kind = () => new Permit({} as never, "device.create", reading.on, {} as OrgScope);

const scope = { org: newId("org", systemRandom) } as OrgScope; // nothing here seals

test("a permit asks again whenever its scope is taken: what was allowed may have ended while it waited", () => {
  const asked: Action[] = [];
  let isOver = false;
  const asker = {
    actor: { kind: "platform" } as const,
    user: undefined,
    attributesOf: () => undefined,
    askAgain: (action: Action) => {
      asked.push(action);
      if (isOver) throw new Refusal("credential.invalid");
    },
  };
  const permit = new Permit(asker, "device.retire", newId("device", systemRandom), scope);
  const reach = new Reach(asker, "device.read", scope, []);
  assert.deepEqual([permit.scope, reach.scope], [scope, scope]);
  isOver = true;
  assert.throws(() => permit.scope, { code: "credential.invalid" });
  assert.throws(() => reach.scope, { code: "credential.invalid" });
  assert.deepEqual(asked, ["device.retire", "device.read", "device.retire", "device.read"]);
});

test("what only looks like a permit says nobody's name", () => {
  const asker = {
    actor: { kind: "platform" } as const,
    askAgain: () => undefined,
    user: undefined,
    attributesOf: () => undefined,
  };
  const permit = new Permit(asker, "org.read", scope.org, scope);
  assert.equal(Permit.askerOf(permit), asker);
  for (const lookalike of [{ scope, actor: permit.actor }, Object.assign({}, permit, { scope, actor: permit.actor })])
    assert.throws(() => Permit.askerOf(lookalike), TypeError);
});

test("the actions are named by what they are about, and each once", () => {
  assert.equal(new Set(allActions).size, allActions.length);
  for (const action of allActions) assert.match(action, /^[a-z][A-Za-z]*\.[a-z][A-Za-z]*$/);
});
