import assert from "node:assert/strict";
import { test } from "node:test";
import { cameBy, plainAddress } from "./circumstances.ts";

test("an IPv4 address is one however it came, and a zone is no part of an address", () => {
  assert.equal(plainAddress("::ffff:192.0.2.7"), "192.0.2.7");
  assert.equal(plainAddress("::FFFF:192.0.2.7"), "192.0.2.7");
  assert.equal(plainAddress("fe80::1%eth0"), "fe80::1");
  assert.equal(plainAddress("2001:db8::1"), "2001:db8::1");
});

test("a connection that is gone has no address, which is not one that could be listed", () => {
  assert.deepEqual(cameBy("https", "", null, undefined), {
    address: undefined,
    transport: "https",
    tls: undefined,
    origin: "none",
  });
});
