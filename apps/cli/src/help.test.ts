import assert from "node:assert/strict";
import { test } from "node:test";
import { help } from "./help.ts";
import { verbs } from "./verbs.ts";
import { holdfast } from "./testing/world.ts";

const asText = { serializers: [(value: unknown) => String(value)] };

test("help lists every verb, and what is understood with each", (t) => {
  t.assert.snapshot(help([], verbs), asText);
});

test("help about a group, and about one verb, says how it is used", (t) => {
  t.assert.snapshot(help(["token"], verbs), asText);
  t.assert.snapshot(help(["telemetry", "get"], verbs), asText);
});

test("every verb of the surface that others rely on is there", () => {
  const promised = [
    "setup",
    "application create",
    "device create",
    "device list",
    "device get",
    "device tail",
    "device suspend",
    "device retire",
    "token create",
    "credential list",
    "credential revoke",
    "org create",
    "member list",
    "member invite",
    "member role",
    "member remove",
    "invitation list",
    "invitation withdraw",
    "invitation accept",
    "keys backup",
    "keys restore",
    "keys verify",
    "telemetry get",
    "explain",
  ];
  const names = verbs.map(({ name }) => name);
  assert.deepEqual(
    promised.filter((name) => !names.includes(name)),
    [],
  );
});

test("help and the version are data for programs", async () => {
  const { exit, out } = await holdfast(["help", "explain", "--json"]);
  assert.equal(exit, 0);
  const { verbs: described } = JSON.parse(out);
  assert.equal(
    described[0].usage,
    "holdfast explain --as CREDENTIAL --action ACTION [--resource ID] [--from ADDRESS] [--transport https|mqtts|wss|socket]",
  );
  assert.match(JSON.parse((await holdfast(["--version", "--json"])).out).version, /^\d+\.\d+\.\d+$/);
  assert.match((await holdfast(["--version"])).out, /^holdfast \d+\.\d+\.\d+\n$/);
  assert.equal((await holdfast(["help", "nothing"])).exit, 2);
});
