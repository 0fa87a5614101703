import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FlatReader } from "./flat.ts";

const reader = new FlatReader();
const read = (text: string) => reader.read(Buffer.from(text));

/** What the slow way sees: `for…in` over what `JSON.parse` made, the last of a name twice. */
function slowly(text: string): [string, unknown][] {
  const parsed = JSON.parse(text) as Record<string, unknown>;
  const values: [string, unknown][] = [];
  for (const name in parsed) values.push([name, parsed[name]]);
  return values;
}

/** Bit for bit: -0 is not 0. */
function isSame(text: string): boolean {
  const flat = read(text);
  if (!flat) return false;
  const slow = slowly(text);
  assert.equal(flat.length, slow.length, text);
  for (const [at, [name, value]] of flat.entries()) {
    assert.equal(name, slow[at]?.[0], text);
    assert.ok(Object.is(value, slow[at]?.[1]), `${text}: ${value}`);
  }
  return true;
}

const digits = (most: number) => fc.stringMatching(new RegExp(`^[0-9]{1,${most}}$`));
/** Mostly what is read quickly; now and then what is not, or is no JSON. */
const mostly = <T>(usual: fc.Arbitrary<T>, other: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 30, arbitrary: usual }, { weight: 1, arbitrary: other });
const whole = mostly(fc.nat(99_999).map(String), digits(20));
const sign = mostly(fc.constantFrom("", "-"), fc.constant("+"));
const exponent = mostly(fc.constant(""), fc.constantFrom("e3", "E-2", "."));
const numeral = fc
  .tuple(sign, whole, fc.option(digits(6)), exponent)
  .map(([before, units, decimals, after]) => `${before}${units}${decimals === null ? "" : `.${decimals}`}${after}`);
const name = mostly(
  fc.oneof(fc.constantFrom("temperature", "__proto__", "x1"), fc.stringMatching(/^[a-zA-Z_ .-]{1,20}$/)),
  fc.oneof(fc.constantFrom("1", "a"), fc.string({ maxLength: 40 })),
);
const space = mostly(fc.constantFrom("", " "), fc.constant("\n"));

test("whatever is read from its bytes is what JSON.parse makes of it", () => {
  let count = 0;
  const fields = fc.array(fc.tuple(space, name, space, numeral, space), { maxLength: 8 });
  fc.assert(
    fc.property(fields, (all) => {
      const text = `{${all.map(([a, key, b, value, c]) => `${a}${JSON.stringify(key)}${b}:${value}${c}`).join(",")}}`;
      if (read(text)) count += isSame(text) ? 1 : 0;
    }),
    { numRuns: 5_000 },
  );
  assert.ok(count > 500, `${count} were read quickly`);
});

test("a byte changed, put in or taken out is never read as something else", () => {
  const whole = Buffer.from('{"temperature":21.53, "humidity":-48.2,"n":100}');
  const byte = fc.oneof(fc.constantFrom(...Buffer.from('{}[]":,.-+eE0129 \\ntf')), fc.integer({ min: 0, max: 255 }));
  fc.assert(
    fc.property(fc.nat(whole.length), fc.nat(1), fc.array(byte, { maxLength: 3 }), (at, taken, put) => {
      const body = Buffer.concat([whole.subarray(0, at), Buffer.from(put), whole.subarray(at + taken)]);
      const text = body.toString("latin1");
      if (read(text)) isSame(text); // where JSON.parse throws, this does
    }),
    { numRuns: 20_000 },
  );
});

test("every number of two decimals is the double that JSON.parse reads", () => {
  for (let hundredths = -100_000; hundredths <= 100_000; hundredths += 7)
    assert.ok(isSame(`{"a":${(hundredths / 100).toFixed(2)}}`));
  for (const text of ['{"a":-0}', '{"a":-0.0}', '{"a":999999999999999}', '{"a":0.00000000000001}'])
    assert.ok(isSame(text), text);
});

test("what is read the slow way", () => {
  const malformed = '|{"a"}|{"a":}|{"a":1,}|{,"a":1}|{"a":1}}|{"a":01}|{"a":.5}|{"a":5.}|{"a":-}';
  const otherwise = '{}|{ }|[]|7|{"a":1} |{"a":"1"}|{"a":true}|{"a":{"b":1}}|{"a":1e3}|{"":1}|{"a\\u0062":1}|{"é":1}';
  // In the order of `for…in`; the last of a name twice; more digits than a double has.
  const special = '{"b":1,"1":2}|{"a":1,"a":2}|{"a":1234567890123456}';
  const long = `{"${"n".repeat(33)}":1}`;
  const many = `{${Array.from({ length: 33 }, (_, at) => `"n${at}":1`).join(",")}}`;
  const others = [malformed, otherwise, special, long, many].join("|").split("|");
  for (const text of others) assert.equal(read(text), undefined, text);
});

test("names that share a place are told apart", () => {
  for (let round = 0; round < 2; round++)
    for (let at = 0; at < 5_000; at++) assert.deepEqual(read(`{"name${at}":${at}}`), [[`name${at}`, at]]);
});
