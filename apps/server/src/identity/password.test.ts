import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { passwordFault, type Surroundings } from "./password.ts";

const faultOf = (password: string, surroundings: Surroundings = []) =>
  passwordFault(password, surroundings)?.code ?? "none";

test("[V6.2.1] [V6.2.9] a password of 11 characters is refused, and those of 12 to 128 are taken, counted as a person would", () => {
  assert.equal(faultOf("k3#vQ z!m4p"), "password.weak");
  assert.equal(faultOf("k3#vQ z!m4p "), "none");
  assert.equal(faultOf("🗝🐴🔋📎🌊🦜🧭🕯🪁🧵🪗"), "password.weak");
  assert.equal(faultOf("🗝🐴🔋📎🌊🦜🧭🕯🪁🧵🪗🦦"), "none");
  const long = Array.from({ length: 129 }, (_, at) => String.fromCodePoint(0x4e00 + at * 37)).join("");
  assert.deepEqual(
    [faultOf(long), faultOf(long.slice(0, 128)), faultOf(long.slice(0, 64))],
    ["password.weak", "none", "none"],
  );
});

test("[V6.2.5] any characters make a password, and none are demanded", () => {
  for (const one of [
    "mossy lantern oats",
    "UPPER GRAVEL TIN",
    "730194628551",
    "#;)^~{&%?!+=",
    "пятница у реки",
    "\u0000\u0001tab\tinside\u0007?",
    "            .            ",
  ])
    assert.equal(faultOf(one), "none", one);
  const text = fc
    .string({ unit: "binary", minLength: 12, maxLength: 128 })
    .filter((one) => Array.from(one).length >= 12);
  fc.assert(fc.property(text, (one) => ["none", "password.common"].includes(faultOf(one))));
});

test("[V6.2.4] [V6.2.12] what leaked often is refused, and what is made of it", () => {
  for (const one of [
    "passwordpassword",
    "PasswordPassword",
    "qwertyqwerty",
    "administrator",
    "1q2w3e4r5t6y",
    "Password2026!",
    "2026-password",
    "!!!Michael1984",
    "dragondragondragon",
  ])
    assert.equal(faultOf(one), "password.common", one);
  for (const one of ["password 8kq 2mzp 4", "michael 730 194 628", "dragon tin lantern"])
    assert.equal(faultOf(one), "none", one);
});

test("what repeats itself or follows a row is refused", () => {
  for (const one of [
    "aaaaaaaaaaaa",
    "abcabcabcabc",
    "abababababab",
    "12121212121212",
    "xyzwxyzwxyzw",
    "123456789012345",
    "098765432109",
    "abcdefghijklm",
    "zyxwvutsrqpon",
    "🗝".repeat(12),
  ])
    assert.equal(faultOf(one), "password.common", one);
  for (const one of ["mossy mossy!", "123456789013z", "lantern lantern "]) assert.equal(faultOf(one), "none", one);
});

test("[V6.2.11] words of the surroundings make no password: the e-mail, names of organisations, the platform's own", () => {
  const hers = ["anna.lindqvist@nordwerk.example", "Nordwerk Pumps Ltd"];
  for (const one of [
    "anna.lindqvist",
    "AnnaLindqvist1",
    "lindqvist2026!",
    "anna.lindqvist@nordwerk.example",
    "nordwerkpumps1",
    "Nordwerk Pumps Ltd",
    "nordwerk-nordwerk",
    "holdfast2026",
    "Holdfast Nordwerk",
    "ｈｏｌｄｆａｓｔ２０２６",
  ])
    assert.equal(faultOf(one, hers), "password.common", one);
  for (const one of ["holdfast mossy lantern", "anna sells oats", "lindqvist 8kq 2mzp 4"])
    assert.equal(faultOf(one, hers), "none", one);
  assert.equal(faultOf("AnnaLindqvist1", []), "none");
});

test("what is wrong with a password is told without the password", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("passwordpassword", "aaaaaaaaaaaa", "holdfast2026", "Password2026!", "short"),
      (one) => {
        assert.ok(!passwordFault(one, [])?.message.toLowerCase().includes(one.toLowerCase()));
      },
    ),
  );
});
