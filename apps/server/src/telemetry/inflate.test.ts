import assert from "node:assert/strict";
import { test } from "node:test";
import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import fc from "fast-check";
import { Refusal } from "@holdfast/kernel";
import { encodings, inflate, parseEncoding } from "./inflate.ts";

const mebibyte = 1 << 20;
const deflate = { gzip: gzipSync, zstd: zstdCompressSync } as const;
const whole = { gzip: gunzipSync, zstd: zstdDecompressSync } as const;

/** Microseconds of the processor. */
function spent(work: () => void): number {
  const since = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(since);
  return user + system;
}

test("gzip and zstd are read, by any spelling of their names, and no other encoding", () => {
  for (const none of ["", "identity"]) assert.equal(parseEncoding(none), undefined);
  for (const [text, encoding] of [
    ["gzip", "gzip"],
    [" GZIP", "gzip"],
    ["x-gzip", "gzip"],
    ["zstd", "zstd"],
  ] as const)
    assert.equal(parseEncoding(text), encoding);
  for (const text of ["br", "deflate", "gzip, gzip", "gzip;q=1"])
    assert.throws(() => parseEncoding(text), { code: "request.mediaType" });
});

test("what was compressed comes back as it was", () => {
  for (const encoding of encodings)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000, size: "max" }), (bytes) => {
        assert.deepEqual(Buffer.from(inflate(deflate[encoding](bytes), encoding, mebibyte)), Buffer.from(bytes));
      }),
    );
});

test("a body of several parts is read whole or not at all: what stands behind one and is no part is never left out", () => {
  for (const encoding of encodings) {
    const [first, second] = [deflate[encoding]('{"a":1}\n'), deflate[encoding]('{"a":2}\n')];
    const both = Buffer.concat([first, second]);
    assert.equal(Buffer.from(inflate(both, encoding, mebibyte)).toString(), '{"a":1}\n{"a":2}\n');
    for (const byte of [0, 1, 0x1f, 0xff]) {
      const damaged = Buffer.concat([first, second.with(0, (second[0] ?? 0) === byte ? byte ^ 1 : byte)]);
      assert.throws(() => inflate(damaged, encoding, mebibyte), { code: "telemetry.malformed" }, `${encoding} ${byte}`);
    }
    for (const more of [[0], [0, 0, 0], [0x61]])
      assert.throws(() => inflate(Buffer.concat([first, Buffer.from(more)]), encoding, mebibyte), {
        code: "telemetry.malformed",
      });
  }
});

test("a body that becomes too large is given up while it inflates, in no time and in little memory", () => {
  for (const encoding of encodings) {
    const bomb = deflate[encoding](Buffer.alloc(64 * mebibyte));
    const before = process.memoryUsage().rss;
    const tries = Array.from({ length: 3 }, () =>
      spent(() =>
        assert.throws(() => inflate(bomb, encoding, mebibyte), {
          code: "request.tooLarge",
          message: /more than [\d,]+ bytes/,
        }),
      ),
    );
    assert.ok(process.memoryUsage().rss - before < 16 * mebibyte, `${process.memoryUsage().rss - before}`);
    // All of it, on this machine as it is now.
    const all = spent(() => whole[encoding](bomb));
    assert.ok(Math.min(...tries) < all / 10, `${tries.join()} µs of ${all}`);
  }
});

test("a hundred times its size is the most that a body becomes, but for small ones", () => {
  for (const encoding of encodings) {
    const small = deflate[encoding](Buffer.alloc(16 * 1_024));
    assert.equal(inflate(small, encoding, mebibyte).length, 16 * 1_024);
    const steep = deflate[encoding](Buffer.alloc(mebibyte / 2));
    assert.ok(steep.length * 100 < mebibyte / 2);
    assert.throws(() => inflate(steep, encoding, mebibyte), { code: "request.tooLarge" });
    assert.throws(() => inflate(small, encoding, 1_000), { code: "request.tooLarge" });
  }
});

test("a window that takes a gigabyte is not opened", () => {
  const wide = Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa0, 0x01, 0x00, 0x00]); // RFC 8878, 3.1.1.1.2: 2^30 bytes
  assert.throws(() => inflate(wide, "zstd", mebibyte), { code: "telemetry.malformed" });
  const usual = zstdCompressSync("x".repeat(1_000), { params: { [constants.ZSTD_c_compressionLevel]: 19 } });
  assert.equal(inflate(usual, "zstd", mebibyte).length, 1_000);
});

test("no bytes crash it", () => {
  for (const encoding of encodings)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(), fc.nat(255), (bytes, at, byte) => {
        const altered = Uint8Array.from(deflate[encoding](bytes));
        altered[at % altered.length] = byte;
        for (const some of [bytes, altered, altered.subarray(0, at % altered.length)]) {
          try {
            inflate(some, encoding, mebibyte);
          } catch (error) {
            assert.ok(error instanceof Refusal && error.code !== "stopping", String(error));
          }
        }
      }),
    );
});
