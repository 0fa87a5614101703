import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultData, parseConfig, usage } from "./config.ts";

const malformed = (message: RegExp) => ({ code: "config.malformed", message });

test("an option that is given empty is refused, as whoever wrote it meant something; in the environment it says nothing", () => {
  for (const args of [
    ["--data", ""],
    ["--keys="],
    ["--database-url", ""],
    ["--public-name", "a", "--public-name", ""],
  ]) {
    const option = args[0]?.replace("=", "");
    assert.throws(() => parseConfig(args, {}), malformed(new RegExp(`${option} is empty\\.`)));
  }
  const config = parseConfig([], { HOLDFAST_DATA: "", HOLDFAST_KEYS: "" });
  assert.ok(config !== "help" && config.data === defaultData);
});

test("the command line wins over the environment", () => {
  const config = parseConfig(["--data", "/a"], { HOLDFAST_DATA: "/b", HOLDFAST_KEYS: "/c", HOLDFAST_ALLOW_ROOT: "1" });
  assert.ok(config !== "help");
  assert.deepEqual([config.data, config.keys, config.allowRoot], ["/a", "/c", true]);
});

test("--no-demo is taken, and the help says what it does", () => {
  assert.notEqual(parseConfig(["--no-demo"], {}), "help");
  assert.match(usage, /--no-demo +no simulated devices/);
});
