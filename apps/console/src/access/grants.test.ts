import assert from "node:assert/strict";
import { test } from "node:test";
import { parseGrants } from "@holdfast/protocol";
import { grantsOf } from "./grants.ts";

const application = `app_${"0".repeat(32)}`;
const devices = [`dev_${"1".repeat(32)}`, `dev_${"2".repeat(32)}`];

test("what is ticked is written as the API takes it, and a place only where it means something", () => {
  const ticked = ["telemetry.read", "device.create", "audit.read"] as const;
  assert.deepEqual(grantsOf(ticked, { kind: "all" }), ["telemetry.read", "device.create", "audit.read"]);
  assert.deepEqual(grantsOf(ticked, { kind: "application", application }), [
    `telemetry.read:${application}`,
    `device.create:${application}`,
    "audit.read",
  ]);
  assert.deepEqual(grantsOf(["device.read"], { kind: "devices", devices }), [`device.read:${devices.join(",")}`]);
  assert.deepEqual(grantsOf(["device.read"], { kind: "tag", tag: "floor=3" }), ["device.read:tag:floor=3"]);
  for (const scope of [
    { kind: "application", application },
    { kind: "devices", devices },
    { kind: "tag", tag: "floor=3" },
  ] as const) {
    assert.equal(parseGrants(grantsOf(ticked, scope)).length, 3);
  }
});
