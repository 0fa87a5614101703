import { Buffer } from "node:buffer";
import fc from "fast-check";
import mqttPacket from "mqtt-packet";
import type { Properties } from "./properties.ts";

/** A packet as mqtt-packet has it, but for its properties, which are written our way. */
export type Said = { readonly cmd: mqttPacket.PacketCmd; readonly [field: string]: unknown };

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

export const version = fc.constantFrom<4 | 5>(4, 5);
/** Without surrogates. fast-check's own `unit: "binary"` makes a table of all of them first, which takes seconds. */
const character = fc
  .integer({ min: 0, max: 0x10_f7ff })
  .map((at) => String.fromCodePoint(at < 0xd800 ? at : at + 0x800));
/** Any MQTT string: what is no character, and a byte order mark, too. */
const text = fc
  .oneof(
    fc.string({ unit: character, maxLength: 20, size: "max" }),
    fc.constantFrom("", "__proto__", "\u{feff}a", "\u{ffff}"),
  )
  .filter((value) => !value.includes("\0") && value.isWellFormed());
/** A topic name. */
export const name = text.filter((value) => value !== "" && !/[+#]/.test(value));
const filter = fc
  .tuple(fc.constantFrom("", "$share/g/"), fc.array(fc.oneof(name, fc.constant("+")), { minLength: 1, maxLength: 3 }))
  .map(([share, levels]) => share + levels.join("/"))
  .filter((value) => !value.startsWith("$share/") || /^\$share\/[^/]+\/./.test(value));
export const bytes = fc.uint8Array({ maxLength: 40, size: "max" }).map((value) => Buffer.from(value));
export const id = fc.integer({ min: 1, max: 0xffff });
const uint16 = fc.integer({ min: 0, max: 0xffff });
const uint32 = fc.integer({ min: 0, max: 0xffffffff });
const flag = fc.constantFrom(0, 1);
export const qos = fc.constantFrom<0 | 1 | 2>(0, 1, 2);

// mqtt-packet forgets an empty value when its name comes again.
const userProperties = fc
  .array(fc.tuple(fc.oneof(text, fc.constantFrom("a", "b")), text), { minLength: 1, maxLength: 4 })
  .filter((pairs) =>
    pairs.every(([one, value], i) => value !== "" || !pairs.slice(i + 1).some(([other]) => other === one)),
  );

/** Table 2-4, once more: which values there are of each property. */
const values = {
  payloadFormatIndicator: flag,
  messageExpiryInterval: uint32,
  contentType: text,
  responseTopic: name,
  correlationData: bytes,
  subscriptionIdentifiers: fc.array(fc.integer({ min: 1, max: 268_435_455 }), { minLength: 1, maxLength: 3 }),
  sessionExpiryInterval: uint32,
  assignedClientIdentifier: text,
  serverKeepAlive: uint16,
  authenticationMethod: text,
  authenticationData: bytes,
  requestProblemInformation: flag,
  willDelayInterval: uint32,
  requestResponseInformation: flag,
  responseInformation: text,
  serverReference: text,
  reasonString: text,
  receiveMaximum: id,
  topicAliasMaximum: uint16,
  topicAlias: id,
  maximumQoS: flag,
  retainAvailable: flag,
  userProperties,
  maximumPacketSize: fc.integer({ min: 1, max: 0xffffffff }),
  wildcardSubscriptionAvailable: flag,
  subscriptionIdentifiersAvailable: flag,
  sharedSubscriptionAvailable: flag,
} as const;

type Name = keyof typeof values;

const ofMessage: readonly Name[] = [
  "payloadFormatIndicator",
  "messageExpiryInterval",
  "contentType",
  "responseTopic",
  "correlationData",
  "userProperties",
];
const ofConnect: readonly Name[] = [
  "sessionExpiryInterval",
  "receiveMaximum",
  "maximumPacketSize",
  "topicAliasMaximum",
  "authenticationMethod",
  "authenticationData",
  "userProperties",
];

/** The same table's other half: which stand in which packet, from client to server and back. */
const holders = {
  connect: [...ofConnect, "requestResponseInformation", "requestProblemInformation"],
  will: [...ofMessage, "willDelayInterval"],
  publish: ofMessage,
  subscribe: ["userProperties"],
  unsubscribe: ["userProperties"],
  leave: ["sessionExpiryInterval", "reasonString", "userProperties"],
  auth: ["authenticationMethod", "authenticationData", "reasonString", "userProperties"],
  connack: [
    ...ofConnect,
    "maximumQoS",
    "retainAvailable",
    "assignedClientIdentifier",
    "reasonString",
    "wildcardSubscriptionAvailable",
    "subscriptionIdentifiersAvailable",
    "sharedSubscriptionAvailable",
    "serverKeepAlive",
    "responseInformation",
    "serverReference",
  ],
  acknowledgement: ["reasonString", "userProperties"],
  disconnect: ["reasonString", "serverReference", "userProperties"],
} as const satisfies Record<string, readonly Name[]>;

/** Any of the properties that may stand there, or none. */
export const propertiesOf = (holder: keyof typeof holders, version: 4 | 5 = 5): fc.Arbitrary<Properties> =>
  version === 4
    ? fc.constant({})
    : fc.record(Object.fromEntries(holders[holder].map((one) => [one, values[one]])), {
        requiredKeys: [],
        noNullPrototype: true,
      });

/** Properties in mqtt-packet's way: booleans for most flags, and user properties gathered by their names. */
export function asTheirs(properties: Properties): Record<string, unknown> {
  const { userProperties: pairs, subscriptionIdentifiers: identifiers, ...others } = properties;
  const theirs: Record<string, unknown> = {};
  for (const [one, value] of Object.entries(others)) {
    const isBoolean = values[one as Name] === flag && one !== "maximumQoS"; // all of them stand in the table
    theirs[one] = isBoolean ? value === 1 : value;
  }
  if (identifiers) theirs["subscriptionIdentifier"] = identifiers.length === 1 ? identifiers[0] : identifiers;
  if (pairs) {
    const gathered = Map.groupBy(pairs, ([one]) => one);
    const groups = [...gathered].map(([one, all]) => [one, all.length === 1 ? all[0]?.[1] : all.map(([, two]) => two)]);
    theirs["userProperties"] = Object.fromEntries(groups);
  }
  return theirs;
}

/** What user properties say by name; their order across names mqtt-packet does not keep. */
export const gathered = (properties: Properties): Properties => {
  const { userProperties: pairs, ...others } = properties;
  if (!pairs) return others;
  return { ...others, userProperties: [...Map.groupBy(pairs, ([one]) => one).values()].flat() };
};

/** As mqtt-packet writes it. */
export function writtenByThem(said: Said, protocolVersion: 4 | 5): Buffer {
  const { properties, will, ...rest } = said;
  const isFive = protocolVersion === 5;
  const theirs = (all: unknown) => (isFive ? asTheirs(all as Properties) : undefined); // only `Properties` are called so
  const theirWill = will as { properties: Properties } | undefined; // only CONNECT has one
  const packet = {
    ...rest,
    ...(properties !== undefined && { properties: theirs(properties) }),
    ...(theirWill && { will: { ...theirWill, properties: theirs(theirWill.properties) } }),
  };
  return mqttPacket.generate(packet as unknown as mqttPacket.Packet, { protocolVersion }); // one of its packets
}

const receiving = fc.constantFrom(0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99);
const releasing = fc.constantFrom(0x00, 0x92);
const leaving = fc.constantFrom(0, 4, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99);

/** PUBACK, PUBREC, PUBREL and PUBCOMP with every code that either side may put into them; in 3.1.1 there are none. */
export const acknowledgements = (version: 4 | 5): fc.Arbitrary<Said>[] =>
  (["puback", "pubrec", "pubrel", "pubcomp"] as const).map((cmd) => {
    const plain = { cmd: fc.constant(cmd), messageId: id };
    const reasonCode = cmd === "puback" || cmd === "pubrec" ? receiving : releasing;
    const properties = propertiesOf("acknowledgement");
    return version === 4 ? fc.record(plain) : fc.record({ ...plain, reasonCode, properties });
  });

/** A CONNECT as mqtt-packet can write it: it knows none without client id and clean start, and no password alone. */
export const connects = (version: 4 | 5): fc.Arbitrary<Said> =>
  fc
    .record({
      cmd: fc.constant("connect" as const),
      protocolId: fc.constant("MQTT"),
      protocolVersion: fc.constant(version),
      clientId: text,
      clean: fc.boolean(),
      keepalive: uint16,
      username: maybe(text),
      password: maybe(bytes),
      will: maybe(
        fc.record({
          topic: name,
          payload: bytes,
          qos,
          retain: fc.boolean(),
          properties: propertiesOf("will", version),
        }),
      ),
      properties: propertiesOf("connect", version),
    })
    .map(({ username, password, will, ...rest }) => ({
      ...rest,
      clean: rest.clean || rest.clientId === "",
      properties: rest.properties.authenticationMethod === undefined ? without(rest.properties) : rest.properties,
      ...(will && { will }),
      ...(username !== undefined && { username, ...(password && { password }) }),
    }));

/** Authentication data belongs to a method (3.1.2.11.10). */
const without = ({ authenticationData: _data, ...properties }: Properties): Properties => properties;

const subscribes = (version: 4 | 5): fc.Arbitrary<Said> => {
  const one = fc.record({ topic: filter, qos });
  const five = fc
    .record({ topic: filter, qos, nl: fc.boolean(), rap: fc.boolean(), rh: fc.constantFrom(0, 1, 2) })
    .map((asked) => ({ ...asked, nl: asked.nl && !asked.topic.startsWith("$share/") })); // [MQTT-3.8.3-4]
  const identifier = fc.integer({ min: 1, max: 268_435_455 }).map((value) => ({ subscriptionIdentifiers: [value] }));
  return fc
    .record({
      cmd: fc.constant("subscribe" as const),
      messageId: id,
      subscriptions: fc.array<Record<string, unknown>>(version === 5 ? five : one, { minLength: 1, maxLength: 5 }),
      properties: propertiesOf("subscribe", version),
      identifier: version === 5 ? maybe(identifier) : fc.constant(undefined),
    })
    .map(({ properties, identifier: chosen, ...rest }) => ({ ...rest, properties: { ...properties, ...chosen } }));
};

const unsubscribes = (version: 4 | 5): fc.Arbitrary<Said> =>
  fc.record({
    cmd: fc.constant("unsubscribe" as const),
    messageId: id,
    unsubscriptions: fc.array(filter, { minLength: 1, maxLength: 5 }),
    properties: propertiesOf("unsubscribe", version),
  });

export const publishes = (version: 4 | 5): fc.Arbitrary<Said> =>
  fc
    .record({
      cmd: fc.constant("publish" as const),
      topic: name,
      payload: fc.oneof(
        bytes,
        text.map((value) => Buffer.from(value)),
      ),
      qos,
      dup: fc.boolean(),
      retain: fc.boolean(),
      messageId: id,
      properties: propertiesOf("publish", version),
    })
    .map(({ messageId, ...rest }) => (rest.qos === 0 ? { ...rest, dup: false } : { ...rest, messageId }));

const disconnects = (version: 4 | 5): fc.Arbitrary<Said> => {
  const plain = { cmd: fc.constant("disconnect" as const) };
  return version === 4
    ? fc.record(plain)
    : fc.record({ ...plain, reasonCode: leaving, properties: propertiesOf("leave") });
};

/** A client's. */
const auths: fc.Arbitrary<Said> = fc
  .record({
    cmd: fc.constant("auth" as const),
    reasonCode: fc.constantFrom(0x18, 0x19),
    method: text,
    properties: propertiesOf("auth"),
  })
  .map(({ method, properties, ...rest }) => ({ ...rest, properties: { ...properties, authenticationMethod: method } }));

/** Whatever a client may say, but PUBLISH and CONNECT. */
export const others = (version: 4 | 5): fc.Arbitrary<Said> =>
  fc.oneof(
    ...acknowledgements(version),
    subscribes(version),
    unsubscribes(version),
    disconnects(version),
    fc.record({ cmd: fc.constant("pingreq" as const) }),
    ...(version === 5 ? [auths] : []),
  );
