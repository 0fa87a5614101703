import assert from "node:assert/strict";
import { test } from "node:test";
import { newSecret } from "@holdfast/crypto";
import { because, Refusal, systemRandom, type Instant } from "@holdfast/kernel";
import { Log, placeOf } from "./log.ts";

const clock = { now: () => Date.UTC(2026, 0, 1, 12) as Instant, elapsed: () => 0 };

function logTo(isTTY: boolean, mayColour = false): { log: Log; lines: () => string[] } {
  let text = "";
  const outlet = { isTTY, write: (more: string) => (text += more) };
  return { log: new Log({ outlet, clock, mayColour }), lines: () => text.split("\n").slice(0, -1) };
}

test("programs get a JSON object a line, also for what JSON has no word for", () => {
  const { log, lines } = logTo(false);
  log.info("two\nlines", { count: 3n });
  log.refusal(new Refusal("port.taken", { detail: "HTTPS wants 127.0.0.1:8443." }));
  assert.deepEqual(
    lines().map((line) => JSON.parse(line)),
    [
      { time: "2026-01-01T12:00:00.000Z", level: "info", message: "two\nlines", count: "3" },
      {
        time: "2026-01-01T12:00:00.000Z",
        level: "error",
        message: "Another program listens on this port. Stop it, or choose another port. HTTPS wants 127.0.0.1:8443.",
        code: "port.taken",
      },
    ],
  );
});

test("what the platform tells while it runs has its level, a refusal's code, and of our own fault the place", () => {
  const { log, lines } = logTo(false);
  log.report("all is well");
  log.report("the disk is full", because(new Refusal("storage.full")));
  log.report("a request failed", because(new RangeError("temperature 21.5")));
  const told = lines().map((line): unknown => {
    const { time: _, fault, ...rest } = JSON.parse(line);
    return { ...rest, ...(fault !== undefined && { fault: fault.split(" at ", 1)[0] }) };
  });
  assert.deepEqual(told, [
    { level: "info", message: "all is well" },
    { level: "warning", message: "the disk is full", code: "storage.full" },
    { level: "error", message: "a request failed", fault: "RangeError" },
  ]);
});

test("people get the time and a sentence, in colour when they may, and nothing that steers their terminal", () => {
  const plain = logTo(true);
  plain.log.warn("a \u001b[31mred\u001b[0m\u0007 word", { port: 8443 });
  assert.match(plain.lines()[0] ?? "", /^\d\d:\d\d:\d\d {2}a red\? word {2}port=8443$/);
  const coloured = logTo(true, true);
  coloured.log.error("no");
  assert.ok(coloured.lines()[0]?.includes("\u001b[31mno"));
});

test("a credential in a line is struck out, in the sentence, in what stands beside it, and percent-encoded", () => {
  const secret = newSecret(systemRandom, "setupLink");
  for (const isTTY of [true, false]) {
    const { log, lines } = logTo(isTTY);
    log.info(`see https://localhost/#setup=${secret}`, { link: secret, again: secret.replaceAll("_", "%5F") });
    assert.doesNotMatch(lines().join(), new RegExp(secret.slice(-20)));
    assert.match(lines().join(), /\[credential\]/);
  }
});

test("of our own fault the log has the kind and the place, never the message", () => {
  const payload = "temperature 21.5\n    at secret (file:///payload.ts:1:1)";
  const place = placeOf(new TypeError(payload, { cause: new RangeError(payload) }));
  assert.match(place, /^TypeError at .*apps\/server\/src\/log\.test\.ts:\d+:\d+/);
  assert.match(place, /because of RangeError at /);
  assert.doesNotMatch(place, /temperature|payload|file:/);

  const moved = new Error(payload);
  void moved.stack; // made by the first who asks
  moved.message = "another";
  assert.equal(placeOf(moved), "Error");
  assert.equal(placeOf(payload), "something that is no error (string)");
});
