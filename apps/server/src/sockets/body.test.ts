import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bodyOf, jsonOfLine } from "./body.ts";

const malformed = { code: "telemetry.malformed" };
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

test("a line says what its JSON says", () => {
  const lines: [string, object][] = [
    ["temperature=21.5", { temperature: 21.5 }],
    ["temperature=-0.5e3 humidity=48 on=true off=false", { temperature: -500, humidity: 48, on: true, off: false }],
    ['note="a \\"b\\" = c" größe=1\n', { note: 'a "b" = c', größe: 1 }],
    ["@1700000000000 t=1", { time: 1_700_000_000_000, values: { t: 1 } }],
    ["time=1 values=2", { values: { time: 1, values: 2 } }],
    ["__proto__=1", JSON.parse('{"__proto__":1}') as object],
  ];
  for (const [line, said] of lines) assert.deepEqual(JSON.parse(jsonOfLine(line)), said, line);
});

test("what is not a line of pairs is refused, and no line becomes anything but flat JSON", () => {
  const bad = [
    "",
    " ",
    "a",
    "a=",
    "=1",
    "a=1 ",
    "a=1  b=2",
    " a=1",
    "a=01",
    "a=.5",
    "a=+1",
    "a=1,b=2",
    "a=[1]",
    "a={}",
    "a=null",
  ];
  for (const line of [...bad, 'a="b', "a=1\nb=2", '"a"=1', "@1 ", "@x a=1", "a=NaN"])
    assert.throws(() => jsonOfLine(line), malformed, line);
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...Array.from('ab=" @\\{}[],:.1e-\nté')) }), (line) => {
      let said: string;
      try {
        said = jsonOfLine(line);
      } catch (error) {
        return assert.equal((error as { code: string }).code, "telemetry.malformed");
      }
      const parsed = JSON.parse(said) as Record<string, object>;
      const values = parsed["values"] ?? parsed;
      for (const value of Object.values(values)) assert.notEqual(typeof value, "object");
    }),
  );
});

test("numbers stand for the names that the secret was made with, at any depth where names are, and for no others", () => {
  const names = ["temperature", "humidity"];
  const said = (hex: string) => textOf(bodyOf(Buffer.from(hex, "hex"), false, names).bytes);
  assert.equal(said("a200f94d60011830"), '{"temperature":21.5,"humidity":48}');
  assert.equal(
    said("81a26474696d65c11a6553f1006676616c756573a10001"),
    '[{"time":1700000000000,"values":{"temperature":1}}]',
  );
  for (const hex of ["a10201", "a12001", "a10041ff", "a100f97e00", "ff", "a1", "f7", "f0"])
    assert.throws(() => said(hex), { code: /^telemetry\./ }, hex);
  // A string of bytes in parts, what has no meaning beside a value and within one, and a time where none is asked for.
  for (const hex of ["a1005f41ffff", "a200f7011830", "a10081f7", "a100c11a6553f100"])
    assert.throws(() => said(hex), malformed, hex);
  const plain = Uint8Array.fromHex("a1617401");
  assert.deepEqual(bodyOf(plain, false, []), { bytes: plain, kind: { contentType: "application/cbor" } });
  assert.throws(() => bodyOf(Uint8Array.of(0xff), true, []), malformed);
});
