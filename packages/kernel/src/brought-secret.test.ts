import assert from "node:assert/strict";
import { test } from "node:test";
import { faultOfSecret, isBroughtSecret } from "./brought-secret.ts";

const names = ["Pump 4711 North", "pump-4711", undefined];
const codeOf = (secret: string) => faultOfSecret(secret, names)?.code;

test("defaults that factories set are known, in any spelling, and so is what is made of them alone", () => {
  for (const secret of [
    "admin",
    "Password",
    "PASSWORD!",
    "change-me",
    "root",
    "admin-admin-root-password",
    "Default_Password_2026",
  ])
    assert.equal(codeOf(secret), "secret.known", secret);
});

test("what can be guessed is weak: too short, too plain, a run, said again, or what the device is called", () => {
  const weak = [
    "123456",
    "k8Qz-1x_Vt4mP9a", // one character less than it needs
    "x".repeat(129),
    "k8Qz 1x_Vt4mP9aB", // a blank
    "k8Qz1x_Vt4mP9aBü",
    "12345678901234567890123", // digits
    "aabbaabbaabbaabbccaabb",
    "k8Qzx_Vtk8Qzx_Vt", // the same again
    "abcdefghijklmnop",
    "Pump 4711 North",
    "pump-4711",
    "PUMP4711NORTH-PUMP4711",
    "pump-4711-Secret-aB3",
    "hfs_k8Qz1x_Vt4mP9aBk8Qz1x_Vt4mP9aB",
    "key_k8Qz1x_Vt4mP9aB",
  ];
  for (const secret of weak) assert.match(codeOf(secret) ?? "", /^secret\.(weak|known)$/, secret);
  assert.equal(codeOf("pump-4711"), "secret.weak");
});

test("what somebody made well is taken", () => {
  const good = [
    "k8Qz-1x_Vt4mP9aB",
    "9f86d081884c7d65",
    "e3b0c44298fc1c149afbf4c8996fb924",
    "Zm9vYmFyIHNlY3JldCBvZiBtaW5l/+==",
    "871340958723049875102938",
    "correct-horse-battery-staple",
  ];
  for (const secret of good) {
    assert.equal(codeOf(secret), undefined, secret);
    assert.ok(isBroughtSecret(secret), secret);
  }
});
