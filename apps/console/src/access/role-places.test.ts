import assert from "node:assert/strict";
import { test } from "node:test";
import { bySubject, everywhere, grantsIn, placesOf } from "./role-places.ts";

const application = `app_${"0".repeat(32)}`;
const device = `dev_${"1".repeat(32)}`;

test("what a role holds is shown by the places in which it holds, and written back as it was", () => {
  const grants = [
    "org.read",
    "device.read",
    `device.create:${application}`,
    `device.suspend:${device}`,
    "device.tag:tag:a=b",
  ];
  const places = placesOf(grants);
  assert.deepEqual(
    places.map(({ scope, actions }) => [scope, actions]),
    [
      ["all", ["org.read", "device.read"]],
      ["application", ["device.create"]],
      ["devices", ["device.suspend"]],
      ["tag", ["device.tag"]],
    ],
  );
  assert.deepEqual(grantsIn(places), grants);
});

test("what has no meaning in a place is neither shown nor written there, so that nothing is given everywhere by mistake", () => {
  const place = {
    ...everywhere,
    scope: "tag",
    tag: "a=b",
    actions: ["audit.read", "device.create", "device.read"],
  } as const;
  assert.deepEqual(grantsIn([{ ...place, actions: [...place.actions] }]), ["device.read:tag:a=b"]);
  assert.deepEqual([...bySubject("tag").keys()], ["device", "telemetry", "twin", "command"]);
  assert.ok(bySubject("application").get("device")?.includes("device.create"));
  assert.ok(!bySubject("all").get("org")?.includes("org.create"), "the instance's");
});
