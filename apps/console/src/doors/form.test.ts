import assert from "node:assert/strict";
import { test } from "node:test";
import { door, type Door } from "@holdfast/protocol";
import { doorOf, faultsIn, typedOf } from "./form.ts";

const person = `per_${"1".repeat(32)}`;
const whole: Door = door.parse({
  transports: ["https", "mqtts"],
  tls: "TLSv1.3",
  proof: "key",
  allow: { addresses: ["10.0.0.0/8", "2001:db8::1"], people: [person], kinds: ["apiToken"] },
  deny: { credentials: [`tok_${"2".repeat(32)}`] },
  writable: ["temperature", "a = b"],
  readable: [
    { attributes: ["temperature"] },
    { attributes: ["position"], by: { people: [person], kinds: ["session"] } },
  ],
  dangerous: ["unlock", "factory-reset"],
  rate: { perMinute: 60, burst: 10 },
  size: 1_000,
  hours: [{ days: ["mon", "tue", "wed"], from: "08:00", to: "18:00", zone: "Europe/Berlin" }],
});

test("a door that is shown and saved again is the same door, and an empty form demands nothing", () => {
  assert.deepEqual(doorOf(typedOf(whole)), whole);
  assert.deepEqual(faultsIn(typedOf(whole)), {});
  assert.deepEqual(doorOf(typedOf({})), {});
});

test("what is typed wrong is told at its field before anything is asked", () => {
  const typed = {
    ...typedOf({}),
    allow: "10.0.0.1\nthe office",
    readable: "a = nobody",
    hours: "always",
    dangerous: "open the door",
    burst: "3",
    size: "0",
  };
  assert.deepEqual(Object.keys(faultsIn(typed)).toSorted(), [
    "allow",
    "dangerous",
    "hours",
    "perMinute",
    "readable",
    "size",
  ]);
  assert.match(String(faultsIn(typed).allow), /the office/);
});
