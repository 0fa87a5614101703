import assert from "node:assert/strict";
import { test } from "node:test";
import { tlsOfWay, wayOf } from "./way.ts";

test("how a device came is one number, and says the same again", () => {
  const cases = [
    [
      { tls: "TLSv1.3", group: 0x11ec },
      { version: "TLSv1.3", group: "X25519MLKEM768", isHybrid: true },
    ],
    [
      { tls: "TLSv1.3", group: 0x001d },
      { version: "TLSv1.3", group: "X25519", isHybrid: false },
    ],
    [
      { tls: "TLSv1.2", group: 0x0017 },
      { version: "TLSv1.2", group: "P-256", isHybrid: false },
    ],
    [
      { tls: "TLSv1.3", group: 0x0018 },
      { version: "TLSv1.3", group: "0x0018", isHybrid: false },
    ],
    [{ tls: "TLSv1.3" }, { version: "TLSv1.3", group: undefined, isHybrid: false }],
  ] as const;
  for (const [came, expected] of cases) {
    const way = wayOf({ group: undefined, ...came });
    assert.deepEqual(tlsOfWay(way), expected);
    assert.ok(way < 2 ** 30, "so that it is held without an object of its own");
  }
  for (const came of [undefined, { tls: undefined, group: 0x11ec }]) assert.equal(tlsOfWay(wayOf(came)), undefined);
  assert.equal(
    tlsOfWay(0x0305_11ec),
    undefined,
    "a later platform may have kept a version that this one does not know",
  );
});
