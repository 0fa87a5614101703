import assert from "node:assert/strict";
import { test } from "node:test";
import { atEnd } from "../apps/server/src/testing/index.ts";
import { Conspiracy } from "./amplification.fixture.ts";

test("two people with limited roles get nothing that neither of them had, by whatever they make, give and change", async () => {
  const conspiracy = await Conspiracy.start();
  atEnd.after(() => conspiracy.close());
  for (let seed = 1; seed <= 20; seed += 1) await conspiracy.run(seed);
  for (const what of [
    "mint a token",
    "mint an access key",
    "make a role",
    "change a role",
    "give a role",
    "apply a file",
  ])
    assert.ok((conspiracy.done.get(what) ?? 0) > 0, `${what}: ${JSON.stringify([...conspiracy.done])}`);
});
