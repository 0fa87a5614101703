import assert from "node:assert/strict";
import { test } from "node:test";
import { isFromThisMachine } from "./nearby.ts";

test("only loopback addresses are this machine, however they are written", () => {
  for (const address of ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"])
    assert.ok(isFromThisMachine(address, {}), address);
  for (const address of ["10.0.0.1", "192.0.2.7", "128.0.0.1", "::2", "fe80::1", "::ffff:10.0.0.1", "", "nonsense"])
    assert.ok(!isFromThisMachine(address, {}), address);
});

test("what a proxy hands on is from elsewhere", () => {
  assert.ok(!isFromThisMachine("127.0.0.1", { "x-forwarded-for": "127.0.0.1" }));
  assert.ok(isFromThisMachine("127.0.0.1", { host: "localhost" }));
});
