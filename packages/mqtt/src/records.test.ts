import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import { House, TestPolicy } from "./house.fixture.ts";
import { Log } from "./log.fixture.ts";
import { ProtocolError } from "./protocol-error.ts";
import { decode, encode, type Entry } from "./records.ts";

const text = fc.string({ unit: "grapheme", maxLength: 10 }).filter((value) => value.isWellFormed());
const plain = text.filter((value) => !value.includes("\0"));
const number = fc.maxSafeNat();
const flag = fc.boolean();
const packetId = fc.integer({ min: 1, max: 0xffff });
const qos = fc.constantFrom<0 | 1 | 2>(0, 1, 2);
const bytes = fc.uint8Array({ maxLength: 300, size: "max" }).map((value) => Buffer.from(value));
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const properties = fc
  .record({
    contentType: maybe(plain),
    messageExpiryInterval: maybe(fc.nat(0xffffffff)),
    correlationData: maybe(bytes),
  })
  .map((all) => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)));

const content = { topic: text, qos, retain: flag, properties, payload: bytes };
const ofMessage = { message: number, session: number, packetId };
const kind = <K extends string>(name: K) => fc.constant(name);
const entry: fc.Arbitrary<Entry> = fc.oneof(
  fc.record({ kind: kind("numbers"), session: number, message: number }),
  fc.record({
    kind: kind("session"),
    session: number,
    principal: text,
    clientId: text,
    keepsake: maybe(text),
    expirySeconds: number,
    will: maybe(fc.record({ ...content, written: text, delaySeconds: number }, { noNullPrototype: true })),
    came: flag,
  }),
  fc.record({ kind: kind("left"), session: number, at: number, expirySeconds: number, keepsWill: flag }),
  fc.record({ kind: kind("willed"), session: number }),
  fc.record({ kind: kind("ended"), session: number }),
  fc.record({
    kind: kind("subscribed"),
    session: number,
    written: text,
    qos,
    noLocal: flag,
    retainAsPublished: flag,
    identifier: number,
  }),
  fc.record({ kind: kind("unsubscribed"), session: number, written: text }),
  fc.record({ kind: kind("message"), message: number, receivedAt: number, isRetained: flag, ...content }),
  fc.record({
    kind: kind("owed"),
    ...ofMessage,
    topic: text,
    qos,
    retain: flag,
    identifiers: fc.array(number, { maxLength: 3 }),
    stage: fc.integer({ min: 0, max: 3 }),
  }),
  fc.record({ kind: kind("released"), ...ofMessage }),
  fc.record({ kind: kind("done"), ...ofMessage }),
  fc.record({ kind: kind("received"), session: number, packetId }),
  fc.record({ kind: kind("freed"), session: number, packetId }),
  fc.record({ kind: kind("published"), message: number, principal: text, clientId: text }),
);

const plainly = (entries: readonly Entry[]) =>
  entries.map((one) => Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1))));

test("a record says what was written into it", () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 5 }), (entries) => {
      assert.deepEqual(plainly([...decode(encode(entries))]), plainly(entries));
    }),
  );
});

const damage = fc.record({ at: fc.nat(), to: fc.nat({ max: 255 }), how: fc.constantFrom("set", "cut", "insert") });

test("no bytes make the reader of records do anything but read or refuse", () => {
  const read = (noise: Uint8Array) => {
    try {
      Array.from(decode(noise));
    } catch (error) {
      assert.ok(error instanceof ProtocolError, String(error));
    }
  };
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100, size: "max" }), (noise) => read(Buffer.concat([Buffer.of(1), noise]))),
    { numRuns: 2000 },
  );
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 3 }), damage, (entries, { at, to, how }) => {
      const whole = Buffer.from(encode(entries));
      const place = at % whole.length;
      if (how === "set") whole[place] = to;
      read(
        how === "set"
          ? whole
          : Buffer.concat([
              whole.subarray(0, place),
              how === "cut" ? Buffer.alloc(0) : Buffer.concat([Buffer.of(to), whole.subarray(place)]),
            ]),
      );
    }),
    { numRuns: 2000 },
  );
});

test("records that are damaged, lost or of a newer version are left out and named, and the numbers that they may have given are not given again", async () => {
  const session = (number: number) =>
    encode([
      {
        kind: "session",
        session: number,
        principal: "p",
        clientId: `c${number}`,
        keepsake: undefined,
        expirySeconds: 9,
        will: undefined,
        came: true,
      },
    ]);
  const newer = Buffer.from(session(3));
  newer[0] = 2;
  const truncated = Buffer.concat([session(4), session(5).subarray(1, -1)]);
  const unknown = Buffer.concat([session(6), Buffer.of(99)]);
  const log = new Log();
  await using house = await House.open({ log });
  const records = [session(1), Buffer.of(), newer, truncated, undefined, unknown, session(2)];
  assert.deepEqual(await house.broker.restore("space", records), [1, 2, 3, 4, 5]);
  assert.deepEqual(
    house.policy.revived.map(({ clientId }) => clientId),
    ["c2", "c1"],
  );
  const { value } = house.broker.snapshot("space")[Symbol.iterator]().next();
  const [numbers] = decode(value ?? Buffer.of());
  assert.ok(numbers?.kind === "numbers" && numbers.session > 2 ** 24 && numbers.message > 2 ** 24);
  await assert.rejects(house.broker.restore("space", [session(1)]), TypeError);
});

test("a session whose revival fails by a fault is left out alone", async () => {
  const log = new Log();
  {
    await using house = await House.open({ log });
    for (const name of ["good", "bad"]) await house.connect(name, { version: 5, connect: kept });
  }
  const policy = new TestPolicy();
  const { revive } = policy;
  policy.revive = (space, session) => {
    if (session.clientId === "bad") throw new Error("a fault of the policy's");
    return revive(space, session);
  };
  const house = await House.open({ log: log.afterCrash(), policy });
  assert.deepEqual([house.broker.statistics.sessions, house.faults.splice(0).length], [1, 1]);
  await house[Symbol.asyncDispose]();
});

const kept = { clean: false, properties: { sessionExpiryInterval: 1000 } };
