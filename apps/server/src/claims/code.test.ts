import assert from "node:assert/strict";
import { test } from "node:test";
import { systemRandom } from "@holdfast/kernel";
import fc from "fast-check";
import { newCode, parseCode } from "./code.ts";

test("a code is read however it was typed, and one mistyped or exchanged character is told", () => {
  const code = newCode(systemRandom);
  assert.match(code, /^([0-9A-HJKMNP-TV-Z]{4}-){4}[0-9A-HJKMNP-TV-Z]{4}$/);
  const plain = code.replaceAll("-", "");
  assert.equal(parseCode(code), plain);
  const typed = ` ${plain.toLowerCase().replaceAll("0", "o").replaceAll("1", "l")} `;
  assert.equal(parseCode(typed), plain);
  fc.assert(
    fc.property(fc.nat(19), fc.constantFrom(..."0123456789ABCDEFGHJKMNPQRSTVWXYZU!".split("")), (at, other) => {
      const changed = plain.slice(0, at) + other + plain.slice(at + 1);
      assert.equal(parseCode(changed), changed === plain ? plain : undefined);
    }),
  );
  for (let at = 0; at < 19; at++) {
    const [a = "", b = ""] = plain.slice(at, at + 2);
    const swapped = plain.slice(0, at) + b + a + plain.slice(at + 2);
    assert.equal(parseCode(swapped), a === b ? plain : undefined);
  }
  assert.equal(parseCode(""), undefined);
});
