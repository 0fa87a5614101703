import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readEvents, type ServerEvent } from "./events.ts";

async function* inPieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const read = (text: string, size = text.length || 1): Promise<ServerEvent[]> =>
  Array.fromAsync(readEvents(inPieces(text, size)));

test("events, comments and fields are read as the standard says, with each kind of line ending", async () => {
  for (const end of ["\n", "\r\n", "\r"]) {
    const text = [
      ": a comment",
      "event: reading",
      "id: 7",
      "data: {",
      "data:}",
      "retry: 5",
      "",
      "event: nothing",
      "",
      "data:  two",
      "",
      "data: cut",
    ].join(end);
    const expected = [
      { type: "reading", id: "7", data: "{\n}" },
      { type: "message", id: "7", data: " two" },
    ];
    for (const size of [1, 2, 3, 1_000])
      assert.deepEqual(await read(text, size), expected, JSON.stringify({ end, size }));
  }
});

test("an event arrives the same however the network cuts it", async () => {
  const line = fc.string({ unit: "grapheme" }).map((text) => text.replaceAll(/[\r\n\0]/g, ""));
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 1 }), fc.integer({ min: 1, max: 9 }), async (lines, size) => {
      const text = `${lines.map((data) => `data: ${data}\n`).join("")}\n`;
      assert.deepEqual(await read(text, size), [{ type: "message", data: lines.join("\n") }]);
    }),
  );
});

test("no bytes crash the reader", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 100, size: "max" })), async (chunks) => {
      const events = await Array.fromAsync(
        readEvents(
          (async function* () {
            yield* chunks;
          })(),
        ),
      );
      assert.ok(Array.isArray(events));
    }),
  );
});

test("a stream that never ends a line is not collected without end", async () => {
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) yield new Uint8Array(1 << 20).fill(0x61);
  }
  await assert.rejects(Array.fromAsync(readEvents(endless())), RangeError);
});
