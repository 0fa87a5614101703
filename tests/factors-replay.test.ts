import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, Refusal, systemRandom as random, uuidOf } from "@holdfast/kernel";
import { Journal, Spaces } from "../apps/server/src/authority/index.ts";
import { Factors } from "../apps/server/src/identity/index.ts";
import { asOwner, freshStorage, TestClock } from "../apps/server/src/testing/index.ts";
import { codeOf, step } from "./factors.fixture.ts";

test("[V6.5.1] of fifty who bring one code to the database at once one is let in", async (t) => {
  const clock = new TestClock();
  const { storage, keyring: keys, database, close } = await freshStorage({ clock });
  t.after(close);
  const things = async () => ({ devices: new Map(), applications: new Set<never>(), products: new Map() });
  const spaces = new Spaces({ storage, things, demands: async () => ({}) });
  const journal = new Journal({ book: keys.journal, report: assert.fail });
  const factors = await Factors.open({ storage, keys, spaces, journal, clock, random, report: assert.fail });
  const ada = newId("person", random);
  await asOwner(database.login, `insert into holdfast.person values ('${uuidOf(ada)}', sha256('${ada}'), 1, '')`);
  const { secret, offer } = factors.offerTotp(ada, { issuer: "Holdfast", account: "ada@example.com" });
  const shown = { offer, code: codeOf(secret, clock.now()) };
  await factors.addTotp(ada, shown, { do: "tellFactors", person: ada, what: "factor.added" });
  clock.move(step);
  const code = codeOf(secret, clock.now());
  const bring = () =>
    factors.beside(ada, code).then(
      (proofs) => proofs.join(),
      (error: unknown) => (error instanceof Refusal ? error.code : assert.fail(String(error))),
    );
  const answers = await Promise.all(Array.from({ length: 50 }, bring));
  assert.deepEqual(
    answers.filter((said) => said !== "factor.invalid" && said !== "factor.slowed"),
    ["totp"],
  );
  assert.ok(answers.filter((said) => said === "factor.invalid").length >= 4, "and who waits had tried");
});
