import assert from "node:assert/strict";
import { test } from "node:test";
import { logoutTokenLifetime } from "@holdfast/crypto";
import { newId, systemRandom } from "@holdfast/kernel";
import { TestClock } from "../testing/index.ts";
import { Heeded } from "./heeded.ts";

const clock = new TestClock();
const [house, flood] = [newId("provider", systemRandom), newId("provider", systemRandom)];

test("a logout token is heeded once for as long as it is good, and one provider that sends very many forgets its own alone", () => {
  const heeded = new Heeded({ clock });
  assert.equal(heeded.isNew(house, "one"), true);
  clock.move((logoutTokenLifetime + 60) * 1_000);
  assert.equal(heeded.isNew(house, "one"), false);
  assert.equal(heeded.isNew(flood, "one"), true, "another provider's");
  for (let count = 0; count < 3_000; count += 1) heeded.isNew(flood, `${count}`);
  assert.equal(heeded.size, 1_001);
  assert.equal(heeded.isNew(house, "one"), false);
  clock.move(3_600_000);
  assert.equal(heeded.isNew(flood, "another"), true);
  assert.equal(heeded.size, 1, "what is over is forgotten, of all");
});
