import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Refusal, type Instant, type RefusalCode } from "@holdfast/kernel";
import { encode } from "cbor2";
import { parseBody, type BodyKind, type Dialect } from "./body.ts";
import type { Reading } from "./reading.ts";
import { Json } from "./value.ts";

const now = Date.UTC(2026, 5, 1, 12) as Instant; // a constant of this test
const at = (milliseconds: number) => milliseconds as Instant; // likewise
const bytes = (body: unknown) => Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
const read = (body: unknown, kind?: BodyKind) => parseBody(bytes(body), now, kind);
const one = (time: number | undefined, values: Reading["values"]) => [
  { time: time === undefined ? undefined : at(time), values },
];

function refuses(code: RefusalCode, body: unknown, { path, kind }: { path?: string; kind?: BodyKind } = {}): void {
  assert.throws(
    () => read(body, kind),
    (error) => {
      assert.ok(error instanceof Refusal, String(error));
      assert.equal(error.code, code, `${String(error)} for ${bytes(body).toString().slice(0, 80)}`);
      if (path !== undefined) assert.equal(error.faults[0]?.path, path);
      return true;
    },
  );
}

test("the short form: every name is an attribute", () => {
  assert.deepEqual(read({ temperature: 21.5 }), one(undefined, [["temperature", 21.5]]));
  const values: [string, number | boolean | string][] = [
    ["a", 1],
    ["b", false],
    ["c", "text"],
    ["data", 2],
    ["ts", 3],
  ];
  assert.deepEqual(read(Object.fromEntries(values)), one(undefined, values));
});

test("the long form: values, with or without a time as RFC 3339 or milliseconds", () => {
  assert.deepEqual(read({ values: { a: 1 } }), one(undefined, [["a", 1]]));
  assert.deepEqual(read({ time: 1_780_000_000_123, values: { a: 1 } }), one(1_780_000_000_123, [["a", 1]]));
  assert.deepEqual(read({ values: { a: 1 }, time: "2026-06-01T14:00:00.5+02:00" }), one(now + 500, [["a", 1]]));
  assert.deepEqual(read({ time: 1_780_000_000_123.9, values: { a: 1 } }), one(1_780_000_000_123, [["a", 1]]));
});

test("an attribute called time or values is sent in the long form", () => {
  const named: [string, number][] = [
    ["time", 5],
    ["values", 6],
  ];
  assert.deepEqual(read({ values: { time: 5, values: 6 } }), one(undefined, named));
  refuses("telemetry.malformed", { time: 5 }, { path: "values" });
  refuses("telemetry.malformed", { time: 1_780_000_000_123, temperature: 21 }, { path: "temperature" });
  refuses("telemetry.malformed", { values: 5 }, { path: "values" });
  refuses("telemetry.malformed", { values: [1] }, { path: "values" });
  refuses("telemetry.malformed", { values: null }, { path: "values" });
  refuses("telemetry.malformed", { values: { a: 1 }, b: 2 }, { path: "b" });
});

test("a time that is neither RFC 3339 with an offset nor a number is refused", () => {
  for (const time of [
    "yesterday",
    "2026-06-01",
    "2026-06-01T12:00:00",
    "2026-02-30T00:00:00Z",
    "2026-06-01T24:00:00Z",
    true,
    null,
    {},
    [],
  ]) {
    refuses("telemetry.malformed", { time, values: { a: 1 } }, { path: "time" });
  }
  refuses("telemetry.absurdTime", { time: 1e19, values: { a: 1 } }, { path: "time" });
  refuses("telemetry.absurdTime", '{"time": 1e999, "values": {"a": 1}}', { path: "time" });
});

test("an array mixes both forms, up to 1,000 readings", () => {
  assert.deepEqual(read([{ a: 1 }, { time: 5, values: { a: 2 } }]), [
    ...one(undefined, [["a", 1]]),
    ...one(5, [["a", 2]]),
  ]);
  assert.equal(read(Array.from({ length: 1_000 }, () => ({ a: 1 }))).length, 1_000);
  refuses(
    "telemetry.tooMany",
    Array.from({ length: 1_001 }, () => ({ a: 1 })),
  );
  refuses("telemetry.malformed", []);
  refuses("telemetry.malformed", [{ a: 1 }, 5]);
  refuses("telemetry.tooDeep", [[{ a: 1 }]]);
});

test("nothing and half of something is no reading", () => {
  for (const body of ["", " ", "{", '{"a":1} x', "null", "5", '"a"', "true", "{}", '{"values":{}}', "[{}]", "nan"]) {
    refuses("telemetry.malformed", body);
  }
});

test("an object or array as a value is a location or JSON, of JSON and of CBOR alike", () => {
  const values: Reading["values"] = [
    ["axes", new Json("[1,2]")],
    ["scan", new Json('{"near":[{"rssi":-70}],"at":null}')],
    ["position", { latitude: 47.3, longitude: 8.5 }],
  ];
  const sent = {
    axes: [1, 2],
    scan: { near: [{ rssi: -70 }], at: null },
    position: { latitude: 47.3, longitude: 8.5 },
  };
  for (const body of [sent, { values: sent }, [sent]]) {
    assert.deepEqual(read(body), one(undefined, values));
    assert.deepEqual(parseBody(encode(body), now, { contentType: "application/cbor" }), one(undefined, values));
  }
  const deep = (depth: number): unknown => (depth === 0 ? {} : { a: deep(depth - 1) });
  assert.equal(read({ values: deep(16) }).length, 1);
  refuses("telemetry.tooDeep", { values: { a: deep(16) } }, { path: "a" });
});

const ndjson = { contentType: "application/x-ndjson" } as const satisfies BodyKind;

test("a line of NDJSON is a reading in either form, up to 5,000", () => {
  assert.deepEqual(read('{"a":1}\r\n\n{"time":5,"values":{"b":true}}\n', ndjson), [
    ...one(undefined, [["a", 1]]),
    ...one(5, [["b", true]]),
  ]);
  assert.equal(read('{"a":1}\n'.repeat(5_000), ndjson).length, 5_000);
  refuses("telemetry.tooMany", '{"a":1}\n'.repeat(5_001), { kind: ndjson });
  refuses("telemetry.malformed", "\n\n", { kind: ndjson });
  refuses("telemetry.malformed", '{"a":1}\n{"a":', { kind: ndjson });
  refuses("telemetry.tooDeep", '[{"a":1}]', { kind: ndjson });
  assert.throws(() => read('{"a":1}\n\n{"b"', ndjson), { message: /Reading 2 is not JSON/ });
});

test("null and numbers beyond a double are refused by their name, large integers become doubles", () => {
  refuses("telemetry.wrongType", { a: 1, b: null }, { path: "b" });
  refuses("telemetry.wrongType", '{"big": 1e999}', { path: "big" });
  assert.deepEqual(read('{"a": 12345678901234567890}'), one(undefined, [["a", 12345678901234567000]]));
  const [zero] = read('{"a": -0}');
  assert.ok(Object.is(zero?.values[0]?.[1], -0));
});

test("names that mean something to JavaScript are only names", () => {
  const [reading] = read('{"__proto__": 1, "constructor": 2, "toString": 3, "hasOwnProperty": 4}');
  assert.deepEqual(
    reading?.values.map(([name]) => name),
    ["__proto__", "constructor", "toString", "hasOwnProperty"],
  );
  assert.deepEqual(
    read('{"__proto__": {"values": {"a": 1}}}'),
    one(undefined, [["__proto__", new Json('{"values":{"a":1}}')]]),
  );
  assert.deepEqual(read('{"values": {"__proto__": true}}'), one(undefined, [["__proto__", true]]));
});

test("of equal names the last wins", () => {
  assert.deepEqual(read('{"a": 1, "a": 2}'), one(undefined, [["a", 2]]));
});

test("a name nobody could type is refused", () => {
  refuses("telemetry.attributeName", { "": 1 }, { path: "" });
  refuses("telemetry.attributeName", { "a\u0007": 1 });
  refuses("telemetry.attributeName", { ["x".repeat(129)]: 1 });
});

test("invalid UTF-8 is refused, a byte order mark is passed over", () => {
  assert.throws(() => parseBody(Buffer.from('{"a":"\xff"}', "latin1"), now), { code: "telemetry.malformed" });
  assert.throws(() => parseBody(Buffer.from("eda080", "hex"), now), { code: "telemetry.malformed" });
  assert.deepEqual(read('\ufeff{"a":1}'), one(undefined, [["a", 1]]));
});

test("a mebibyte of brackets is refused at once", () => {
  for (const opening of ["[", '{"a":', '[{"a":']) {
    refuses("telemetry.tooDeep", opening.repeat(100_000));
    refuses("telemetry.tooDeep", opening.repeat(100_000) + "1");
    refuses("telemetry.tooDeep", opening.repeat(100_000), { kind: ndjson });
  }
  const brackets = "[".repeat(4_000); // brackets inside a text are no depth
  assert.deepEqual(read({ a: brackets, b: `\\"${"{".repeat(4_000)}` }).length, 1);
  for (let count = 1; count < 4_096; count += 511) {
    assert.throws(() => read("[".repeat(count) + "]".repeat(count)), Refusal);
  }
});

test("a refusal carries no part of the body but the attribute", () => {
  for (const body of [
    '{"a": "s3cr3t-value"',
    '{"a": "s3cr3t-value", "b": null}',
    's3cr3t-value {"a":1}',
    '["s3cr3t-value"]',
  ]) {
    assert.throws(
      () => read(body),
      (error: Refusal) => !`${error.stack} ${JSON.stringify(error.faults)} ${String(error.cause)}`.includes("s3cr3t"),
    );
  }
});

test("the content type chooses the form, whatever its letters and parameters", () => {
  for (const contentType of [undefined, "", "application/json", "Application/JSON; charset=utf-8", "text/json"]) {
    assert.equal(read({ a: 1 }, { contentType }).length, 1);
  }
  for (const contentType of ["application/xml", "text/html", "application/senml+xml", "json"]) {
    refuses("request.mediaType", { a: 1 }, { kind: { contentType } });
  }
  assert.deepEqual(
    parseBody(Buffer.from("a16161182a", "hex"), now, { contentType: "application/cbor" }),
    one(undefined, [["a", 42]]),
  );
});

const losant = { dialect: "losant" } as const satisfies BodyKind;
const thingsboard = { dialect: "thingsboard" } as const satisfies BodyKind;

test("Losant's firmware sends data, perhaps with a time", () => {
  assert.deepEqual(read({ data: { a: 1 } }, losant), one(undefined, [["a", 1]]));
  assert.deepEqual(read({ data: { a: 1 }, time: 7, flowVersion: "x", meta: { any: 1 } }, losant), one(7, [["a", 1]]));
  assert.deepEqual(read({ data: { a: 1 }, time: { $date: "2026-06-01T12:00:00Z" } }, losant), one(now, [["a", 1]]));
  assert.deepEqual(read([{ data: { a: 1 } }, { data: { a: 2 } }], losant).length, 2);
  refuses("telemetry.malformed", { a: 1 }, { path: "a", kind: losant });
  refuses("telemetry.malformed", { time: 7 }, { path: "data", kind: losant });
});

test("ThingsBoard's firmware sends ts and values, or names at once", () => {
  assert.deepEqual(read({ ts: 7, values: { a: 1 } }, thingsboard), one(7, [["a", 1]]));
  assert.deepEqual(read({ a: 1, ts: 5, time: 6 }, thingsboard).length, 1);
  assert.deepEqual(read([{ ts: 7, values: { a: 1 } }, { b: true }], thingsboard), [
    ...one(7, [["a", 1]]),
    ...one(undefined, [["b", true]]),
  ]);
  assert.deepEqual(read({ values: { a: 1 } }, thingsboard), one(undefined, [["values", new Json('{"a":1}')]]));
  refuses("telemetry.malformed", { ts: 7, values: { a: 1 }, b: 1 }, { path: "b", kind: thingsboard });
});

test("no body crashes the parser: readings or a refusal", () => {
  const dialect = fc.constantFrom<Dialect>("holdfast", "losant", "thingsboard");
  const contentType = fc.constantFrom(
    "application/json",
    "application/senml+json",
    "application/cbor",
    "application/senml+cbor",
    "application/x-ndjson",
    "application/x-influxdb-line-protocol",
  );
  const field = fc.constantFrom("time", "values", "data", "ts", "a", "__proto__", "n", "v", "bn", "t", "bt");
  const scalar = fc.oneof(
    fc.double(),
    fc.boolean(),
    fc.string(),
    fc.constant(null),
    fc.constant("2026-06-01T12:00:00Z"),
  );
  const inner = fc.dictionary(field, fc.oneof({ weight: 5, arbitrary: scalar }, fc.array(scalar)));
  const outer = fc.dictionary(field, fc.oneof(scalar, inner));
  const json = fc.oneof(outer, fc.array(outer), fc.array(fc.oneof(scalar, outer)), scalar);
  const long = { maxLength: 64, size: "max" } as const;
  const part = fc.constantFrom(...Array.from('ab,= \n\\"#ti1.-e'), "1i", "true", "weather,room=x t=1 5", '"', "\r\n");
  const lines = fc.array(part, long).map((parts) => bytes(parts.join("")));
  const body = fc.oneof(fc.uint8Array(long), json.map(bytes), fc.string(long).map(bytes), lines);
  fc.assert(
    fc.property(body, contentType, dialect, (some, type, dialectName) => {
      try {
        const readings = parseBody(some, now, { contentType: type, dialect: dialectName });
        assert.ok(readings.length >= 1 && readings.every((reading) => reading.values.length >= 1));
      } catch (error) {
        assert.ok(error instanceof Refusal, String(error));
      }
    }),
    { numRuns: 1_500 },
  );
});

test("what a device says in the long form arrives as it was said", () => {
  const character = fc.constantFrom(...Array.from('aZ0 _-"\\éß€\ud7ff\ufeff\uffff𐅑🌡'));
  const name = fc.string({ minLength: 1, maxLength: 20, unit: character });
  const value = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.string({ unit: character }),
  );
  fc.assert(
    fc.property(fc.dictionary(name, value, { minKeys: 1 }), fc.nat(), (values, time) => {
      const [reading] = read(`{"time": ${time}, "values": ${JSON.stringify(values)}}`);
      assert.deepEqual(reading, { time, values: Object.entries(JSON.parse(JSON.stringify(values))) });
    }),
  );
});
