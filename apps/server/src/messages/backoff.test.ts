import assert from "node:assert/strict";
import { test } from "node:test";
import type { Asked } from "@holdfast/mqtt";
import { TestClock } from "../testing/clock.ts";
import { Backoff } from "./backoff.ts";

const asked = (username: string | undefined, password?: string): Asked => ({
  clientId: "",
  username,
  password: password === undefined ? undefined : Buffer.from(password),
  protocolVersion: 5,
  keepAlive: 0,
  clean: true,
  will: undefined,
  properties: {},
  transport: { remoteAddress: "", secure: true, name: "mqtts" },
});

const times = (count: number, backoff: Backoff, who: Asked) =>
  Array.from({ length: count }, () => backoff.refused(who));

test("who is refused again and again waits longer each time, up to a bound; the first two times not at all", () => {
  const backoff = new Backoff(new TestClock());
  const waits = [0, 0, 1_000, 2_000, 4_000, 8_000, 16_000, 25_000, 25_000];
  assert.deepEqual(times(9, backoff, asked("key_1")), waits);
});

test("a key is known by its id, a token by all of it, and nobody is slowed by another", () => {
  const backoff = new Backoff(new TestClock());
  times(2, backoff, asked("key_1", "wrong"));
  assert.equal(backoff.refused(asked("key_1", "wrong, too")), 1_000);
  assert.equal(backoff.refused(asked("key_2", "wrong")), 0);
  times(2, backoff, asked("hf_one"));
  assert.equal(backoff.refused(asked(undefined, "hf_one")), 1_000);
  assert.equal(backoff.refused(asked("whatever", "hf_two")), 0);
});

test("it is forgotten by a welcome, and after five minutes", () => {
  const clock = new TestClock();
  const backoff = new Backoff(clock);
  times(5, backoff, asked("key_1"));
  backoff.welcomed(asked("key_1", "good"));
  assert.deepEqual(times(3, backoff, asked("key_1")), [0, 0, 1_000]);
  clock.move(299_999);
  assert.equal(backoff.refused(asked("key_1")), 2_000);
  clock.move(300_000);
  assert.equal(backoff.refused(asked("key_1")), 0);
});

test("of very many the oldest are forgotten", () => {
  const backoff = new Backoff(new TestClock());
  times(5, backoff, asked("key_old"));
  times(5, backoff, asked("key_late"));
  for (let at = 0; at < 9_999; at += 1) backoff.refused(asked(`key_${at}`));
  assert.equal(backoff.refused(asked("key_late")), 8_000);
  assert.equal(backoff.refused(asked("key_old")), 0);
});
