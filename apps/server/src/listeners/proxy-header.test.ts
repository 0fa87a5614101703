import assert from "node:assert/strict";
import { isIPv4, isIPv6 } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { checksumOf, localHeader, longest, readHeader } from "./proxy-header.ts";

// The layout is that of the specification (doc/proxy-protocol.txt, 2.2), written out by hand.
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ""), "hex");
const signature = "0d0a0d0a 000d0a51 5549540a";
const from192 = "c0a8000b c0a80001 dc04 01bb"; // 192.168.0.11:56324 → 192.168.0.1:443, as in its example of version 1

const client = (address: string, port: number) => ({ of: "client", address, port });
const good: readonly [string, string, unknown][] = [
  ["TCP over IPv4", `${signature} 21 11 000c ${from192}`, client("192.168.0.11", 56_324)],
  [
    "TCP over IPv6",
    `${signature} 21 21 0024 20010db8000000000000000000000001 20010db8000000000000000000000002 dc04 01bb`,
    client("2001:db8::1", 56_324),
  ],
  [
    "IPv4 in the form of IPv6",
    `${signature} 21 21 0024 00000000000000000000ffffc0a8000b 00000000000000000000ffffc0a80001 dc04 01bb`,
    client("::ffff:192.168.0.11", 56_324),
  ],
  ["the proxy itself", `${signature} 20 00 0000`, { of: "proxy" }],
  ["the proxy itself, whatever it says besides", `${signature} 20 11 000c ${from192}`, { of: "proxy" }],
  ["nobody in particular", `${signature} 21 00 0000`, { of: "unknown" }],
  ["nobody in particular, with something to pass over", `${signature} 21 00 0004 01020304`, { of: "unknown" }],
  ["a socket of its machine", `${signature} 21 31 00d8 ${"00".repeat(216)}`, { of: "unknown" }],
  [
    "extensions: ALPN, authority, one of nobody's, padding",
    `${signature} 21 11 0022 ${from192} 010002 6832 020003 612e62 e00001 ff 040004 00000000`,
    client("192.168.0.11", 56_324),
  ],
];

const bad: readonly [string, string, string][] = [
  ["a ClientHello", "16030102000100 01fc0303", "none"],
  ["a request", Buffer.from("GET / HTTP/1.1\r\n\r\n").toString("hex"), "none"],
  ["an empty line", "0d0a0d0a 0d0a0d0a", "none"],
  ["version 1", Buffer.from("PROXY TCP4 192.168.0.11 192.168.0.1 56324 443\r\n").toString("hex"), "version1"],
  ["version 1 in the header of version 2", `${signature} 11 11 000c ${from192}`, "malformed"],
  ["version 3", `${signature} 31 11 000c ${from192}`, "malformed"],
  ["a command that nobody knows", `${signature} 22 11 000c ${from192}`, "malformed"],
  ["a family that nobody knows", `${signature} 21 41 000c ${from192}`, "malformed"],
  ["datagrams, on a port of TCP", `${signature} 21 12 000c ${from192}`, "malformed"],
  ["TCP over IPv4 without all of its ports", `${signature} 21 11 000a ${from192}`, "malformed"],
  ["TCP over IPv6 with addresses of IPv4", `${signature} 21 21 000c ${from192}`, "malformed"],
  ["an extension without its length", `${signature} 21 11 000e ${from192} 0100`, "malformed"],
  ["an extension longer than the header", `${signature} 21 11 0010 ${from192} 01000268`, "malformed"],
  ["a checksum that is none", `${signature} 21 11 000f ${from192} 030000`, "malformed"],
  ["a checksum of something else", `${signature} 21 11 0013 ${from192} 030004 deadbeef`, "checksum"],
  ["more than anybody needs", `${signature} 21 11 ffff ${from192}`, "tooLong"],
];

/** A header with a checksum, which covers all of it. */
function summed(body: string): Buffer {
  const bytes = hex(body);
  bytes.writeUInt32BE(checksumOf(bytes, bytes.length - 4), bytes.length - 4);
  return bytes;
}

const whole = `${signature} 21 11 0013 ${from192} 030004 00000000`;

for (const [what, text, origin] of good) {
  test(`a header of ${what} is read, in one piece and in any other`, () => {
    const bytes = hex(text);
    assert.deepEqual(readHeader(bytes), { origin, length: bytes.length });
    assert.deepEqual(readHeader(Buffer.concat([bytes, hex("160301")])), { origin, length: bytes.length });
    for (let length = 0; length < bytes.length; length += 1)
      assert.equal(readHeader(bytes.subarray(0, length)), "more");
  });
}

for (const [what, text, flaw] of bad) {
  test(`${what} is no header that is taken`, () => assert.equal(readHeader(hex(text)), flaw));
}

test("the checksum is CRC-32C (RFC 3720, B.4), with its own place counted as zero", () => {
  const nowhere = -4;
  assert.equal(checksumOf(Buffer.from("123456789"), nowhere), 0xe3069283);
  assert.equal(checksumOf(new Uint8Array(32), nowhere), 0x8a9136aa);
  assert.equal(checksumOf(new Uint8Array(32).fill(0xff), nowhere), 0x62a8ab43);
  assert.equal(checksumOf(hex("00000000deadbeef"), 4), checksumOf(new Uint8Array(8), nowhere));
});

test("a header with a checksum is taken, and refused with any one bit changed that is not its length's", () => {
  const bytes = summed(whole);
  assert.deepEqual(readHeader(bytes), { origin: client("192.168.0.11", 56_324), length: bytes.length });
  for (let bit = 16 * 8; bit < bytes.length * 8; bit += 1) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const read = readHeader(changed);
    // The type of the extension itself may change to one that nobody checks.
    if (bit >> 3 === 28) assert.notEqual(read, "more");
    else assert.ok(read === "checksum" || read === "malformed", `bit ${bit}: ${JSON.stringify(read)}`);
  }
});

test("no bytes crash it, and what it answers fits into them", () => {
  const random = fc.uint8Array({ maxLength: 300, size: "max" });
  const plausible = fc
    .tuple(
      fc.constantFrom(0x20, 0x21, 0x2f, 0x11),
      fc.constantFrom(0x00, 0x11, 0x21, 0x31, 0x12, 0xff),
      fc.nat(400),
      random,
    )
    .map(([command, family, length, rest]) =>
      Buffer.concat([hex(signature), Buffer.from([command, family, length >> 8, length & 0xff]), rest]),
    );
  fc.assert(
    fc.property(fc.oneof(random, plausible), (bytes) => {
      const read = readHeader(bytes);
      if (typeof read === "string") return;
      assert.ok(read.length >= 16 && read.length <= bytes.length && read.length <= longest);
      if (read.origin.of === "client") assert.ok(isIPv4(read.origin.address) || isIPv6(read.origin.address));
    }),
    { numRuns: 2_000 },
  );
});

test("every address comes back as the system writes it", () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.nat(0xffff), (address, port) => {
      const header = hex(`${signature} 21 11 000c 00000000 00000000 0000 0000`);
      header.set(address.split(".").map(Number), 16);
      header.writeUInt16BE(port, 24);
      assert.deepEqual(readHeader(header), { origin: client(address, port), length: 28 });
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      const header = hex(`${signature} 21 21 0024 ${"00".repeat(36)}`);
      header.set(bytes, 16);
      const read = readHeader(header);
      assert.ok(typeof read !== "string" && read.origin.of === "client" && isIPv6(read.origin.address));
    }),
  );
});

test("what the platform says to its own listeners is a header of a proxy that speaks for itself", () => {
  assert.deepEqual(readHeader(localHeader), { origin: { of: "proxy" }, length: localHeader.length });
});
