import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, Refusal, systemRandom } from "@holdfast/kernel";
import { MessageSeals } from "./message-seals.ts";
import { world } from "./store.fixture.ts";

test("a generation's key opens its rows until it is destroyed; where this keyring never had it, another generation begins and its name stays free", async (t) => {
  const { keyring: keys } = await world(t);
  const begun = async (org: ReturnType<typeof newId<"org">>, greatest: number) => {
    const seals = new MessageSeals({ keys, random: systemRandom });
    await seals.begin(org, greatest);
    return seals;
  };
  const org = newId("org", systemRandom);
  const seals = await begun(org, 0);
  const first = seals.of(org);
  const sealed = first.seal(7, Uint8Array.of(1, 2));
  assert.equal(first.generation, 1);
  const found = await (await begun(org, 1)).find(org, 1);
  assert.ok(typeof found === "object");
  assert.deepEqual(new Uint8Array(found.open(7, sealed)), Uint8Array.of(1, 2));
  assert.throws(() => found.open(8, sealed), Refusal);

  await seals.next(org);
  await seals.destroyOld(org);
  assert.deepEqual([seals.of(org).generation, await seals.find(org, 1)], [2, "erased"]);
  assert.equal((await begun(org, 1)).of(org).generation, 2, "after an older copy of the data");

  const older = await begun(org, 5);
  assert.deepEqual([older.of(org).generation, await older.find(org, 5)], [6, "missing"]);
  await older.destroyAll(org);
  assert.equal(await older.find(org, 6), "erased");
});
