import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import { packet } from "./codes.ts";
import { Cursor } from "./cursor.ts";
import { Frames } from "./frames.ts";
import {
  readAcknowledgement,
  readAuth,
  readConnect,
  readDisconnect,
  readSubscribe,
  readUnsubscribe,
} from "./packets.ts";
import { readProperties, writeProperties } from "./properties.ts";
import { ProtocolError } from "./protocol-error.ts";
import { propertiesOf } from "./said.fixture.ts";

test("properties come back as they were written, in their order where that says something", () => {
  fc.assert(
    fc.property(propertiesOf("connack"), propertiesOf("publish"), (ofAnswer, ofMessage) => {
      for (const [holder, properties] of [
        [packet.connack, ofAnswer],
        [packet.publish, ofMessage],
      ] as const) {
        const list = writeProperties(properties);
        const { length } = list;
        const whole = Buffer.concat([
          Buffer.from(length < 128 ? [length] : [(length & 0x7f) | 0x80, length >> 7]),
          list,
        ]);
        assert.deepEqual(readProperties(new Cursor(whole, 0, whole.length), holder), properties);
      }
    }),
  );
});

test("packets are found whole, in whatever pieces they come", () => {
  const packet = fc.tuple(fc.integer({ min: 1, max: 255 }), fc.uint8Array({ maxLength: 400, size: "max" }));
  fc.assert(
    fc.property(fc.array(packet, { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 300 })), (packets, cuts) => {
      const stream = Buffer.concat(
        packets.map(([first, body]) => {
          const length = body.length < 128 ? [body.length] : [(body.length & 0x7f) | 0x80, body.length >> 7];
          return Buffer.concat([Buffer.from([first, ...length]), body]);
        }),
      );
      const found: [number, Uint8Array][] = [];
      const frames = new Frames(
        {
          mayRead: () => true,
          announced: () => {},
          frame: (first, whole, _start, body, stop) => found.push([first, Uint8Array.from(whole.subarray(body, stop))]),
        },
        1 << 20,
      );
      let at = 0;
      for (const [i, cut] of [...cuts, stream.length].entries()) {
        // Now and then somebody pauses in between: nothing is lost by it.
        if (i % 3 === 1) frames.pause();
        frames.read(stream.subarray(at, at + cut));
        at = Math.min(stream.length, at + cut);
        if (frames.isPaused && i % 3 === 2) frames.resume();
      }
      frames.resume();
      assert.deepEqual(
        found,
        packets.map(([first, body]) => [first, Uint8Array.from(body)]),
      );
    }),
  );
});

test("no bytes make a reader do anything but read or refuse", () => {
  const readers = [
    (cursor: Cursor) => readConnect(cursor),
    (cursor: Cursor) => readSubscribe(cursor, 5, 10),
    (cursor: Cursor) => readSubscribe(cursor, 4, 10),
    (cursor: Cursor) => readUnsubscribe(cursor, 5, 10),
    (cursor: Cursor) => readAcknowledgement(cursor, 5, packet.pubrec),
    (cursor: Cursor) => readDisconnect(cursor, 5),
    (cursor: Cursor) => readAuth(cursor),
    (cursor: Cursor) => readProperties(cursor, 3),
  ];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100, size: "max" }), fc.constantFrom(...readers), (noise, reader) => {
      try {
        reader(new Cursor(Buffer.from(noise), 0, noise.length));
      } catch (error) {
        assert.ok(error instanceof ProtocolError);
      }
    }),
    { numRuns: 2000 },
  );
});
