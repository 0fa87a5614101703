import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import mqttPacket from "mqtt-packet";
import { firstByte, packet } from "./codes.ts";
import { Cursor } from "./cursor.ts";
import { Frames } from "./frames.ts";
import { House } from "./house.fixture.ts";
import {
  readAcknowledgement,
  readAuth,
  readConnect,
  readDisconnect,
  readSubscribe,
  readUnsubscribe,
} from "./packets.ts";
import { readProperties, willProperties } from "./properties.ts";
import { ProtocolError } from "./protocol-error.ts";
import { publicationOf } from "./publication.ts";
import { sayable } from "./sayable.ts";
import {
  acknowledgements,
  asTheirs,
  bytes,
  connects,
  gathered,
  id,
  name,
  others,
  propertiesOf,
  publishes,
  qos,
  version,
  writtenByThem,
  type Said,
} from "./said.fixture.ts";
import { acknowledgement, auth, connack, disconnect, suback, unsuback } from "./writer.ts";

// Two who have read the same standard: what mqtt-packet writes we read as it was meant, and the other way round. Where the two part,
// and why, stands at the end.

/** One whole packet, found by our own framing. */
function bodyOf(frame: Uint8Array): { first: number; cursor: Cursor } {
  const found: { first: number; cursor: Cursor }[] = [];
  const handler = {
    mayRead: () => true,
    announced: () => {},
    frame: (first: number, whole: Buffer, _start: number, body: number, stop: number) =>
      found.push({ first, cursor: new Cursor(whole, body, stop) }),
  };
  new Frames(handler, 1 << 20).read(Buffer.from(frame));
  const [one] = found;
  assert.ok(one && found.length === 1, "one whole packet");
  return one;
}

/** What we make of a client's packet that is no PUBLISH. */
function readByUs(frame: Uint8Array, version: 4 | 5): Said {
  const { first, cursor } = bodyOf(frame);
  switch (first >> 4) {
    case packet.connect: {
      const { keepAlive: keepalive, version: protocolVersion, ...rest } = readConnect(cursor);
      const { username, password, will, ...always } = rest;
      const sometimes = { ...(will && { will }), ...(username !== undefined && { username }) };
      const common = { cmd: "connect" as const, protocolId: "MQTT", protocolVersion, keepalive };
      return { ...common, ...always, ...sometimes, ...(password && { password }) };
    }
    case packet.subscribe: {
      const { id: messageId, properties, asked } = readSubscribe(cursor, version, 10);
      const subscriptions = asked.map(({ filter, qos, noLocal: nl, retainAsPublished: rap, retainHandling: rh }) =>
        version === 5 ? { topic: filter.written, qos, nl, rap, rh } : { topic: filter.written, qos },
      );
      return { cmd: "subscribe", messageId, subscriptions, properties };
    }
    case packet.unsubscribe: {
      const again = new Cursor(cursor.bytes, cursor.at + 2, cursor.end); // whose properties nobody is told of
      const { id: messageId, filters } = readUnsubscribe(cursor, version, 10);
      const properties = version === 5 ? readProperties(again, packet.unsubscribe) : {};
      return { cmd: "unsubscribe", messageId, unsubscriptions: filters.map(({ written }) => written), properties };
    }
    case packet.disconnect: {
      const { code: reasonCode, properties } = readDisconnect(cursor, version);
      return version === 5 ? { cmd: "disconnect", reasonCode, properties } : { cmd: "disconnect" };
    }
    case packet.auth: {
      const again = new Cursor(cursor.bytes, cursor.at + 1, cursor.end);
      const { code: reasonCode, method, data } = readAuth(cursor);
      const properties = readProperties(again, packet.auth);
      assert.deepEqual([method, data], [properties.authenticationMethod, properties.authenticationData]);
      return { cmd: "auth", reasonCode, properties };
    }
    case packet.pingreq:
      cursor.finish();
      return { cmd: "pingreq" };
    default: {
      const type = first >> 4;
      const again = new Cursor(cursor.bytes, cursor.at + 3, cursor.end);
      const { id: messageId, code: reasonCode } = readAcknowledgement(cursor, version, type);
      const properties = again.left > 0 ? readProperties(again, type) : {};
      const cmd = (["puback", "pubrec", "pubrel", "pubcomp"] as const)[type - packet.puback];
      assert.ok(cmd);
      return version === 5 ? { cmd, messageId, reasonCode, properties } : { cmd, messageId };
    }
  }
}

/** What mqtt-packet makes of one packet; throws its complaint. */
function readByThem(frame: Uint8Array, protocolVersion: 4 | 5): Record<string, unknown> {
  const packets: Record<string, unknown>[] = [];
  let complaint: Error | undefined;
  const parser = mqttPacket.parser({ protocolVersion });
  parser.on("packet", (one: unknown) => packets.push({ ...(one as Record<string, unknown>) })); // it gives objects
  parser.on("error", (error: Error) => (complaint ??= error));
  parser.parse(Buffer.from(frame));
  if (complaint) throw complaint;
  const [one] = packets;
  assert.ok(one && packets.length === 1, "one whole packet");
  return one;
}

/** The same in the same form: fields by name, bytes written out, and nothing that is absent or a list without properties. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const isThere = ([key, one]: [string, unknown]) =>
    one !== undefined && !(key === "properties" && Object.keys(one as object).length === 0); // properties are an object
  const entries = Object.entries(value).filter(isThere);
  return Object.fromEntries(entries.map(([key, one]) => [key, plain(one)]));
}

const withGathered = (said: Said): Said => {
  const { properties, will, ...rest } = said as Said & { properties?: object; will?: { properties: object } }; // if any
  return {
    ...rest,
    ...(properties && { properties: gathered(properties) }),
    ...(will && { will: { ...will, properties: gathered(will.properties) } }),
  };
};

const told = (read: Record<string, unknown>, ...fields: string[]) => plain(fields.map((field) => read[field]));
/** Of one packet: an absent list is an empty one. */
const propertiesIn = (read: Record<string, unknown>) => plain({ ...(read["properties"] as object | undefined) });

const runs = { numRuns: 150 };
const saidBy = (make: (version: 4 | 5) => fc.Arbitrary<Said>) =>
  version.chain((one) => fc.tuple(fc.constant(one), make(one)));

test("whatever a client may say, written by mqtt-packet, is read as it was meant: every packet, property and code, in both versions", () => {
  for (const make of [connects, others]) {
    fc.assert(
      fc.property(saidBy(make), ([version, said]) => {
        const read = readByUs(writtenByThem(said, version), version);
        assert.deepEqual(plain(withGathered(read)), plain(withGathered(said)));
      }),
      runs,
    );
  }
});

test("what mqtt-packet reads it reads as we do, though bytes were changed on the way; what we read it reads too", () => {
  const change = fc.record({ at: fc.nat(), to: fc.nat({ max: 255 }) });
  const frames = saidBy((one) => fc.oneof(connects(one), others(one)));
  let both = 0;
  fc.assert(
    fc.property(frames, fc.array(change, { maxLength: 3 }), ([version, said], changes) => {
      const frame = Buffer.from(writtenByThem(said, version));
      // Within the body: what is wrong with the header is `Frames`' to say.
      const body = frame.findIndex((byte, i) => i > 0 && byte < 0x80) + 1;
      for (const { at, to } of changes) if (frame.length > body) frame[body + (at % (frame.length - body))] = to;
      let read: Said;
      try {
        read = readByUs(frame, version);
      } catch (error) {
        assert.ok(error instanceof ProtocolError);
        return;
      }
      both++;
      const theirs = readByThem(frame, version);
      const { properties = {}, will, ...rest } = read as Said & { properties?: object; will?: { properties: object } };
      assert.deepEqual(told(theirs, ...Object.keys(rest)), plain(Object.values(rest)));
      assert.deepEqual(propertiesIn(theirs), plain(asTheirs(properties)));
      if (!will) return;
      const { properties: ofWill, ...bare } = will;
      const their = theirs["will"] as Record<string, unknown>; // we have read one
      assert.deepEqual(told(their, ...Object.keys(bare)), plain(Object.values(bare)));
      assert.deepEqual(propertiesIn(their), plain(asTheirs(ofWill)));
    }),
    { numRuns: 800 },
  );
  assert.ok(both > 150, `${both} were read by both`);
});

test("whatever we answer is read by mqtt-packet as it was meant: every packet, property and code, in both versions", () => {
  const codes = fc.array(fc.constantFrom(0, 1, 2, 0x80), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(
      version,
      fc.boolean(),
      fc.nat({ max: 5 }),
      propertiesOf("connack"),
      (version, present, code, properties) => {
        const read = readByThem(connack(version, present, code, properties), version);
        assert.deepEqual(told(read, "cmd", "sessionPresent"), ["connack", present]);
        assert.equal(read[version === 5 ? "reasonCode" : "returnCode"], code);
        if (version === 5) assert.deepEqual(propertiesIn(read), plain(asTheirs(properties)));
      },
    ),
    runs,
  );
  fc.assert(
    fc.property(version, id, codes, propertiesOf("acknowledgement"), (version, messageId, granted, properties) => {
      const expected = version === 5 ? plain(asTheirs(properties)) : {};
      const read = readByThem(suback(version, messageId, granted, properties), version);
      assert.deepEqual(told(read, "cmd", "messageId", "granted"), ["suback", messageId, granted]);
      assert.deepEqual(propertiesIn(read), expected);
      const back = readByThem(unsuback(version, messageId, [0, 0x11], properties), version);
      assert.deepEqual(told(back, "cmd", "messageId"), ["unsuback", messageId]);
      assert.deepEqual([back["granted"], propertiesIn(back)], [version === 5 ? [0, 0x11] : undefined, expected]);
    }),
    runs,
  );
  fc.assert(
    fc.property(fc.oneof(...acknowledgements(5)), (said) => {
      const { cmd, messageId, reasonCode, properties } = said as Said & { properties: object };
      const first = firstByte[cmd as keyof typeof firstByte]; // acknowledgements are these four
      const read = readByThem(acknowledgement(first, Number(messageId), Number(reasonCode), properties), 5);
      assert.deepEqual(told(read, "cmd", "messageId", "reasonCode"), [cmd, messageId, reasonCode]);
      assert.deepEqual(propertiesIn(read), plain(asTheirs(properties)));
    }),
    runs,
  );
  fc.assert(
    fc.property(fc.constantFrom(0, 0x18, 0x19), propertiesOf("auth"), (code, properties) => {
      const read = readByThem(auth(code, properties), 5);
      assert.deepEqual(told(read, "cmd", "reasonCode"), ["auth", code]);
      assert.deepEqual(propertiesIn(read), plain(asTheirs(properties)));
    }),
    runs,
  );
  fc.assert(
    fc.property(fc.nat({ max: 255 }), propertiesOf("disconnect"), (code, properties) => {
      const read = readByThem(disconnect(code, properties), 5);
      assert.deepEqual(told(read, "cmd", "reasonCode"), ["disconnect", sayable("disconnect", code)]);
      assert.deepEqual(propertiesIn(read), plain(asTheirs(properties)));
    }),
    runs,
  );
});

test("a message that we frame is read by mqtt-packet as it was meant, in both versions and whatever is told of it", () => {
  const identifiers = fc.option(fc.array(id, { minLength: 1, maxLength: 3 }), { nil: undefined });
  const message = fc.record({
    topic: name,
    payload: bytes,
    qos,
    retain: fc.boolean(),
    properties: propertiesOf("publish"),
  });
  fc.assert(
    fc.property(message, version, qos, identifiers, (asked, version, qos, identifiers) => {
      const { topic, properties } = asked;
      const publication = publicationOf(asked, { topic, receivedAt: 0, since: 0, source: null });
      assert.deepEqual(plain(publication.properties), plain(properties));
      const { responseTopic, messageExpiryInterval: left = -1 } = properties;
      const frame = publication.makeFrame(version, qos, topic, responseTopic, left, identifiers);
      const body = frame.findIndex((byte, at) => at > 0 && byte < 0x80) + 1; // behind the remaining length
      if (qos > 0) frame.writeUInt16BE(7, body + 2 + Buffer.byteLength(topic));
      const read = readByThem(frame, version);
      assert.deepEqual(told(read, "cmd", "topic", "qos", "payload"), plain(["publish", topic, qos, asked.payload]));
      if (qos > 0) assert.equal(read["messageId"], 7);
      const all = { ...properties, ...(identifiers && { subscriptionIdentifiers: identifiers }) };
      assert.deepEqual(propertiesIn(read), version === 5 ? plain(asTheirs(all)) : {});
    }),
    runs,
  );
});

test("a message that mqtt-packet writes reaches policy and subscribers with all that was said of it, from either version to either", async () => {
  await using house = await House.open();
  const readers = [await house.connect("four", { version: 4 }), await house.connect("five", { version: 5 })];
  for (const reader of readers) {
    reader.subscribe(1, "#", 2, { rap: true });
    await reader.take("suback");
  }
  const writers = {
    4: await house.connect("writer", { version: 4 }),
    5: await house.connect("writer-5", { version: 5 }),
  };
  const messages = saidBy(publishes).filter(([, { properties, payload, topic }]) => {
    const declares = (properties as { payloadFormatIndicator?: number }).payloadFormatIndicator === 1; // they are Properties
    const isText =
      new TextDecoder().decode(payload as Uint8Array) === String(payload) && !String(payload).includes("\u{fffd}");
    return !String(topic).startsWith("$") && (!declares || isText);
  });
  await fc.assert(
    fc.asyncProperty(messages, async ([version, said]) => {
      const { topic, payload, qos, retain, dup, messageId } = said as Said & { qos: number };
      const properties = said["properties"] as { messageExpiryInterval?: number; userProperties?: [string, string][] };
      const writer = writers[version];
      writer.raw(writtenByThem(said, version));
      if (qos === 2) writer.send({ cmd: "pubrel", messageId });
      await writer.quiet();
      const publication = house.policy.accepted.at(-1);
      assert.ok(publication);
      assert.deepEqual(
        plain([publication.topic, publication.qos, publication.retain, publication.duplicate]),
        plain([topic, qos, retain, dup]),
      );
      assert.deepEqual(plain(gathered(publication.properties)), plain(gathered(properties)));
      for (const reader of readers) {
        const [got, ...more] = await reader.quiet();
        if (properties.messageExpiryInterval === 0) {
          assert.equal(got, undefined);
          continue;
        }
        assert.ok(got && more.length === 0);
        assert.deepEqual(plain([got.topic, got.payload, got.qos, got.dup]), plain([topic, payload, qos, false]));
        assert.equal(got.retain, reader.version === 5 && retain);
        assert.deepEqual(propertiesIn(got), reader.version === 5 ? plain(asTheirs(properties)) : {});
        if (qos === 1) reader.send({ cmd: "puback", messageId: got.messageId });
        if (qos < 2) continue;
        reader.send({ cmd: "pubrec", messageId: got.messageId });
        await reader.take("pubrel");
        reader.send({ cmd: "pubcomp", messageId: got.messageId });
      }
    }),
    runs,
  );
});

test("of each code mqtt-packet and we say the same: whether it may stand in the packet", () => {
  const byThem = (frame: Uint8Array) => isRead(() => readByThem(frame, 5));
  for (let code = 0; code < 256; code++) {
    for (const [cmd, first] of Object.entries(firstByte)) {
      const frame = Buffer.from([first, 4, 0, 1, code, 0]);
      assert.equal(
        isRead(() => readByUs(frame, 5)),
        byThem(frame),
        `${cmd} ${code}`,
      );
    }
    const leave = Buffer.from([0xe0, 2, code, 0]);
    // mqtt-packet knows the codes of both sides; a client has no use for those that only a server can say (table 3-13).
    if (isRead(() => readByUs(leave, 5))) assert.ok(byThem(leave), `disconnect ${code}`);
    assert.ok(byThem(disconnect(code, {})), `disconnect ${code}`);
    assert.ok(byThem(suback(5, 1, [sayable("suback", code)], {})), `suback ${code}`);
    const isAuth = code === 0x18 || code === 0x19;
    const proof = auth(code, { authenticationMethod: "m" });
    // 0 is a server's.
    assert.deepEqual([isRead(() => readByUs(proof, 5)), byThem(proof)], [isAuth, isAuth || code === 0], `auth ${code}`);
  }
});

function isRead(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    return false;
  }
}

const hex = (written: string) => Buffer.from(written.replaceAll(" ", ""), "hex");
const connectHead = "00 04 4d515454 05";

/** What mqtt-packet reads though the standard forbids it: the broker refuses these. */
const lenient: readonly [why: string, frame: string][] = [
  ["a string holds U+0000 [MQTT-1.5.4-2]", `10 0e ${connectHead} 02 0000 00 0001 00`],
  ["a string is not UTF-8 [MQTT-1.5.4-1]", `10 0e ${connectHead} 02 0000 00 0001 ff`],
  ["a length has more bytes than it needs [MQTT-1.5.5-1]", `10 0e ${connectHead} 02 0000 8000 0000`],
  ["a packet identifier is zero [MQTT-2.2.1-3]", "40 04 0000 00 00"],
  ["a receive maximum is zero (3.1.2.11.3)", `10 10 ${connectHead} 02 0000 03 21 0000 0000`],
  ["a property stands twice (3.1.2.11.2)", `10 17 ${connectHead} 02 0000 0a 11 00000001 11 00000002 0000`],
  ["a property stands where it does not belong (table 2-4)", `10 10 ${connectHead} 02 0000 03 23 0001 0000`],
  ["a flag is neither 0 nor 1 (3.1.2.11.7)", `10 0f ${connectHead} 02 0000 02 17 02 0000`],
  ["a will has QoS 3 [MQTT-3.1.2-12]", `10 13 ${connectHead} 1e 0000 00 0000 00 0001 77 0000`],
  ["the packet goes on behind its last field", `10 0e ${connectHead} 02 0000 00 0000 ff`],
  ["there is authentication data without a method (3.1.2.11.10)", `10 11 ${connectHead} 02 0000 04 16 0001 78 0000`],
  ["there is no filter to subscribe to [MQTT-3.8.3-2]", "82 03 0001 00"],
  ["there is no filter to take back [MQTT-3.10.3-2]", "a2 03 0001 00"],
  ["a filter has # in its middle [MQTT-4.7.1-1]", "82 09 0001 00 0003 232f61 00"],
  ["a shared subscription is no-local [MQTT-3.8.3-4]", "82 10 0001 00 000a 2473686172652f672f61 04"],
  ["an AUTH has no method [MQTT-4.12.0-5]", "f0 02 18 00"],
];

test("what mqtt-packet lets pass though the standard forbids it, we refuse", () => {
  for (const [why, written] of lenient) {
    const frame = hex(written);
    assert.equal(frame[1], frame.length - 2, why);
    assert.ok(
      isRead(() => readByThem(frame, 5)),
      `mqtt-packet refuses it now, too: ${why}`,
    );
    assert.throws(() => readByUs(frame, 5), ProtocolError, why);
  }
});

test("what mqtt-packet does not know though the standard allows it, we read", () => {
  const connect = { cmd: "connect", protocolId: "MQTT", protocolVersion: 5, clean: true, keepalive: 0 };
  for (const unwritable of [
    { ...connect, clientId: "a", password: Buffer.from("p") },
    { ...connect, clientId: "", clean: false },
  ]) {
    assert.throws(() => mqttPacket.generate(unwritable as unknown as mqttPacket.Packet, { protocolVersion: 5 }));
  }
  const alone = readConnect(bodyOf(hex(`10 11 ${connectHead} 42 0000 00 0001 61 0001 70`)).cursor);
  assert.deepEqual([alone.username, String(alone.password)], [undefined, "p"]);
  const nameless = readConnect(bodyOf(hex(`10 0d ${connectHead} 00 0000 00 0000`)).cursor);
  assert.deepEqual([nameless.clientId, nameless.clean], ["", false]);
  // The order of user properties is kept ([MQTT-3.3.2-18]), and an empty value under a name that comes again.
  const list = hex("14 26 0001 62 0000 26 0001 61 0001 78 26 0001 62 0001 79");
  assert.deepEqual(readProperties(new Cursor(list, 0, list.length), willProperties).userProperties, [
    ["b", ""],
    ["a", "x"],
    ["b", "y"],
  ]);
  const theirs = readByThem(Buffer.concat([Buffer.from([0xe0, list.length + 1, 0]), list]), 5);
  assert.deepEqual(propertiesIn(theirs), { userProperties: { a: "x", b: "y" } });
});
