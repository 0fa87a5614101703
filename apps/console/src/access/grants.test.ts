import assert from "node:assert/strict";
import { test } from "node:test";
import { parseGrants } from "@holdfast/protocol";
import { grantsOf, madeAgain } from "./grants.ts";

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

test("a narrower one is filled in where the form can say exactly that, and nowhere else", () => {
  const again = (narrower: string[], more: object = {}) => madeAgain({ kind: "apiToken", narrower, ...more });
  assert.deepEqual(again(["org.read", "device.read:tag:site=north"])?.tag, "site=north");
  const devices = "dev_00000000000000000000000000000001";
  assert.deepEqual(again([`device.read:${devices}`])?.devices, devices);
  assert.deepEqual(again(["org.read"])?.scope, "all");
  // Everywhere and on one tag: the form knows one place for all, and everywhere would be wider.
  assert.equal(again(["telemetry.read", "device.read:tag:site=north"]), undefined);
  assert.equal(again(["org.read"], { conditions: { addresses: ["192.0.2.0/24"] } }), undefined);
  assert.equal(again(["org.read"], { boundTo: "thumbprint" }), undefined);
  assert.equal(again(["telemetry.write"], { kind: "device" }), undefined);
});
