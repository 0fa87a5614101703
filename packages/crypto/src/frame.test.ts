import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import vectors from "../../../vectors/socket.json" with { type: "json" };
import { Cmac } from "./cmac.ts";
import { answerIn, frameOf } from "./testing/device.ts";
import { bootKey, countersEnd, longestFrame, outcomes, type purposes } from "./frame.ts";
import { addressIn, BootKeys, formatSocketSecret, parseSocketSecret, readFrame, scrub, type Frame } from "./index.ts";

const hex = (text: string) => Uint8Array.fromHex(text);
const secret = hex(vectors.secret);
const address = addressIn(hex(vectors.address));
const opened = (bytes: Uint8Array, of = secret): Uint8Array | undefined => {
  const frame = readFrame(bytes);
  return frame && new BootKeys(of, frame.address, frame.boot).open(frame, bytes);
};

test("AES-CMAC is what RFC 4493, 4 says", () => {
  const mac = new Cmac(hex("2b7e151628aed2a6abf7158809cf4f3c"));
  const text = hex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
  );
  const expected: [number, string][] = [
    [0, "bb1d6929e95937287fa37d129b756746"],
    [16, "070a16b46b4d4144f79bdd9dd04a287c"],
    [40, "dfa66747de9ae63030ca32611497c827"],
    [64, "51f0bebf7e3b9d92fc49741779363cfe"],
  ];
  for (const [length, tag] of expected) assert.equal(mac.of(text.subarray(0, length)).toHex(), tag);
});

test("frames and answers are those of the vectors, byte for byte", () => {
  for (const { boot, purpose, key } of vectors.keys)
    assert.equal(bootKey(secret, purpose as keyof typeof purposes, address, boot).toHex(), key);
  for (const { what, frame, payload, answers, ...known } of vectors.valid) {
    const { mode, ...header } = known;
    const bytes = hex(frame);
    const read = readFrame(bytes);
    assert.ok(read, what);
    assert.partialDeepStrictEqual(read, { ...header, mode: mode as Frame["mode"], address }, what);
    assert.equal(opened(bytes)?.toHex(), payload, what);
    for (const outcome of outcomes) {
      const answer = new BootKeys(secret, address, read.boot).answer(read.counter, outcome);
      assert.equal(answer.toHex(), answers[outcome], what);
      assert.equal(answerIn({ secret, ...read }, answer), outcome);
      assert.ok(answer.length <= bytes.length, "an answer is no longer than what it answers");
    }
  }
});

test("what the vectors call invalid is no frame, or does not open", () => {
  for (const { frame, why, fails } of vectors.invalid) {
    assert.equal(readFrame(hex(frame)) === undefined, fails === "form", why);
    assert.equal(opened(hex(frame)), undefined, why);
  }
});

const sent = fc.record({
  secret: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  address: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  mode: fc.constantFrom("sealed", "signed"),
  isText: fc.boolean(),
  wantsAnswer: fc.boolean(),
  boot: fc.integer({ min: 0, max: countersEnd - 1 }),
  counter: fc.integer({ min: 0, max: countersEnd - 1 }),
  payload: fc.uint8Array({ minLength: 1, maxLength: 200 }),
});

test("what a device seals the platform opens, and no bit of it can be changed", () => {
  fc.assert(
    fc.property(sent, fc.nat(), (made, at) => {
      const bytes = frameOf(made);
      assert.deepEqual(opened(bytes, made.secret)?.toHex(), made.payload.toHex());
      const changed = bytes.map((byte, place) => (place === (at >> 3) % bytes.length ? byte ^ (1 << (at & 7)) : byte));
      assert.equal(opened(changed, made.secret), undefined);
    }),
  );
});

test("no bytes crash it, and none open by chance", () => {
  const bytes = fc.uint8Array({ maxLength: longestFrame + 20 });
  const alike = fc
    .tuple(fc.integer({ min: 0x90, max: 0x9f }), bytes)
    .map(([kind, rest]) => Uint8Array.of(kind, ...rest));
  fc.assert(
    fc.property(fc.oneof(bytes, alike), (all) => {
      assert.equal(opened(all), undefined);
    }),
  );
});

test("a secret is told by its prefix, read back as it was shown, and struck out of logs", () => {
  assert.equal(formatSocketSecret({ address, secret }), vectors.text);
  assert.deepEqual(parseSocketSecret(vectors.text), { address, secret });
  for (const text of [
    "",
    vectors.text.slice(0, -1),
    vectors.text.toUpperCase(),
    `${vectors.text}0`,
    `hfs_${vectors.text.slice(4)}`,
  ])
    assert.equal(parseSocketSecret(text), undefined);
  assert.equal(scrub(`a ${vectors.text} b`), "a [credential] b");
});
