import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock, systemRandom, systemTimers } from "@holdfast/kernel";
import { Emitter } from "./emitter.ts";
import { Subscriptions, type Ear } from "./subscriptions.ts";
import { desired, own } from "./topics.ts";
import { Voice, type VoiceNeeds } from "./voice.ts";

test("what is wanted is heard once it is newer, and on another connection whatever its number: a platform may have come back from a backup", async () => {
  const subscriptions = new Subscriptions({ timers: systemTimers, random: systemRandom });
  const needs = { subscriptions, emitter: new Emitter(), clock: systemClock } as unknown as VoiceNeeds; // nothing is sent
  const heard: number[] = [];
  new Voice(own, needs).onDesired((_, version) => heard.push(version));
  const ear: Ear = { subscribe: (filters, answered) => answered(filters.map(() => 1)), unsubscribe: (_, end) => end() };
  const told = async (version: number) => {
    subscriptions.take(desired, JSON.stringify({ version, desired: {} }), undefined);
    await new Promise(setImmediate);
  };
  subscriptions.open(ear);
  for (const version of [20, 12]) await told(version);
  assert.deepEqual(heard, [20], "an older one is worth nothing");
  subscriptions.closed();
  subscriptions.open(ear);
  for (const version of [12, 13, 12]) await told(version);
  assert.deepEqual(heard, [20, 12, 13]);
});
