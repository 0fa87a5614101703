import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { systemClock, systemRandom } from "@holdfast/kernel";
import vectors from "../../../vectors/passphrase.json" with { type: "json" };
import { stretch } from "./argon2.ts";
import { openWithPassphrase, Passwords, sealWithPassphrase } from "./index.ts";

const wrong = { code: "backup.wrong" };

test("what a passphrase sealed it opens, and nothing else does", async () => {
  const plain = Uint8Array.of(1, 2, 3);
  const sealed = await sealWithPassphrase("correct horse", plain, systemRandom);
  assert.deepEqual(await openWithPassphrase("correct horse", sealed), plain);
  await assert.rejects(openWithPassphrase("correct hors", sealed), wrong);
  for (const at of [0, 29, 30, 60, sealed.length - 1]) {
    const changed = Uint8Array.from(sealed, (byte, i) => (i === at ? byte ^ 1 : byte));
    await assert.rejects(openWithPassphrase("correct horse", changed), wrong, `byte ${at}`);
  }
  for (const length of [0, 10, 58, 59, 86]) {
    await assert.rejects(openWithPassphrase("correct horse", sealed.subarray(0, length)), wrong);
  }
});

test("a forged header cannot ask for all the memory there is", async () => {
  const sealed = Buffer.from(await sealWithPassphrase("x", new Uint8Array(), systemRandom));
  for (const [offset, number] of [
    [31, 0xffff_ffff],
    [31, 0],
    [35, 0],
    [35, 17],
    [39, 0],
    [39, 17],
  ] as const) {
    const forged = Buffer.from(sealed);
    forged.writeUInt32BE(number, offset);
    await assert.rejects(openWithPassphrase("x", forged), wrong);
  }
});

test("Argon2id is the one of RFC 9106, and passphrases are kept in the form earlier versions wrote", async () => {
  for (const { text, salt, memory, passes, lanes, hash } of vectors.argon2id) {
    assert.equal((await stretch(text, Uint8Array.fromHex(salt), { memory, passes, lanes })).toHex(), hash);
  }
  for (const { passphrase, plain, sealed } of vectors.sealed) {
    assert.equal((await openWithPassphrase(passphrase, Uint8Array.fromHex(sealed))).toHex(), plain);
  }
  const passwords = new Passwords({ random: systemRandom, clock: systemClock });
  for (const { password, kept } of vectors.passwords) assert.ok(await passwords.matches(password, kept));
});

test("a password is known again however it was composed, and nobody has none", async () => {
  const passwords = new Passwords({ random: systemRandom, clock: systemClock });
  const kept = await passwords.hash("Caf\u00e9 Ma\u00f1ana");
  assert.match(kept, /^\$argon2id\$v=19\$m=65536,t=3,p=4\$/);
  assert.ok(await passwords.matches("Cafe\u0301 Man\u0303ana", kept));
  assert.equal(await passwords.matches("cafe manana", kept), false);
  assert.equal(await passwords.matches("", undefined), false);
  await assert.rejects(passwords.matches("x", "$argon2id$"), { name: "Error" });
});

const cheap = "$argon2id$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

test("strangers cannot make many passwords be checked at once, and each who is refused gets a later time", async () => {
  const passwords = new Passwords({ random: systemRandom, clock: { elapsed: () => 0 }, atOnce: 2 });
  const asked = Array.from({ length: 134 }, () => passwords.matches("x", cheap));
  const answers = await Promise.allSettled(asked);
  const refused = answers.filter((answer) => answer.status === "rejected");
  assert.equal(refused.length, 134 - 2 - 32);
  for (const { reason } of refused) assert.equal(reason.code, "rate.exceeded");
  const after = refused.map(({ reason }) => reason.retryAfterSeconds);
  assert.deepEqual(
    after,
    after.toSorted((a, b) => a - b),
  );
  // Two at once, 150 ms each until one has told: behind the 32 who wait, thirteen or fourteen come each second.
  assert.deepEqual([after[0], after.at(-1)], [3, 10]);
  assert.equal(await passwords.matches("x", cheap), false);
});

test("hashing is done by threads that give way to all others", { skip: process.platform !== "linux" }, async () => {
  // proc(5): after the name, which may hold blanks, the 17th field is the nice value.
  const niceOf = (id: string) => {
    const stat = readFileSync(`/proc/self/task/${id}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16]);
  };
  const eager = niceOf(String(process.pid));
  const thatGiveWay = () => readdirSync("/proc/self/task").filter((id) => niceOf(id) > eager).length;
  const before = thatGiveWay();
  const passwords = new Passwords({ random: systemRandom, clock: systemClock, atOnce: 2 });
  await Promise.all(Array.from({ length: 8 }, () => passwords.matches("x", cheap)));
  assert.equal(thatGiveWay() - before, 2);
});
