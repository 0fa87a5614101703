import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { networkOf } from "./guard.ts";

test("an address of IPv4 is counted by itself, also where it is written as one of IPv6", () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      assert.equal(networkOf(address), address);
      assert.equal(networkOf(`::ffff:${address}`), address);
    }),
  );
});

test("addresses of IPv6 are counted by their first 64 bits, however they are written", () => {
  for (const [address, network] of [
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:0DB8:0001:0002::1", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["::", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["1:2:3:4:5:6:7::", "1:2:3:4::/64"],
  ] as const) {
    assert.equal(networkOf(address), network);
  }
  fc.assert(
    fc.property(fc.ipV6(), (address) => networkOf(address).endsWith("::/64") || /^[\d.]+$/.test(networkOf(address))),
  );
});
