import assert from "node:assert/strict";
import { test } from "node:test";
import { causeOfCode, codeOfCause, sentenceOfCause } from "./presence.ts";

test("the numbers that the database keeps for causes never mean another cause", () => {
  const causes = Array.from({ length: 14 }, (_, code) => causeOfCode(code));
  assert.equal(
    causes.join(" "),
    "goodbye silent broken replaced suspended retired revoked expired rules slow unkept asked stopped fault",
  );
  assert.ok(causes.every((cause, code) => codeOfCause(cause) === code && sentenceOfCause(cause) !== ""));
});
