import assert from "node:assert/strict";
import { test } from "node:test";
import type { Instant } from "@holdfast/kernel";
import type { GatewaySaying } from "@holdfast/protocol";
import { parseBody } from "../telemetry/body.ts";
import { parseSaid } from "./gateway-words.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

test("what a gateway says is told by child, in its order", () => {
  const parts = parseSaid("telemetry", bytesOf('{"a": [{"ts": 1, "values": {"t": 2}}], "b c": [{"u": 3}]}'));
  assert.deepEqual(
    parts.map(({ name, bytes }) => [name, new TextDecoder().decode(bytes)]),
    [
      ["a", '[{"ts":1,"values":{"t":2}}]'],
      ["b c", '[{"u":3}]'],
    ],
  );
});

test("a number that is too large for a child is no null of another's making: it is judged as what the child sends itself", () => {
  const parts = parseSaid("telemetry", bytesOf('{"a": [{"j": {"k": [1e400, -1e400]}}], "b": [{"u": 3}]}'));
  assert.deepEqual(
    parts.map(({ bytes }) => new TextDecoder().decode(bytes)),
    ['[{"j":{"k":[1e999,-1e999]}}]', '[{"u":3}]'],
  );
  const now = Date.UTC(2026, 0) as Instant;
  assert.throws(() => parseBody(parts[0]?.bytes ?? assert.fail(), now, { dialect: "thingsboard" }), {
    code: "telemetry.wrongType",
  });
});

test("what is no message of a gateway is gateway.malformed, with what is wrong", () => {
  const faults: readonly (readonly [GatewaySaying, string, RegExp])[] = [
    ["connect", "[]", /no object/],
    ["connect", "{}", /name of a child/],
    ["disconnect", '{"device": ""}', /name of a child/],
    ["telemetry", "{}", /No child/],
    ["rpc", '{"device": "a", "id": 1}', /"data" is missing/],
    ["rpc", '{"device": "a", "id": -1, "data": 1}', /whole number/],
    ["attributes/request", '{"device": "a", "id": 1, "client": true, "keys": 7}', /array of texts/],
  ];
  for (const [what, text, says] of faults)
    assert.throws(
      () => parseSaid(what, bytesOf(text)),
      (error: { code?: string; message: string }) => error.code === "gateway.malformed" && says.test(error.message),
      text,
    );
});
