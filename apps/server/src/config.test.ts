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

test("proxies are declared by address or network, and nobody declares everybody", () => {
  const declared = (args: readonly string[], environment = {}) => {
    const config = parseConfig(args, environment);
    assert.ok(config !== "help");
    return config.proxyFrom.map(({ address, prefix, family }) => `${address}/${prefix} ${family}`);
  };
  const twice = ["--proxy-from", "10.0.0.7", "--proxy-from=2001:db8::/32"];
  assert.deepEqual(declared(twice), ["10.0.0.7/32 ipv4", "2001:db8::/32 ipv6"]);
  assert.deepEqual(declared([], { HOLDFAST_PROXY_FROM: "::1, 10.1.0.0/16" }), ["::1/128 ipv6", "10.1.0.0/16 ipv4"]);
  assert.deepEqual(declared([]), []);
  for (const text of [
    "0.0.0.0/0",
    "::/0",
    "10.0.0.0/33",
    "10.0.0.0/",
    "10.0.0/8",
    "proxy.example",
    "1.2.3.4/8/8",
    "fe80::1%eth0",
  ])
    assert.throws(() => parseConfig(["--proxy-from", text], {}), malformed(/--proxy-from is an address or a network/));
});

test("what happens when a session has no room is one of two things, the oldest message goes unless something is said", () => {
  const chosen = (args: readonly string[], environment = {}) => {
    const config = parseConfig(args, environment);
    return config === "help" ? config : config.whenFull;
  };
  assert.equal(chosen([]), "dropOldest");
  assert.equal(chosen(["--when-full", "refuse-publisher"]), "refusePublisher");
  assert.equal(
    chosen(["--when-full", "drop-oldest"], { HOLDFAST_WHEN_FULL: "refuse-publisher" }),
    "dropOldest",
    "the command line wins",
  );
  assert.throws(
    () => chosen([], { HOLDFAST_WHEN_FULL: "refusePublisher" }),
    malformed(/drop-oldest or refuse-publisher/),
  );
});

test("--no-demo is taken, and the help says what it does", () => {
  assert.notEqual(parseConfig(["--no-demo"], {}), "help");
  assert.match(usage, /--no-demo +no simulated devices/);
});
