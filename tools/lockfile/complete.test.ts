import assert from "node:assert/strict";
import { test } from "node:test";
import { entryOf, missingFrom } from "./complete.ts";
import type { Locked } from "./locked.ts";

const locked: Locked = {
  "": {},
  "node_modules/@tool/binding-linux-x64-gnu": { version: "1.0.0", optional: true },
  "node_modules/tool": {
    dev: true,
    optionalDependencies: { "@tool/binding-linux-x64-gnu": "1.0.0", "@tool/binding-darwin-arm64": "1.0.0" },
  },
  "node_modules/other/node_modules/tool": { optionalDependencies: { "@tool/binding-linux-arm64-musl": "0.9.0" } },
};

test("a program for another platform that npm left out is missing, beside the package that asks for it", () => {
  assert.deepEqual(missingFrom(locked), [
    {
      place: "node_modules/@tool/binding-darwin-arm64",
      name: "@tool/binding-darwin-arm64",
      version: "1.0.0",
      dev: true,
    },
    {
      place: "node_modules/other/node_modules/@tool/binding-linux-arm64-musl",
      name: "@tool/binding-linux-arm64-musl",
      version: "0.9.0",
      dev: false,
    },
  ]);
});

test("once completed nothing is missing, and every entry says for which platform it is", () => {
  const added = Object.fromEntries(missingFrom(locked).map((one) => [one.place, entryOf(one)]));
  assert.deepEqual(missingFrom({ ...locked, ...added }), []);
  assert.deepEqual(Object.values(added), [
    { version: "1.0.0", cpu: ["arm64"], dev: true, optional: true, os: ["darwin"] },
    { version: "0.9.0", cpu: ["arm64"], libc: ["musl"], optional: true, os: ["linux"] },
  ]);
});

test("what is no platform's, or not one version, is left to a person", () => {
  const one = { place: "", name: "fsevents", version: "2.3.3", dev: false };
  assert.throws(() => entryOf(one), /does not name a platform/);
  assert.throws(() => entryOf({ ...one, name: "@tool/linux-x64", version: "^1.0.0" }), /not one version/);
});
