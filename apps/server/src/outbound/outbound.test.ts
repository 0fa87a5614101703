import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import mqttPacket from "mqtt-packet";
import { newId, systemRandom, systemTimers } from "@holdfast/kernel";
import { atEnd, startTestPlatform } from "../testing/index.ts";
import { connectFrame, packet, Packets, publishFrame } from "./mqtt-frames.ts";
import { OwnListeners, TurnedAway } from "./own-listeners.ts";

const given = await startTestPlatform();
atEnd.after(() => given.close());
const { url, mqttsUrl, caPem } = given.platform;
const ports = { https: Number(new URL(url).port), mqtts: Number(new URL(mqttsUrl).port) };
const place = { name: "localhost", ports: () => ports, timers: systemTimers };
const key = { id: newId("key", systemRandom), secret: "hfs_nobody" };

function parsed(frame: Uint8Array): mqttPacket.Packet {
  const parser = mqttPacket.parser({ protocolVersion: 5 });
  const found: mqttPacket.Packet[] = [];
  parser.on("packet", (one) => found.push(one));
  parser.on("error", (error) => assert.fail(error));
  parser.parse(Buffer.from(frame));
  return found[0] ?? assert.fail("that is no packet");
}

test("what is written is what another implementation of MQTT reads, whatever its length", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 40 }).filter((value) => value.isWellFormed());
  fc.assert(
    fc.property(text, text, fc.nat(0xffff), (username, password, keepAlive) => {
      const read = parsed(connectFrame({ username, password, keepAlive }));
      const whole = { cmd: "connect", protocolVersion: 5, clean: true, clientId: "", username, keepalive: keepAlive };
      assert.partialDeepStrictEqual({ ...read }, { ...whole, password: Buffer.from(password) });
    }),
  );
  const long = fc.integer({ min: 0, max: 20_000 }).map((length) => "x".repeat(length));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 0xffff }), fc.oneof(text, long), (messageId, payload) => {
      const read = parsed(publishFrame("me/telemetry", messageId, payload));
      const whole = { cmd: "publish", topic: "me/telemetry", messageId, qos: 1, retain: false, dup: false };
      assert.partialDeepStrictEqual({ ...read }, { ...whole, payload: Buffer.from(payload) });
    }),
  );
});

test("what comes is cut into packets wherever the network cut it", () => {
  const bytes = Buffer.concat([
    mqttPacket.generate({ cmd: "connack", sessionPresent: false, reasonCode: 0 }, { protocolVersion: 5 }),
    mqttPacket.generate(
      { cmd: "puback", messageId: 258, reasonCode: 0x99 },
      {
        protocolVersion: 5,
      },
    ),
    mqttPacket.generate({ cmd: "puback", messageId: 7, reasonCode: 0 }, { protocolVersion: 5 }),
  ]);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: bytes.length })), (cuts) => {
      const heard: [number, number[]][] = [];
      const packets = new Packets((type, body) => heard.push([type, [...body.subarray(0, 3)]]));
      const ends = [...new Set([...cuts, bytes.length])].toSorted((a, b) => a - b);
      for (const [at, end] of ends.entries()) packets.take(bytes.subarray(ends[at - 1] ?? 0, end));
      assert.deepEqual(
        heard.map(([type, body]) => [type, body[0], body[1]]),
        [
          [packet.connack, 0, 0],
          [packet.puback, 1, 2],
          [packet.puback, 0, 7],
        ],
      );
      assert.equal(heard[1]?.[1][2], 0x99);
    }),
  );
});

test("the door leads to listeners of this machine whose certificate is trusted, and nowhere else", async () => {
  const own = new OwnListeners({ ...place, host: "127.0.0.1", ca: () => caPem });
  for (const come of [() => own.connect(key), () => own.deliver(key, "{}")]) {
    await assert.rejects(come, (error) => error instanceof TurnedAway && error.isForGood);
  }
  const misled = new OwnListeners({ ...place, host: "127.0.0.1", ca: () => undefined });
  const misnamed = new OwnListeners({ ...place, host: "127.0.0.1", name: "example.com", ca: () => caPem });
  for (const door of [misled, misnamed]) {
    for (const come of [() => door.connect(key), () => door.deliver(key, "{}")]) {
      await assert.rejects(come, (error) => !(error instanceof TurnedAway));
    }
    door.close();
  }
  own.close();
});
