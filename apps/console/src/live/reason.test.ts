import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, systemRandom } from "@holdfast/kernel";
import { reasonOf } from "./reason.ts";

const at = "2026-01-01T12:00:00.000Z";
const refused = { device: newId("device", systemRandom), at, action: "telemetry.write", transport: "mqtt" };

test("a reason is said once, and what the sentence leaves out is said behind it", () => {
  const title = "A value has another type than its attribute. Nothing of the message was kept.";
  const detail = '"on" is a number, and this is a text.';
  const errors = [{ path: "on", message: "is a number, and this is a text" }];
  const wrongType = { ...refused, code: "telemetry.wrongType", title };
  assert.equal(reasonOf({ ...wrongType, detail, errors }), `${title} ${detail}`);
  assert.equal(reasonOf({ ...wrongType, errors }), `${title} on: is a number, and this is a text`);
  assert.equal(reasonOf({ ...wrongType, because: "the clause" }), `${title} (the clause)`);
});

test("of a wrong secret the reason is what those who watch may know, not what a stranger is told", () => {
  const connect = { ...refused, action: "connect", code: "credential.invalid", title: "This credential is not known." };
  assert.equal(
    reasonOf({ ...connect, detail: "The key is known, the secret is wrong.", because: "a wrong secret" }),
    "The key is known, the secret is wrong.",
  );
  assert.equal(reasonOf(connect), "This credential is not known.");
});
