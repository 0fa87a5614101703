import assert from "node:assert/strict";
import { test } from "node:test";
import { TestClock } from "../testing/clock.ts";
import { Failures } from "./failures.ts";

/** As the listeners say it, of what is asked here. */
const networkOf = (address: string): string => address.split(":").slice(0, 3).join(":");

test("a network has a thousand frames that are nobody's at once and a hundred a second, all addresses of it together, and others have theirs", () => {
  const clock = new TestClock();
  const failures = new Failures({ clock, networkOf, seed: 1 });
  const taken = (address: string, tries: number) =>
    Array.from({ length: tries }, () => failures.take(address)).filter(Boolean).length;
  assert.equal(taken("192.0.2.1", 1_500), 1_000);
  assert.ok(failures.isBeyond("192.0.2.1"));
  assert.ok(!failures.isBeyond("192.0.2.2"));
  assert.equal(taken("2001:db8::1", 600) + taken("2001:db8::ffff:1", 600), 1_000);
  assert.equal(taken("2001:db8:0:1::1", 10), 10);
  clock.move(1_500);
  assert.equal(taken("192.0.2.1", 500), 150);
  clock.move(3_600_000);
  assert.equal(taken("192.0.2.1", 1_500), 1_000);
});
