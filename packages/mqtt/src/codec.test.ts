import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import mqttPacket from "mqtt-packet";
import { firstByte, packet } from "./codes.ts";
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
import { readProperties, writeProperties, type Properties } from "./properties.ts";
import { ProtocolError } from "./protocol-error.ts";
import { publicationOf } from "./publication.ts";
import { acknowledgement, connack, disconnect, suback, unsuback } from "./writer.ts";

const version = fc.constantFrom<4 | 5>(4, 5);
const text = fc
  .string({ unit: "grapheme", maxLength: 20 })
  .filter((value) => !value.includes("\0") && value.isWellFormed());
const name = text.filter((value) => value !== "" && !/[+#]/.test(value));
const bytes = fc.uint8Array({ maxLength: 40 }).map((value) => Buffer.from(value));
const uint16 = fc.integer({ min: 0, max: 0xffff });
const uint32 = fc.integer({ min: 0, max: 0xffffffff });
const id = fc.integer({ min: 1, max: 0xffff });
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

const userProperties = fc.dictionary(
  text.filter((key) => key !== "__proto__"),
  text,
  { minKeys: 1, maxKeys: 3 },
);

/** A packet body for our readers, cut out by our own framing of what mqtt-packet wrote. */
function bodyOf(said: Record<string, unknown>, protocolVersion: 4 | 5): Cursor {
  const frame = mqttPacket.generate(said as unknown as mqttPacket.Packet, { protocolVersion }); // one of its packets
  let cursor: Cursor | undefined;
  const frames = new Frames(
    {
      mayRead: () => true,
      announced: () => {},
      frame: (_first, whole, _start, body, stop) => (cursor = new Cursor(whole, body, stop)),
    },
    1 << 20,
  );
  frames.read(Buffer.from(frame));
  assert.ok(cursor, "one whole packet");
  return cursor;
}

const present = (object: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));

/** As mqtt-packet likes properties: without what is absent, booleans where the standard has 0 and 1. */
const booleans = (properties: Record<string, unknown>, names: readonly string[]) =>
  Object.fromEntries(
    Object.entries(present(properties)).map(([key, value]) => [key, names.includes(key) ? value === 1 : value]),
  );

const pairs = (record: Record<string, string>) => Object.entries(record);

const willProperties = fc.record({
  payloadFormatIndicator: maybe(fc.constantFrom(0, 1)),
  messageExpiryInterval: maybe(uint32),
  contentType: maybe(text),
  responseTopic: maybe(name),
  correlationData: maybe(bytes),
  willDelayInterval: maybe(uint32),
  userProperties: maybe(userProperties),
});

const connectProperties = fc.record({
  sessionExpiryInterval: maybe(uint32),
  receiveMaximum: maybe(id),
  maximumPacketSize: maybe(fc.integer({ min: 1, max: 0xffffffff })),
  topicAliasMaximum: maybe(uint16),
  requestResponseInformation: maybe(fc.constantFrom(0, 1)),
  requestProblemInformation: maybe(fc.constantFrom(0, 1)),
  userProperties: maybe(userProperties),
});

const theirs = (properties: Record<string, unknown>) =>
  booleans(properties, ["payloadFormatIndicator", "requestResponseInformation", "requestProblemInformation"]);
const ours = (properties: { userProperties?: Record<string, string> | undefined }) =>
  present({ ...properties, userProperties: properties.userProperties && pairs(properties.userProperties) });

const will = fc.record({
  topic: name,
  payload: bytes,
  qos: fc.constantFrom<0 | 1 | 2>(0, 1, 2),
  retain: fc.boolean(),
  properties: willProperties,
});

test("a CONNECT as mqtt-packet writes it is read as it was meant, in both versions", () => {
  const connect = fc.record({
    version,
    clientId: name,
    clean: fc.boolean(),
    keepAlive: uint16,
    username: maybe(text.filter((value) => value !== "")),
    password: maybe(bytes.filter((value) => value.length > 0)),
    will: maybe(will),
    properties: connectProperties,
  });
  fc.assert(
    fc.property(connect, ({ version, clientId, clean, keepAlive, username, password, will, properties }) => {
      const isFive = version === 5;
      // mqtt-packet writes no password alone, though MQTT 5 allows it.
      const secret = username !== undefined ? password : undefined;
      const packet = {
        cmd: "connect",
        protocolId: "MQTT",
        protocolVersion: version,
        clientId,
        clean,
        keepalive: keepAlive,
        ...present({ username, password: secret }),
        ...(will ? { will: { ...will, properties: isFive ? theirs(will.properties) : undefined } } : {}),
        ...(isFive ? { properties: theirs(properties) } : {}),
      };
      const read = readConnect(bodyOf(packet, version));
      assert.deepEqual(read, {
        version,
        clientId,
        clean,
        keepAlive,
        username,
        password: secret,
        will: will && { ...will, properties: isFive ? ours(will.properties) : {} },
        properties: isFive ? ours(properties) : {},
      });
    }),
  );
});

test("a SUBSCRIBE as mqtt-packet writes it is read as it was meant, in both versions", () => {
  const one = fc.record({
    topic: name,
    qos: fc.constantFrom<0 | 1 | 2>(0, 1, 2),
    nl: fc.boolean(),
    rap: fc.boolean(),
    rh: fc.constantFrom(0, 1, 2),
  });
  const subscribe = fc.record({
    version,
    messageId: id,
    subscriptions: fc.array(one, { minLength: 1, maxLength: 5 }),
    subscriptionIdentifier: maybe(fc.integer({ min: 1, max: 268_435_455 })),
  });
  fc.assert(
    fc.property(subscribe, ({ version, messageId, subscriptions, subscriptionIdentifier }) => {
      const isFive = version === 5;
      const properties = isFive ? present({ subscriptionIdentifier }) : undefined;
      const read = readSubscribe(
        bodyOf({ cmd: "subscribe", messageId, subscriptions, properties }, version),
        version,
        10,
      );
      assert.equal(read.id, messageId);
      assert.equal(read.properties.subscriptionIdentifiers?.[0], isFive ? subscriptionIdentifier : undefined);
      assert.deepEqual(
        read.asked.map(({ filter, qos, noLocal, retainAsPublished, retainHandling }) => ({
          topic: filter.written,
          qos,
          nl: noLocal,
          rap: retainAsPublished,
          rh: retainHandling,
        })),
        subscriptions.map((asked) => (isFive ? { ...asked } : { ...asked, nl: false, rap: false, rh: 0 })),
      );
    }),
  );
});

test("an UNSUBSCRIBE, acknowledgements and a DISCONNECT as mqtt-packet writes them are read as they were meant", () => {
  fc.assert(
    fc.property(version, id, fc.array(name, { minLength: 1, maxLength: 5 }), (version, messageId, filters) => {
      const read = readUnsubscribe(
        bodyOf({ cmd: "unsubscribe", messageId, unsubscriptions: filters }, version),
        version,
        10,
      );
      assert.deepEqual([read.id, read.filters.map(({ written }) => written)], [messageId, filters]);
    }),
  );
  fc.assert(
    fc.property(version, id, fc.constantFrom("puback", "pubrec", "pubrel", "pubcomp"), (version, messageId, cmd) => {
      for (const reasonCode of cmd === "puback" || cmd === "pubrec" ? [0, 0x10, 0x80, 0x97] : [0, 0x92]) {
        const read = readAcknowledgement(bodyOf({ cmd, messageId, reasonCode }, version), version, packet[cmd]);
        assert.deepEqual(read, { id: messageId, code: version === 5 ? reasonCode : 0 });
      }
    }),
  );
  fc.assert(
    fc.property(fc.constantFrom(0, 4, 0x80), uint32, (reasonCode, sessionExpiryInterval) => {
      const packet = { cmd: "disconnect", reasonCode, properties: { sessionExpiryInterval } };
      assert.deepEqual(readDisconnect(bodyOf(packet, 5), 5), {
        code: reasonCode,
        properties: { sessionExpiryInterval },
      });
    }),
  );
});

function parsed(frame: Uint8Array, protocolVersion: 4 | 5): Record<string, unknown> {
  const packets: unknown[] = [];
  const parser = mqttPacket.parser({ protocolVersion });
  parser.on("packet", (packet: unknown) => packets.push(packet));
  parser.on("error", (error: unknown) => assert.fail(String(error)));
  parser.parse(Buffer.from(frame));
  assert.equal(packets.length, 1);
  return { ...(packets[0] as Record<string, unknown>) }; // mqtt-packet gives objects
}

const serverProperties = fc.record({
  sessionExpiryInterval: maybe(uint32),
  receiveMaximum: maybe(id),
  maximumQoS: maybe(fc.constantFrom(0, 1)),
  maximumPacketSize: maybe(fc.integer({ min: 1, max: 0xffffffff })),
  assignedClientIdentifier: maybe(text),
  topicAliasMaximum: maybe(uint16),
  reasonString: maybe(text),
  userProperties: maybe(userProperties),
  serverKeepAlive: maybe(uint16),
});

test("what we answer is read by mqtt-packet as it was meant, in both versions", () => {
  fc.assert(
    fc.property(
      version,
      fc.boolean(),
      fc.integer({ min: 0, max: 5 }),
      serverProperties,
      (version, present_, code, properties) => {
        const read = parsed(connack(version, present_, code, ours(properties)), version);
        assert.equal(read["sessionPresent"], present_);
        assert.equal(version === 5 ? read["reasonCode"] : read["returnCode"], code);
        const got = (read["properties"] ?? {}) as Record<string, unknown>; // an object or absent
        if (version === 5) assert.deepEqual({ ...got }, asTheyRead(properties));
      },
    ),
  );
  fc.assert(
    fc.property(
      version,
      id,
      fc.array(fc.constantFrom(0, 1, 0x80), { minLength: 1, maxLength: 5 }),
      (version, messageId, codes) => {
        const read = parsed(suback(version, messageId, codes, {}), version);
        assert.deepEqual([read["messageId"], read["granted"]], [messageId, codes]);
        const other = parsed(unsuback(version, messageId, [0, 0x11], {}), version);
        assert.equal(other["messageId"], messageId);
        if (version === 5) assert.deepEqual(other["granted"], [0, 0x11]);
      },
    ),
  );
  fc.assert(
    fc.property(id, maybe(text), (messageId, reasonString) => {
      for (const [kind, byte] of Object.entries(firstByte)) {
        const code = kind === "puback" || kind === "pubrec" ? 0x97 : 0x92;
        const read = parsed(acknowledgement(byte, messageId, code, ours({ ...present({ reasonString }) })), 5);
        assert.deepEqual([read["cmd"], read["messageId"], read["reasonCode"]], [kind, messageId, code]);
      }
      assert.equal(parsed(disconnect(0x8e, ours(present({ reasonString }))), 5)["reasonCode"], 0x8e);
    }),
  );
});

/** mqtt-packet reads user properties into an object without a prototype, and flags as booleans. */
function asTheyRead(properties: Record<string, unknown>): Record<string, unknown> {
  const read = present(properties);
  const users = read["userProperties"];
  if (users) read["userProperties"] = Object.assign(Object.create(null), users);
  return read;
}

test("a message that we frame is read by mqtt-packet as it was meant, in both versions", () => {
  const message = fc.record({
    topic: name,
    payload: bytes,
    qos: fc.constantFrom<0 | 1>(0, 1),
    retain: fc.boolean(),
    contentType: maybe(text),
    correlationData: maybe(bytes),
    responseTopic: maybe(name),
    messageExpiryInterval: maybe(uint32),
  });
  fc.assert(
    fc.property(
      message,
      version,
      maybe(fc.array(id, { minLength: 1, maxLength: 3 })),
      (asked, version, identifiers) => {
        const { topic, payload, qos, retain, ...rest } = asked;
        const properties: Properties = present(rest);
        const publication = publicationOf(
          { topic, payload, qos, retain, properties },
          { topic, receivedAt: 0, since: 0, source: null },
        );
        assert.deepEqual({ ...publication.properties }, properties);
        const { responseTopic, messageExpiryInterval = -1 } = rest;
        const frame = publication.makeFrame(version, qos, topic, responseTopic, messageExpiryInterval, identifiers);
        const read = parsed(withPacketId(frame, qos, topic), version);
        assert.deepEqual([read["topic"], read["qos"]], [topic, qos]);
        assert.deepEqual(Buffer.from(read["payload"] as Uint8Array), payload); // mqtt-packet gives bytes
        if (version === 4) return;
        const subscriptionIdentifier = identifiers?.length === 1 ? identifiers[0] : identifiers;
        assert.deepEqual(
          { ...(read["properties"] as object | undefined) },
          present({ ...properties, subscriptionIdentifier }),
        );
      },
    ),
  );
});

function withPacketId(frame: Buffer, qos: number, topic: string): Buffer {
  if (qos === 0) return frame;
  const copy = Buffer.from(frame);
  copy.writeUInt16BE(1, copy.indexOf(topic, 2) + Buffer.byteLength(topic));
  return copy;
}

test("properties come back as they were written", () => {
  const all = fc.record({
    payloadFormatIndicator: maybe(fc.constantFrom(0, 1)),
    messageExpiryInterval: maybe(uint32),
    contentType: maybe(text),
    correlationData: maybe(bytes),
    subscriptionIdentifiers: maybe(fc.array(fc.integer({ min: 1, max: 268_435_455 }), { minLength: 1, maxLength: 4 })),
    userProperties: maybe(fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 4 })),
  });
  fc.assert(
    fc.property(all, (some) => {
      const properties: Properties = present(some);
      const list = writeProperties(properties);
      const length = list.length < 128 ? [list.length] : [(list.length & 0x7f) | 0x80, list.length >> 7];
      const whole = Buffer.concat([Buffer.from(length), list]);
      assert.deepEqual(readProperties(new Cursor(whole, 0, whole.length), 3), properties);
    }),
  );
});

test("packets are found whole, in whatever pieces they come", () => {
  const packet = fc.tuple(fc.integer({ min: 1, max: 255 }), fc.uint8Array({ maxLength: 400 }));
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
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.constantFrom(...readers), (noise, reader) => {
      try {
        reader(new Cursor(Buffer.from(noise), 0, noise.length));
      } catch (error) {
        assert.ok(error instanceof ProtocolError);
      }
    }),
    { numRuns: 2000 },
  );
});
