import assert from "node:assert/strict";
import { test } from "node:test";
import { measuredText } from "./measured.ts";

test("a value is shown as people read it", () => {
  for (const [value, text] of [
    [21.5, "21.5"],
    [true, "true"],
    ["idle", "idle"],
    [{ latitude: 47.3769, longitude: -8 }, "47.3769, -8"],
    [{ latitude: 1, longitude: 2, altitude: 408, accuracy: 5 }, "1, 2, 408 m high, within 5 m"],
    [{ latitude: 1, longitude: 2, speed: 3 }, '{"latitude":1,"longitude":2,"speed":3}'],
    [[1, null], "[1,null]"],
  ] as const)
    assert.equal(measuredText(value), text);
});
