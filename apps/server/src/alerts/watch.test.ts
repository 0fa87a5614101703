import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, systemRandom, type Id } from "@holdfast/kernel";
import type { Placement } from "../authority/index.ts";
import { neverSeen, type Presence } from "../messages/presence.ts";
import { TestClock } from "../testing/index.ts";
import type { Rule } from "./rule.ts";
import { Watching } from "./watch.ts";

const application = newId("application", systemRandom);
const placement: Placement = {
  application,
  product: undefined,
  state: "active",
  tags: {},
  alias: undefined,
  version: 1,
};
const clock = new TestClock();
const rule: Rule = {
  id: newId("alertRule", systemRandom),
  name: "away or silent",
  states: ["offline", "silent"],
  after: "20s",
  of: { all: true },
  people: [],
  webhooks: [],
  createdAt: clock.now(),
  version: 1,
};

test("who is silent is in no alert of those who are away, however soon one follows the other", () => {
  const presences = new Map<Id<"device">, Presence>();
  const watching = new Watching({
    clock,
    timers: clock,
    random: systemRandom,
    startedAt: clock.elapsed(),
    placementOf: () => placement,
    presenceOf: (device) => presences.get(device) ?? neverSeen,
  });
  watching.setRules([rule]);
  const five = (presenceOf: () => Presence) => {
    for (let n = 0; n < 5; n += 1) {
      const device = newId("device", systemRandom);
      presences.set(device, presenceOf());
      watching.look(device);
    }
  };
  const away = (): Presence => ({ state: "offline", since: clock.now(), because: "many", lastSeenAt: clock.now() });
  const silent = (): Presence => {
    const since = clock.now();
    return { state: "online", since, lastSeenAt: since, trouble: { state: "silent", since } };
  };
  clock.move(200_000);
  five(away);
  five(silent);
  clock.move(60_000);
  five(silent);
  five(away);
  clock.move(60_000);
  const told = watching.changes.map((change) => [
    change.what,
    change.what === "raised" ? change.cause : change.what === "joined" ? change.devices.length : undefined,
  ]);
  assert.deepEqual(told, [
    ["raised", "offline"],
    ["raised", "silent"],
    ["joined", 5],
    ["joined", 5],
  ]);
  const ofJoined = watching.changes.flatMap((change) => ("alert" in change ? [change.alert] : []));
  assert.deepEqual(new Set(ofJoined).size, 2);
  watching.close();
});
