import assert from "node:assert/strict";
import { newId, type Id, type Instant, type Kind } from "@holdfast/kernel";
import {
  actions,
  allActions,
  days,
  type Action,
  leastTransports,
  presets,
  socketModes,
  type Conditions,
  type CredentialKind,
  type Demands,
  type Door,
  type Grant,
  type Hours,
  type Listed,
  type Visitors,
  type Where,
  visitorKinds,
} from "@holdfast/protocol";
import fc from "fast-check";
import { cameBy, type Circumstances } from "../apps/server/src/authority/circumstances.ts";
import { readConditions } from "../apps/server/src/authority/conditions.ts";
import { endings, type Credential, type Ending } from "../apps/server/src/authority/credential.ts";
import { levelOf, readDoor, type Level } from "../apps/server/src/authority/door.ts";
import { readValue, type ListEntry } from "../apps/server/src/authority/lists.ts";
import type { KnownGroup } from "../apps/server/src/authority/known-groups.ts";
import type { OwnRole } from "../apps/server/src/authority/role.ts";
import type { Member, Membership } from "../apps/server/src/authority/roles.ts";
import type { Standing } from "../apps/server/src/authority/standing.ts";
import { counted, spaceOf } from "../apps/server/src/authority/space.fixture.ts";
import type { Placement, Space } from "../apps/server/src/authority/space.ts";

// An organisation with its doors and lists, a chain of credentials, a way to come and a question, any there could be.

export const org = newId("org", counted);
const applications = [newId("application", counted), newId("application", counted)] as const;
const products = [newId("product", counted)] as const;
export const devices = [newId("device", counted), newId("device", counted), newId("device", counted)] as const;
const [ada, vic, stranger] = [newId("person", counted), newId("person", counted), newId("person", counted)];
const ownRole = newId("role", counted);
const ids = [
  newId("key", counted),
  newId("token", counted),
  newId("session", counted),
  newId("token", counted),
] as const;
/** More often than each of the others. */
const none = [undefined, undefined, undefined, undefined];
/** Not known any more. */
const gone = newId("device", counted);
const monday = Date.parse("2026-06-01T00:00:00Z");
const minute = 60_000;

const where: fc.Arbitrary<Where> = fc.oneof(
  { weight: 12, arbitrary: fc.constant<Where>({ all: true }) },
  { weight: 4, arbitrary: fc.constantFrom(...applications).map((application) => ({ application })) },
  { weight: 3, arbitrary: fc.subarray([...devices], { minLength: 1 }).map((some) => ({ devices: some })) },
  {
    weight: 3,
    arbitrary: fc.record({
      tag: fc.record({ key: fc.constantFrom("site", "floor"), value: fc.constantFrom("north", "3") }),
    }),
  },
);
const action = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom<Action>("device.read", "telemetry.write", "telemetry.read", "device.create"),
  },
  { weight: 2, arbitrary: fc.constantFrom<Action>(...allActions) },
);
const some = fc.array(fc.record({ action, where }), { maxLength: 6 });
/** Mostly all of it: where many things forbid, none of them decides. */
const grants: fc.Arbitrary<readonly Grant[]> = fc.oneof(
  { weight: 2, arbitrary: some },
  { weight: 9, arbitrary: where.map((one) => allActions.map((each) => ({ action: each, where: one }))) },
);

/** As people write them, either spelling of IPv4 among them. */
const networks = ["10.0.0.0/8", "10.1.2.3", "192.0.2.0/24", "::ffff:10.1.0.0/112", "2001:db8::/32", "10.200.0.0/15"];
const hours: fc.Arbitrary<Hours> = fc
  .record({
    days: fc.subarray([...days], { minLength: 1 }),
    from: fc.constantFrom("00:00", "06:30", "08:00", "20:00"),
    to: fc.constantFrom("06:00", "18:00", "23:59", "24:00"),
    zone: fc.constantFrom("UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns"),
  })
  .filter(({ days: on, from, to }) => !(on.length === days.length && from === "00:00" && to === "24:00"));
const conditions: fc.Arbitrary<Conditions | undefined> = fc.oneof(
  { weight: 9, arbitrary: fc.constant(undefined) },
  fc
    .record(
      {
        addresses: fc.subarray(networks, { minLength: 1 }),
        hours: fc.array(hours, { minLength: 1, maxLength: 3 }),
        origins: fc.subarray(["https://one.example", "https://two.example"], { minLength: 1 }),
        transports: fc.subarray(["https", "mqtts", "wss", "socket"] as const, { minLength: 1 }),
      },
      { requiredKeys: [] },
    )
    .map(readConditions),
);

/** Each half hour of a week, those after Sunday's midnight more often: what began on Sunday may hold then. */
const at = fc
  .oneof({ weight: 1, arbitrary: fc.nat({ max: 12 }) }, { weight: 2, arbitrary: fc.nat({ max: 7 * 48 }) })
  .map((halves) => (monday + halves * 30 * minute) as Instant); // milliseconds both
const mostly = <T>(usual: T, ...others: readonly T[]) =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(usual, ...others) });
const kinds = Object.keys(presets) as CredentialKind[]; // the keys of a constant
export const day = 24 * 60 * minute;
const credential = (index: number): fc.Arbitrary<Credential> =>
  fc.record({
    id: fc.constant(ids[index] ?? ids[0]),
    kind: fc.oneof(
      { weight: 2, arbitrary: fc.constantFrom<CredentialKind>("operator", "apiToken", "session") },
      { weight: 1, arbitrary: fc.constantFrom(...kinds) },
    ),
    name: fc.constant(""),
    state: mostly<Credential["state"]>("active", "revoked"),
    parent: fc.constant(ids[index + 1]),
    makers: fc.constant(ids.slice(index + 1)),
    person: fc.constantFrom<Id<"person"> | undefined>(undefined, undefined, undefined, ada, ada, ada, vic, stranger),
    inPerson: fc.boolean(),
    application: fc.constantFrom<Id<"application"> | undefined>(...none, ...applications),
    device: fc.constantFrom<Id<"device"> | undefined>(...none, ...none, ...devices, gone),
    grants,
    issuedSeq: fc.constantFrom(50, 51),
    /** From now, in milliseconds. */
    createdAt: fc.constantFrom(-day - 1, -day, 1 - day, -2 * day).map((one) => one as Instant), // `worldOf` adds the rest
    /** From now, in milliseconds. */
    expiresAt: mostly<number | undefined>(undefined, -1, 0, 1).map((one) => one as Instant | undefined), // `worldOf` adds the rest
    lastUsedAt: fc.constant(undefined),
    digest: fc.constant(new Uint8Array(32)),
    publicKey: fc.constantFrom<Credential["publicKey"]>(undefined, { kty: "OKP", crv: "Ed25519", x: "A".repeat(43) }),
    conditions,
    version: fc.constant(1),
  });

const placement: fc.Arbitrary<Placement> = fc.record({
  application: fc.constantFrom(...applications),
  product: fc.option(fc.constantFrom(...products), { nil: undefined }),
  state: mostly<Placement["state"]>("active", "suspended", "retired"),
  tags: fc.constantFrom<Record<string, string>>(
    {},
    { site: "north" },
    { site: "north", floor: "3" },
    { floor: "north" },
  ),
  alias: fc.constant(undefined),
  gateway: fc.constantFrom<Id<"device"> | undefined>(...none, ...devices),
  version: fc.constant(1),
});

/** What a device says and hears for others than itself: for a child, and in a group. Each at a topic, as the broker asks it. */
export type Talk =
  | {
      readonly of: "child";
      readonly what: "telemetry" | "reported" | "reply" | "command" | "desired" | "theirs";
    }
  | { readonly of: "group"; readonly what: "said" | "heard" | "put" | "lease" };
const talk: fc.Arbitrary<Talk> = fc.oneof(
  fc.record({
    of: fc.constant("child" as const),
    what: fc.constantFrom("telemetry", "reported", "reply", "command", "desired", "theirs"),
  }),
  fc.record({ of: fc.constant("group" as const), what: fc.constantFrom("said", "heard", "put", "lease") }),
);
const rights = fc.oneof(
  { weight: 1, arbitrary: fc.constant(undefined) },
  { weight: 4, arbitrary: fc.record({ read: mostly(true, false), write: mostly(true, false) }) },
);
export const crew = newId("group", counted);

type Mark = { readonly about: string; readonly what: Ending; readonly seq: number };
const marks: fc.Arbitrary<readonly Mark[]> = fc.oneof(
  { weight: 3, arbitrary: fc.constant([]) },
  fc.array(
    fc.record({
      about: fc.constantFrom<string>(org, ...applications, ...products, ...products, ...devices, ada, vic, ...ids),
      what: fc.constantFrom(...endings),
      seq: fc.constantFrom(50, 51, 52),
    }),
    { minLength: 1, maxLength: 2 },
  ),
);

const things: Partial<Record<Kind, readonly string[]>> = {
  device: devices,
  application: applications,
  product: products,
  org: [org],
};
/** About a thing of the kind that it is asked about, and sometimes about any. */
const question = action.chain((one) =>
  fc.record({
    action: fc.constant(one),
    target: fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom(...(things[actions[one]] ?? [org])) },
      { weight: 1, arbitrary: fc.constantFrom<string>(org, ...applications, ...products, ...devices) },
    ),
  }),
);

const attributes = ["temperature", "pressure", "__proto__"] as const;
const visitors: fc.Arbitrary<Visitors> = fc.record(
  {
    credentials: fc.subarray([...ids], { minLength: 1 }),
    people: fc.subarray([ada, vic, stranger], { minLength: 1 }),
    kinds: fc.subarray([...visitorKinds], { minLength: 1 }),
  },
  { requiredKeys: [] },
);
const side = fc.record({ who: visitors, addresses: fc.subarray(networks) }).map(({ who, addresses }) => ({
  ...who,
  ...(addresses.length > 0 && { addresses }),
}));
/** Each field seldom: where many things forbid, none of them decides. */
const perhaps = <T>(value: fc.Arbitrary<T>, weight = 1) =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight, arbitrary: value });
const ofMessages = (weight: number) => ({
  writable: perhaps(fc.subarray([...attributes], { minLength: 1 }), weight),
  readable: perhaps(
    fc.array(fc.record({ attributes: fc.subarray([...attributes], { minLength: 1 }), by: perhaps(visitors, 3) }), {
      minLength: 1,
      maxLength: 2,
    }),
    weight,
  ),
  size: perhaps(fc.constantFrom(1, 100, 101), weight),
});
type Written = Parameters<typeof readDoor>[0];
const read = (all: Written): Door => readDoor(all);
/** What a socket needs is said where there may be one. */
const readWithSocket = ({ socket, ...all }: Written): Door =>
  readDoor({ ...all, ...(all.transports?.includes("socket") && { socket }) });
const door: fc.Arbitrary<Door | undefined> = fc.oneof(
  { weight: 2, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.record(ofMessages(6)).map(read) },
  {
    weight: 2,
    arbitrary: fc
      .record({
        transports: perhaps(fc.subarray(["https", "mqtts", "wss", "socket"] as const, { minLength: 1 }), 2),
        socket: perhaps(fc.constantFrom(...socketModes), 2),
        tls: perhaps(fc.constantFrom("TLSv1.2" as const, "TLSv1.3" as const), 2),
        proof: perhaps(fc.constantFrom("secret" as const, "key" as const), 3),
        allow: perhaps(side),
        deny: perhaps(side),
        ...ofMessages(1),
        hours: perhaps(fc.array(hours, { minLength: 1, maxLength: 2 })),
      })
      .map(readWithSocket),
  },
);

const filters = [
  "devices/+/telemetry",
  "devices/#",
  "#",
  "+/+/+",
  "devices/+",
  `devices/${devices[0]}/#`,
  "devices/+/twin/#",
  `devices/${devices[0]}/twin/desired`,
  "devices/+/twin/reported",
  "+/+/commands/+",
  "devices/+/+/+",
  "devices/+/replies/#",
];
const valuesOf: Readonly<Record<Listed, readonly string[]>> = {
  address: networks,
  device: devices,
  person: [ada, vic, stranger],
  topic: [...filters, ...devices.map((id) => `devices/${id}/telemetry`), `+/${devices[1]}/+/#`],
};
export type Entry = Pick<ListEntry, "list" | "what" | "value" | "expiresAt">;
const entry: fc.Arbitrary<Entry> = fc.constantFrom<Listed>("address", "device", "person", "topic").chain((what) =>
  fc.record({
    list: fc.constantFrom("allow" as const, "allow" as const, "deny" as const),
    what: fc.constant(what),
    value: fc.constantFrom(...valuesOf[what]).map((value) => readValue(what, value)),
    /** From now, in milliseconds. */
    expiresAt: mostly<number | undefined>(undefined, -1, 0, 1).map((one) => one as Instant | undefined), // `worldOf` adds the rest
  }),
);
const entries: fc.Arbitrary<readonly Entry[]> = fc.oneof(
  { weight: 5, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.array(entry, { minLength: 1, maxLength: 4 }) },
);

const ofParty = fc.record(
  {
    bound: fc.boolean(),
    greatestAgeDays: fc.constantFrom(1, 2),
    leastTls: fc.constantFrom("TLSv1.2" as const, "TLSv1.3" as const),
  },
  { requiredKeys: [] },
);
const leastTransport = fc.option(fc.constantFrom(...leastTransports), { nil: undefined });
const ofDevices = fc
  .tuple(ofParty, leastTransport)
  .map(([demanded, least]) => ({ ...demanded, ...(least && { leastTransport: least }) }));
const demands: fc.Arbitrary<Demands> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({}) },
  fc.record({ people: ofParty, programs: ofParty, devices: ofDevices }, { requiredKeys: [] }),
);

const any = fc.record({
  chain: fc
    .constantFrom(1, 1, 2, 2, 3)
    .chain((length) => fc.tuple(...Array.from({ length }, (_, index) => credential(index)))),
  /** The last one's parent is none, or is not known any more. */
  isWhole: mostly(true, false),
  places: fc.tuple(placement, placement, placement),
  roles: fc.tuple(
    fc.constantFrom<Member["role"]>("owner", "owner", "owner", "administrator", "viewer", "operator", ownRole, ownRole),
    grants,
  ),
  marks,
  demands,
  /** Whether she is suspended, and what stops the organisation. */
  isSuspended: mostly(false, true),
  standing: mostly<Standing>(
    {},
    { isSuspended: true },
    { endsAt: 1 as Instant },
    { isSuspended: true, endsAt: 1 as Instant },
  ),
  way: fc.record({
    address: fc.constantFrom<string | undefined>(
      "10.1.2.3",
      "::ffff:10.200.0.1",
      "192.0.2.9",
      "2001:db8::7",
      undefined,
    ),
    transport: fc.oneof(
      { weight: 30, arbitrary: fc.constantFrom<Circumstances["transport"]>("https", "mqtts", "wss", undefined) },
      { weight: 1, arbitrary: fc.constant("socket" as const) },
    ),
    tls: fc.constantFrom<Circumstances["tls"]>("TLSv1.3", "TLSv1.3", "TLSv1.2", undefined),
    origin: mostly<string | undefined>("none", "https://one.example", "https://three.example", undefined),
    proof: fc.constantFrom<Circumstances["proof"]>("secret", "key", "session", undefined),
    /** What protects the frame, where it comes by a direct socket. */
    socket: fc.constantFrom(...socketModes),
  }),
  doors: fc.record({ ofProduct: door, ofDevices: fc.tuple(door, door, door) }),
  entries,
  /** The group, and who is in it. */
  group: fc.record({ application: fc.constantFrom(...applications), members: fc.tuple(rights, rights, rights) }),
  talk: fc.constant<Talk | undefined>(undefined),
  /** What is in the message that is sent or read. */
  message: fc.record({ attribute: fc.constantFrom(...attributes), size: fc.constantFrom(1, 2, 100, 101) }),
  now: at,
  question,
});
export type Anything = typeof any extends fc.Arbitrary<infer T> ? T : never;

/** Somebody who may do all of it, before doors and lists are asked: else they would hardly ever decide. */
const admitted = fc
  .record({
    asked: any,
    question: fc.record({
      action: fc.oneof(
        { weight: 8, arbitrary: fc.constantFrom<Action>("telemetry.read", "telemetry.write") },
        { weight: 3, arbitrary: fc.constantFrom<Action>("twin.read", "twin.update", "command.read", "command.send") },
      ),
      target: fc.constantFrom<string>(...devices),
    }),
  })
  .map(({ asked, question: about }): Anything => ({
    ...asked,
    chain: asked.chain.map((one) => ({
      ...one,
      state: "active",
      person: one.person === stranger ? undefined : one.person,
      application: undefined,
      device: one.device === gone ? undefined : one.device,
      grants: allActions.map((action) => ({ action, where: { all: true } })),
      expiresAt: undefined,
      conditions: undefined,
    })),
    isWhole: true,
    places: asked.places.map((one) => ({ ...one, state: "active" })) as unknown as Anything["places"], // as many as before
    roles: ["owner", []],
    marks: [],
    demands: {},
    isSuspended: false,
    standing: {},
    question: about,
  }));

/** The same by a direct socket, which a product opens: few come so by chance. */
const bySocket = fc
  .record({ asked: admitted, takes: fc.constantFrom(...socketModes), with: fc.constantFrom(...socketModes) })
  .map(({ asked, takes, with: socket }): Anything => ({
    ...asked,
    way: { ...asked.way, transport: "socket", socket },
    places: asked.places.map((one) => ({ ...one, product: products[0] })) as unknown as Anything["places"], // as many as before
    doors: { ...asked.doors, ofProduct: readDoor({ transports: ["socket"], socket: takes }) },
  }));

/** Somebody who may all of it asks about a twin or commands, where lists name their topics. */
const besideReadings = [
  "devices/+/twin/#",
  `devices/${devices[0]}/twin/desired`,
  "devices/+/twin/reported",
  "+/+/commands/+",
];
const listed = fc
  .record({
    asked: admitted,
    entries: fc.array(
      fc.record({
        list: fc.constantFrom("allow" as const, "deny" as const),
        what: fc.constant("topic" as const),
        value: fc.constantFrom(...besideReadings),
        expiresAt: fc.constant(undefined),
      }),
      { minLength: 1, maxLength: 2 },
    ),
    action: fc.constantFrom<Action>("twin.read", "twin.update", "command.read", "command.send"),
    target: fc.constantFrom<string>(...devices),
  })
  .map(({ asked, entries: some, action: one, target }): Anything => ({
    ...asked,
    doors: { ofProduct: undefined, ofDevices: [undefined, undefined, undefined] },
    entries: some,
    question: { action: one, target },
  }));

/** A device that mostly is a gateway of the others, and with them in a group; sometimes anybody else who says the same. */
const talking = fc
  .record({
    asked: admitted,
    talk,
    is: mostly<CredentialKind>("device", "certificate", "accessKey"),
    gateways: fc.tuple(...[1, 2].map(() => mostly<Id<"device"> | undefined>(devices[0], devices[2], undefined))),
    application: mostly<Id<"application"> | undefined>(undefined, ...applications),
    states: fc.tuple(...devices.map(() => mostly<Placement["state"]>("active", "suspended", "retired"))),
    child: fc.constantFrom(devices[1], devices[2], devices[0]),
  })
  .map(({ asked, talk: what, is, gateways, application, states, child }): Anything => {
    const [first] = asked.chain;
    const device = is === "accessKey" ? undefined : devices[0];
    const own: Grant = { action: "telemetry.write", where: device ? { devices: [device] } : { all: true } };
    const places = asked.places.map((one, at) => ({
      ...one,
      application: application ?? asked.places[0].application,
      state: states[at],
      gateway: at === 0 ? undefined : gateways[at - 1],
    }));
    // Where an application is given it is the others', so that their gateway is elsewhere.
    if (application) places[0] = { ...places[0], application: asked.places[0].application } as (typeof places)[0];
    return {
      ...asked,
      chain: [
        { ...first, kind: is, person: undefined, application: undefined, device, grants: [own] },
      ] as Anything["chain"],
      places: places as unknown as Anything["places"], // as many as before
      talk: what,
      question: { action: "telemetry.write", target: what.of === "child" ? child : devices[0] },
    };
  });

/** One policy and one question. */
export const anything: fc.Arbitrary<Anything> = fc.oneof(
  { weight: 26, arbitrary: any },
  { weight: 30, arbitrary: admitted },
  { weight: 3, arbitrary: bySocket },
  { weight: 14, arbitrary: talking },
  { weight: 3, arbitrary: listed },
);

export type World = {
  readonly space: Space;
  readonly chain: readonly Credential[];
  readonly first: Credential;
  readonly marks: readonly Mark[];
  /** Who may something. */
  readonly members: ReadonlyMap<Id<"person">, Member>;
  readonly standing: Standing;
  readonly circumstances: Circumstances;
  readonly levels: readonly Level[];
  readonly entries: readonly Entry[];
  readonly group: KnownGroup;
};

function groupOf({ group: { application, members } }: Anything): KnownGroup {
  const all = devices.flatMap((id, at) => (members[at] ? [[id, members[at]] as const] : []));
  return { application, name: "crew", members: new Map(all), version: 1 };
}

export function worldOf(asked: Anything): World {
  const {
    chain: links,
    isWhole,
    places,
    roles: [role, held],
    marks: all,
    way,
    doors: { ofProduct, ofDevices },
    now,
  } = asked;
  const chain = links.map((one, index): Credential => ({
    ...one,
    parent: index + 1 === links.length && isWhole ? undefined : one.parent,
    createdAt: (now + one.createdAt) as Instant, // milliseconds both
    expiresAt: one.expiresAt === undefined ? undefined : ((now + one.expiresAt) as Instant), // milliseconds both
  }));
  const [first] = chain;
  assert.ok(first);
  const { isSuspended, standing } = asked;
  const members = new Map<Id<"person">, Member>([
    ...(isSuspended ? [] : [[ada, { role, administrator: true }] as const]),
    [vic, { role: "viewer", administrator: false }],
  ]);
  const own: OwnRole = { id: ownRole, name: "Own", description: "", grants: held, createdAt: 0 as Instant, version: 1 };
  const known = {
    devices: new Map(
      devices.map((id, index) => [id, { ...(places[index] ?? places[0]), door: levelOf(id, ofDevices[index]) }]),
    ),
    applications: new Set(applications),
    products: new Map(products.map((id) => [id, { strict: false, types: new Map(), door: levelOf(id, ofProduct) }])),
    members: new Map<Id<"person">, Membership>([...members, [ada, { role, ...(isSuspended && { isSuspended }) }]]),
    administrators: new Set([ada]),
    standing,
    roles: new Map([[ownRole, own]]),
    demands: asked.demands,
    groups: new Map([[crew, groupOf(asked)]]),
    revokedBefore: new Map<string, Partial<Record<Ending, number>>>(),
  };
  const space = spaceOf(org, known);
  for (const { about, what, seq } of all) space.revoke(about, [what], seq);
  for (const one of chain) space.credentials.set(one.id, one);
  const listed = asked.entries.map((one): Entry => ({
    ...one,
    expiresAt: one.expiresAt === undefined ? undefined : ((now + one.expiresAt) as Instant), // milliseconds both
  }));
  for (const one of listed)
    space.putEntry({ ...one, id: newId("listEntry", counted), comment: "", author: ada, createdAt: now });
  const { address } = cameBy("https", way.address ?? "", undefined, undefined);
  const levels = [ofProduct, ...ofDevices].flatMap(
    (one, at) => levelOf(at === 0 ? products[0] : (devices[at - 1] ?? gone), one) ?? [],
  );
  const { socket, ...came } = way;
  // There is no connection whose TLS could be known.
  const framed = way.transport === "socket" && { socket, tls: undefined };
  const circumstances = { ...came, address, ...framed };
  return {
    space,
    chain,
    first,
    marks: all,
    members,
    standing,
    circumstances,
    levels,
    entries: listed,
    group: groupOf(asked),
  };
}
