import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { systemRandom } from "@holdfast/kernel";
import { isCommonPassword } from "./common-passwords.ts";

test("[V6.2.4] [V6.2.12] passwords that leaked often are known, whatever the case, and far more than three thousand that are long enough", () => {
  for (const one of [
    "passwordpassword",
    "QWERTYuiopasdfgh",
    "123456789012",
    "1q2w3e4r5t6y",
    "LeaveMeAlone",
    "administrator",
  ])
    assert.ok(isCommonPassword(one), one);
  for (const one of ["password", "dragon", "michael", "trustno1"]) assert.ok(isCommonPassword(one), one);
  for (const one of ["correct horse battery staple", "", "x", "zwölf Boxkämpfer jagen Viktor"])
    assert.ok(!isCommonPassword(one), one);
  const bytes = readFileSync(new URL("common-passwords.bin", import.meta.url));
  assert.equal(bytes.length, 4 * 68_118, "58,233 of twelve characters and more, and what these are made of");
  for (let at = 4; at < bytes.length; at += 4) assert.ok(bytes.readUInt32BE(at - 4) < bytes.readUInt32BE(at));
});

test("a password that nobody chose is hardly ever taken for a common one", () => {
  const tried = 20_000;
  let taken = 0;
  for (let at = 0; at < tried; at += 1) if (isCommonPassword(systemRandom.bytes(12).toBase64())) taken += 1;
  assert.ok(taken <= 5, `${taken} of ${tried}; one in 63,000 is expected`);
});
