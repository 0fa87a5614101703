import assert from "node:assert/strict";
import { isIP } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { expectedNames, thisMachine } from "./index.ts";
import { parseName } from "./names.ts";

const machine = { hostname: "Pump-House", addresses: ["192.0.2.7", "2001:db8::7"] };

test("a platform for this machine only is reachable by loopback, by the machine's name and by its public names", () => {
  assert.deepEqual(
    expectedNames({ host: "127.0.0.1", publicNames: ["IoT.example.org", "[2001:DB8:0:0::9]"], machine }),
    ["localhost", "127.0.0.1", "::1", "pump-house", "iot.example.org", "2001:db8::9"],
  );
});

test("a platform that listens on everything names the machine's addresses, one that listens on one address names that one", () => {
  const everywhere = expectedNames({ host: "0.0.0.0", publicNames: [], machine });
  assert.deepEqual(everywhere.slice(3), ["pump-house", "192.0.2.7", "2001:db8::7"]);
  const one = expectedNames({ host: "192.0.2.8", publicNames: [], machine });
  assert.deepEqual(one.slice(3), ["pump-house", "192.0.2.8"]);
});

test("a public name that no certificate can hold is refused with the name in the sentence", () => {
  for (const name of [
    "",
    "two words",
    "-x.org",
    "a..b",
    "x".repeat(64),
    "300.1.2.3",
    "fe80::1%eth0",
    "*",
    "a.*.org",
    "http://x",
  ]) {
    const asking = () => expectedNames({ host: "127.0.0.1", publicNames: [name], machine });
    assert.throws(asking, { code: "config.malformed", detail: new RegExp(RegExp.escape(JSON.stringify(name))) }, name);
  }
});

test("a machine whose name no certificate can hold goes by its other names", () => {
  const names = expectedNames({
    host: "127.0.0.1",
    publicNames: [],
    machine: { hostname: "my_laptop", addresses: [] },
  });
  assert.deepEqual(names, ["localhost", "127.0.0.1", "::1"]);
});

test("names in other scripts are written the way certificates write them, and wildcards stay", () => {
  assert.equal(parseName("bücher.example"), "xn--bcher-kva.example");
  assert.equal(parseName("*.Example.org"), "*.example.org");
  assert.equal(parseName("example.org."), "example.org");
});

test("a name that was parsed parses as itself", () => {
  fc.assert(
    fc.property(fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6(), fc.string()), (text) => {
      const name = parseName(text);
      if (name !== undefined) assert.equal(parseName(name), name);
    }),
  );
  for (const address of thisMachine().addresses) assert.notEqual(isIP(address), 0);
});
