import assert from "node:assert/strict";
import { test } from "node:test";
import { Refusal } from "@holdfast/kernel";
import type { LiveStranger } from "@holdfast/protocol";
import { TestClock } from "../testing/index.ts";
import { Strangers } from "./strangers.ts";

function lookedOut() {
  const clock = new TestClock();
  const strangers = new Strangers({ clock });
  const seen: LiveStranger[] = [];
  let isThere = true;
  strangers.showTo({ wants: () => isThere, came: (one) => void seen.push(one) });
  const come = (address: string, code = "tls.untrusted") =>
    strangers.tell({ address, transport: "mqtt", code, title: "" });
  return { clock, strangers, seen, come, leave: () => (isThere = false) };
}

test("of one address ten are told in a second, of all a hundred, and in the next second again", () => {
  const { clock, seen, come, leave } = lookedOut();
  for (let at = 0; at < 50; at += 1) come("192.0.2.1");
  assert.equal(seen.length, 10);
  for (let at = 0; at < 500; at += 1) come(`198.51.100.${at % 256}`);
  assert.equal(seen.length, 100);
  clock.move(1_000);
  come("::ffff:192.0.2.1");
  assert.deepEqual([seen.length, seen.at(-1)?.address], [101, "192.0.2.1"]);
  leave();
  come("203.0.113.1");
  assert.equal(seen.length, 101);
});

test("a refusal makes a stranger only where it says that the credential is nobody's", () => {
  const { strangers, seen } = lookedOut();
  const way = { address: "192.0.2.1", transport: "http" } as const;
  const unknown = new Refusal("credential.invalid");
  const tooOften = new Refusal("rate.exceeded", { cause: unknown });
  for (const refusal of [unknown, tooOften, new Refusal("credential.missing")]) strangers.tellRefused(refusal, way);
  for (const code of ["rate.exceeded", "storage.unavailable", "permit.missing"] as const)
    strangers.tellRefused(new Refusal(code), way);
  assert.deepEqual(
    seen.map(({ code }) => code),
    ["credential.invalid", "rate.exceeded", "credential.missing"],
  );
});
