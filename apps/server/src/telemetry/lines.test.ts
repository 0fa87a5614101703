import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseLines, type Precision } from "./lines.ts";

const read = (text: string, precision: Precision = "ns") =>
  parseLines(text, precision).map(({ time, values }) => ({ time, ...Object.fromEntries(values) }));

test("an attribute is the measurement and the field, and the tags behind them by their keys", () => {
  assert.deepEqual(read("weather temperature=21.5,humidity=48i 1556813561098000000"), [
    { time: 1_556_813_561_098, "weather.temperature": 21.5, "weather.humidity": 48 },
  ]);
  const name = "cpu.usage_idle,cpu=cpu0,host=a b";
  for (const line of ["cpu,cpu=cpu0,host=a\\ b usage_idle=98.2", "cpu,host=a\\ b,cpu=cpu0 usage_idle=98.2"])
    assert.deepEqual(read(line), [{ time: undefined, [name]: 98.2 }]);
});

test("values are numbers, i and u whole ones, booleans in all their spellings, and texts", () => {
  const line = 'm a=1,b=-1.5e-3,c=-7i,d=18446744073709551615u,e=t,f=FALSE,g="a, \\"b\\" = \\\\ c\nd",h=.5,i=1.';
  assert.deepEqual(read(line), [
    {
      time: undefined,
      "m.a": 1,
      "m.b": -0.0015,
      "m.c": -7,
      "m.d": 18_446_744_073_709_552_000,
      "m.e": true,
      "m.f": false,
      "m.g": 'a, "b" = \\ c\nd',
      "m.h": 0.5,
      "m.i": 1,
    },
  ]);
});

test("a time counts what the precision says, and what is finer than a millisecond is cut off", () => {
  for (const [precision, written] of [
    ["ns", "1556813561098999999"],
    ["us", "1556813561098999"],
    ["ms", "1556813561098"],
  ] as const)
    assert.deepEqual(read(`m a=1 ${written}`, precision), [{ time: 1_556_813_561_098, "m.a": 1 }]);
  assert.deepEqual(read("m a=1 1556813561", "s"), [{ time: 1_556_813_561_000, "m.a": 1 }]);
  assert.throws(() => read("m a=1 9999999999999999999", "s"), { code: "telemetry.absurdTime" });
});

test("what comments and empty lines say is nothing, and lines may end as those of Windows", () => {
  assert.equal(read("# a comment\n\n  \r\nm a=1\r\nm a=2 1556813561098000000\r\n#").length, 2);
  assert.equal(read("m a=1\n".repeat(5_000)).length, 5_000);
  assert.throws(() => read("m a=1\n".repeat(5_001)), { code: "telemetry.tooMany" });
});

test("a fault names its line, and shows nothing of what was measured", () => {
  for (const [text, message] of [
    ["", /There is no line/],
    ["m a=1\nsecret", /Line 2 has a field/],
    [",t=1 a=1", /Line 1 begins with no measurement/],
    ["m,t= a=1", /Line 1 has a tag without/],
    ["m a=", /"m\.a" of reading 1: neither/],
    ["m a=secret", /"m\.a" of reading 1: neither/],
    ["m a=1e999", /"m\.a" of reading 1: not a finite number/],
    ["m a=1 secret", /Line 1 goes on behind/],
    ["m a=1 5 5", /Line 1 goes on behind/],
    ['m a="secret', /Line 1 ends within a text/],
    ["m\u0007 a=1", /not a usable attribute name/],
  ] as const)
    assert.throws(
      () => read(text),
      (error: Error) => message.test(error.message) && !error.message.includes("secret"),
      text,
    );
});

test("what is almost a number is refused as fast as a number is read, however long it is", () => {
  for (const digits of ["1", "1.1", "1e1"]) {
    const line = `m a=${digits.padEnd(1_000_000, "1")}x`;
    const before = performance.now();
    assert.throws(() => read(line), { code: "telemetry.malformed" });
    assert.ok(performance.now() - before < 2_000, digits);
  }
});

test("what is written as InfluxDB's clients write it is read as it was meant", () => {
  const character = fc.constantFrom(...Array.from('aZ0_-.é€🌡 ,=\\"#'));
  const word = fc.string({ unit: character, minLength: 1, maxLength: 8 }).filter((text) => !/^#|\\$/.test(text));
  const value = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.string({ unit: character, maxLength: 8 }),
  );
  const escaped = (text: string) => text.replaceAll(/[, =]/g, "\\$&");
  const written = (some: number | boolean | string) =>
    typeof some === "string" ? `"${some.replaceAll(/["\\]/g, "\\$&")}"` : Object.is(some, -0) ? "-0" : String(some);
  fc.assert(
    fc.property(
      word,
      fc.dictionary(word, word, { maxKeys: 2 }),
      word,
      value,
      fc.nat(),
      (measurement, tags, field, some, time) => {
        const keys = Object.keys(tags).toSorted((a, b) => (`,${a}=${tags[a]}` < `,${b}=${tags[b]}` ? -1 : 1));
        const behind = keys.map((key) => `,${key}=${tags[key]}`);
        const line = `${escaped(measurement)}${keys.map((key) => `,${escaped(key)}=${escaped(tags[key] ?? "")}`).join("")} ${escaped(field)}=${written(some)} ${time}`;
        const [reading] = parseLines(line, "ms");
        assert.deepEqual(reading, { time, values: [[`${measurement}.${field}${behind.join("")}`, some]] });
      },
    ),
  );
});
