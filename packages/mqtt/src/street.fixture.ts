import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { duplexPair, type Duplex } from "node:stream";
import fc from "fast-check";
import mqttPacket from "mqtt-packet";
import { House, TestPolicy, until } from "./house.fixture.ts";
import type { Limits } from "./limits.ts";
import type { Peer } from "./peer.fixture.ts";
import { connects, others, publishes, version, writtenByThem, type Said } from "./said.fixture.ts";

/** Little of everything, so that what strangers leave behind is at its bounds soon. */
const limits: Partial<Limits> = {
  packet: 4_096,
  subscriptionsPerSession: 20,
  sessionsPerPrincipal: 50,
  retainedMessages: 50,
  sessionMessages: 50,
  unacknowledged: 20,
};

/** A broker with two clients who talk to each other whatever strangers do. */
class Street {
  readonly house: House;
  readonly #one: Peer;
  readonly #other: Peer;
  #count = 0;

  private constructor(house: House, one: Peer, other: Peer) {
    this.house = house;
    this.#one = one;
    this.#other = other;
  }

  static async open(): Promise<Street> {
    const policy = new TestPolicy();
    policy.welcome = ({ username }) => (username === "neighbour" ? {} : { space: "strangers", principal: "stranger" });
    policy.accept = (_guest, publication) => {
      publication.settle(0);
      return 0;
    };
    const house = await House.open({ policy, limits });
    const connect = { username: "neighbour" };
    const one = await house.connect("one", { version: 5, connect });
    const other = await house.connect("other", { version: 4, connect });
    one.subscribe(1, "talk", 2);
    await one.take("suback");
    return new Street(house, one, other);
  }

  /** The neighbours are served as ever. */
  async isSound(): Promise<void> {
    const [one, other] = [this.#one, this.#other];
    const text = `${++this.#count}`;
    other.publish("talk", text, { qos: 2, messageId: 1 });
    await other.take("pubrec");
    other.send({ cmd: "pubrel", messageId: 1 });
    const { messageId, payload } = await one.take("publish");
    assert.equal(String(payload), text);
    one.send({ cmd: "pubrec", messageId });
    await one.take("pubrel");
    one.send({ cmd: "pubcomp", messageId });
    await other.take("pubcomp");
    assert.deepEqual(this.house.faults, []);
  }

  /** A connection in memory. `pieces` are written one by one. Answers what the broker said. */
  async hear(pieces: readonly Uint8Array[]): Promise<Buffer> {
    const [theirs, ours] = duplexPair();
    const said: Buffer[] = [];
    theirs.on("data", (chunk: Buffer) => said.push(chunk));
    theirs.on("error", () => {});
    this.house.broker.accept(ours, { remoteAddress: "", secure: false, name: "pair" });
    for (const piece of pieces) {
      if (theirs.writable) theirs.write(piece);
    }
    await turn();
    await turn();
    theirs.destroy();
    ours.destroy();
    await closed(ours);
    return Buffer.concat(said);
  }
}

export const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

async function closed(stream: Duplex): Promise<void> {
  while (!stream.closed) await turn();
}

/** A client that knows no more than its version can read all of it. */
function assertReadable(bytes: Uint8Array, version: 4 | 5): void {
  const parser = mqttPacket.parser({ protocolVersion: version });
  parser.on("error", (error: Error) => assert.fail(`The broker's answer cannot be read: ${error.message}`));
  parser.on("packet", () => {});
  parser.parse(Buffer.from(bytes));
}

/** Cuts the bytes anywhere. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, i) => bytes.subarray(from, at[i] ?? bytes.length));
}

const places = fc.array(fc.nat(), { maxLength: 6 });

const noisy = fc.record({
  version,
  before: fc.constantFrom("nothing", "a CONNECT"),
  noise: fc.oneof(
    fc.uint8Array({ maxLength: 300, size: "max" }),
    // As the first bytes of a packet, and a length that is not its own.
    fc
      .tuple(fc.nat({ max: 255 }), fc.nat({ max: 255 }), fc.uint8Array({ maxLength: 100, size: "max" }))
      .map(([first, length, body]) => Uint8Array.from([first, length, ...body])),
  ),
  places,
});

export const connectOf = (version: 4 | 5): Said => ({
  cmd: "connect",
  protocolId: "MQTT",
  protocolVersion: version,
  clientId: "noise",
  clean: true,
  keepalive: 10,
  will: { topic: "w", payload: Buffer.from("x"), qos: 2, retain: true, properties: {} },
  properties: {},
});

/** Random bytes, before and behind the CONNECT, so many times. */
export async function tryNoise(numRuns: number): Promise<void> {
  const street = await Street.open();
  await using _house = street.house;
  await fc.assert(
    fc.asyncProperty(noisy, async ({ version, before, noise, places }) => {
      const start = before === "nothing" ? [] : [writtenByThem(connectOf(version), version)];
      assertReadable(await street.hear([...start, ...cut(noise, places)]), version);
      await street.isSound();
    }),
    { numRuns },
  );
  await leavesLittle(street.house);
}

/** One who asks for everything, so that what it publishes comes back, and acknowledges what that may be called. */
const talk = (version: 4 | 5): fc.Arbitrary<Said[]> => {
  const [cmd, messageId] = [fc.constantFrom("puback", "pubrec", "pubrel", "pubcomp"), fc.integer({ min: 1, max: 3 })];
  const answers = fc.record({ cmd, messageId, reasonCode: fc.constant(0) }) as fc.Arbitrary<Said>; // `cmd` is one of its kinds
  const publication = publishes(version).map((said) => ("messageId" in said ? { ...said, messageId: 1 } : said));
  return fc
    .array(fc.oneof(publication, publication, answers, others(version)), { maxLength: 12, size: "max" })
    .map((all) => [
      { cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "#", qos: 2 }], properties: {} },
      ...all,
    ]);
};

/** A CONNECT that is not refused for its method, of one of a few clients who come again and again. */
const welcome = (version: 4 | 5): fc.Arbitrary<Said> =>
  fc.tuple(connects(version), fc.constantFrom("a", "b", "c")).map(([said, clientId]) => {
    const {
      authenticationMethod: _method,
      authenticationData: _data,
      ...properties
    } = said["properties"] as Record<string, unknown>; // an object
    return { ...said, clientId, properties };
  });

const change = fc.record({
  /** 0 is the CONNECT. */
  packet: fc.nat(),
  at: fc.nat(),
  to: fc.nat({ max: 255 }),
  how: fc.constantFrom("flip", "set", "cut", "insert", "double", "length", "swap"),
});

function changed(bytes: Buffer, { at, to, how }: { at: number; to: number; how: string }): Buffer {
  const place = at % Math.max(1, bytes.length);
  const [before, behind] = [bytes.subarray(0, place), bytes.subarray(place)];
  const copy = Buffer.from(bytes);
  switch (how) {
    case "flip":
      copy[place] = (copy[place] ?? 0) ^ (1 << (to & 7));
      return copy;
    case "set":
      copy[place] = to;
      return copy;
    case "cut":
      return before;
    case "insert":
      return Buffer.concat([before, Buffer.from([to]), behind]);
    case "double":
      return Buffer.concat([bytes, behind]);
    case "length":
      if (copy.length > 1) copy[1] = to;
      return copy;
    default:
      return Buffer.concat([behind, before]);
  }
}

const spoilt = version.chain((one) =>
  fc.record({
    version: fc.constant(one),
    connect: welcome(one),
    packets: talk(one),
    changes: fc.array(change, { maxLength: 4 }),
    spoilsConnect: fc.boolean(),
    places,
  }),
);

/** Valid packets, changed anywhere and in any pieces, so many times. */
export async function trySpoilt(numRuns: number): Promise<void> {
  const street = await Street.open();
  await using _house = street.house;
  await fc.assert(
    fc.asyncProperty(spoilt, async ({ version, connect, packets, changes, spoilsConnect, places }) => {
      const sequence = [connect, ...packets].map((said) => writtenByThem(said, version));
      const from = spoilsConnect ? 0 : 1;
      for (const { packet, ...how } of changes) {
        const index = from + (packet % (sequence.length - from));
        sequence[index] = changed(sequence[index] ?? Buffer.alloc(0), how);
      }
      const said = await street.hear(cut(Buffer.concat(sequence), places));
      // A CONNECT that was changed may be one of the other version.
      if (!spoilsConnect) assertReadable(said, version);
      await street.isSound();
    }),
    { numRuns },
  );
  await leavesLittle(street.house);
}

/** What is left of all those stays within the limits. */
async function leavesLittle({ broker }: House): Promise<void> {
  await until(() => broker.statistics.connectionsOpen === 2);
  const { sessions, subscriptions, queued, retained } = broker.statistics;
  assert.ok(sessions <= 2 + 50, `${sessions} sessions`);
  assert.ok(subscriptions <= 1 + 50 * 20, `${subscriptions} subscriptions`);
  assert.ok(queued <= 50 * 50, `${queued} queued`);
  assert.ok(retained <= 50, `${retained} retained`);
}
