import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, type Id, type Instant } from "@holdfast/kernel";
import { allActions, type Grant } from "@holdfast/protocol";
import { Caller } from "../authority/caller.ts";
import { counted as random, credentialOf, spaceOf } from "../authority/space.fixture.ts";
import type { Placement } from "../authority/space.ts";
import { MessageGate } from "./gate.ts";

const now = 1_000_000 as Instant;
const application = newId("application", random);
const devices = Array.from({ length: 1_500 }, () => newId("device", random));
const topics = devices.map((device) => `devices/${device}/telemetry`);

function caller(): Caller {
  const placed = (at: number): Placement => ({
    application,
    product: undefined,
    alias: undefined,
    tags: { site: at % 3 === 0 ? "south" : "north" },
    state: at % 5 === 0 ? "suspended" : "active",
    version: 1,
  });
  const space = spaceOf(newId("org", random), {
    devices: new Map(devices.map((device, at): [Id<"device">, Placement] => [device, placed(at)])),
    applications: new Set([application]),
  });
  const grants = allActions.map((action): Grant => ({ action, where: { tag: { key: "site", value: "north" } } }));
  const credential = credentialOf({ id: newId("key", random), kind: "accessKey", application, grants });
  space.credentials.set(credential.id, credential);
  const clock = { now: () => now, elapsed: () => 0 };
  return new Caller({ credential, space, circumstances: undefined, clock, onRefusal: () => undefined });
}

test("of however many topics a gate is asked, and however often, it answers as at first, and each by itself", () => {
  const gate = new MessageGate(caller(), new Set());
  for (const _round of [1, 2, 3]) {
    for (const [at, topic] of topics.entries()) {
      const [isNorth, isActive] = [at % 3 !== 0, at % 5 !== 0];
      assert.equal(gate.publish(topic), isNorth && isActive ? 0 : 0x87, topic);
      assert.equal(gate.receive(topic), isNorth, topic);
    }
    assert.equal(gate.publish("devices/nobody/telemetry"), 0x90);
    assert.equal(gate.receive("devices/nobody/telemetry"), false);
  }
});
