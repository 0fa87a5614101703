import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, Refusal, systemRandom, type Id } from "@holdfast/kernel";
import type { Space } from "../authority/index.ts";
import { TestClock } from "../testing/index.ts";
import { shownTo, type Told } from "./refusal.ts";
import { LiveRefusals } from "./refusals.ts";

const space = {} as Space; // nothing is asked of it but which one it is
const someDevice = () => newId("device", systemRandom);

function watched() {
  const clock = new TestClock();
  const refusals = new LiveRefusals({ clock, timers: clock });
  const told: Told[] = [];
  let isWatched = true;
  refusals.showTo({ wants: (one) => isWatched && one === space, refused: (one) => void told.push(one) });
  return {
    clock,
    refusals,
    told,
    leave: () => (isWatched = false),
    say: (device: Id<"device">, topic = "t", refusal = new Refusal("telemetry.malformed")) =>
      refusals.tell({ space, device, refusal, transport: "mqtt", action: "telemetry.write", topic }),
  };
}

test("a flood of one device is ten at once, then its last one and how many lay between, and it hides nobody else", () => {
  const { clock, told, say, refusals } = watched();
  const [flood, other] = [someDevice(), someDevice()];
  for (let at = 0; at < 10_000; at++) say(flood, String(at));
  say(other, "once");
  assert.deepEqual(
    told.map(({ topic }) => topic),
    ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "once"],
  );
  clock.move(1_000);
  assert.deepEqual(
    told.slice(11).map(({ device, topic, omitted }) => [device, topic, omitted]),
    [[flood, "9999", 9_989]],
  );
  assert.equal(told.length + refusals.omitted, 10_001, "every one is shown or counted");
  clock.move(1_000);
  assert.deepEqual([told.length, clock.waiting], [12, 0], "nothing goes on by itself");
  say(flood, "again");
  assert.deepEqual([told.at(-1)?.topic, told.at(-1)?.omitted], ["again", 0]);
});

test("a flood of a whole organisation is a hundred at once, and of every device at least its last one", () => {
  const { clock, told, say, refusals } = watched();
  const devices = Array.from({ length: 350 }, someDevice);
  for (const round of ["a", "b", "c"]) for (const device of devices) say(device, round);
  assert.equal(told.length, 100);
  for (let seconds = 1; seconds <= 4; seconds++) {
    const before: number = told.length;
    clock.move(1_000);
    assert.ok(told.length <= before + 100);
  }
  assert.equal(new Set(told.map(({ device }) => device)).size, 350);
  assert.equal(told.length + refusals.omitted, 1_050);
  assert.ok(told.slice(100).every(({ topic }) => topic === "c"));
  assert.equal(clock.waiting, 0);
});

test("where nobody watches any more nothing is told, and nothing is kept for later", () => {
  const { clock, told, say, leave } = watched();
  const device = someDevice();
  for (let at = 0; at < 20; at++) say(device);
  leave();
  say(device);
  clock.move(5_000);
  assert.deepEqual([told.length, clock.waiting], [10, 0]);
});

test("what a client named is shown without credentials, and not at any length", () => {
  const { told, say } = watched();
  const secret = `hfs_${"a".repeat(49)}`;
  const faults = [{ path: secret, message: "not a number" }];
  say(
    someDevice(),
    `x/${secret}/${"y".repeat(60_000)}`,
    new Refusal("telemetry.wrongType", { detail: secret, faults }),
  );
  const text = JSON.stringify(told.map(shownTo));
  assert.ok(!text.includes(secret.slice(0, 12)) && text.length < 1_000, text);
  assert.match(text, /"topic":"x\/\[credential\]\/yyy/);
});
