import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseFilter, type Filter } from "./topic-filter.ts";

const filter = (text: string): Filter => {
  const read = parseFilter(text);
  assert.ok(typeof read !== "string", text);
  return read;
};

test("a filter matches as MQTT says, and one covers another when nothing is left to that alone", () => {
  assert.ok(filter("devices/+/telemetry").matches("devices/a/telemetry"));
  assert.ok(filter("devices/#").matches("devices/a/telemetry"));
  assert.ok(filter("devices/#").matches("devices"));
  assert.ok(!filter("devices/+").matches("devices/a/telemetry"));
  assert.ok(!filter("devices/a/telemetry").matches("devices/b/telemetry"));
  assert.ok(filter("devices/+/telemetry").covers("devices/a/telemetry"));
  assert.ok(!filter("devices/a/telemetry").covers("devices/+/telemetry"));
  assert.ok(!filter("devices/+/telemetry").covers("devices/#"));
  assert.ok(filter("#").covers("devices/#"));
});

test("what is no filter, or can match no topic that there is, is told apart", () => {
  for (const text of ["", "me/telemetry", "devices/#/telemetry", "devices/a+", "devices/\0", "$share/g/devices/#"])
    assert.equal(typeof parseFilter(text), "string", text);
});

test("what a covered filter matches, the covering one matches", () => {
  const level = fc.constantFrom("a", "b", "+");
  const written = fc
    .tuple(fc.array(level, { maxLength: 3 }), fc.boolean())
    .map(([levels, isOpen]) => ["devices", ...levels, ...(isOpen ? ["#"] : [])].join("/"));
  const topic = fc
    .array(fc.constantFrom("a", "b", "c"), { maxLength: 4 })
    .map((levels) => ["devices", ...levels].join("/"));
  fc.assert(
    fc.property(written, written, topic, (outer, inner, of) => {
      fc.pre(filter(outer).covers(inner) && filter(inner).matches(of));
      assert.ok(filter(outer).matches(of));
    }),
    { numRuns: 2_000 },
  );
});
