import assert from "node:assert/strict";
import {
  isAuthorized,
  type AuthorizationCall,
  type CedarValueJson,
  type EntityJson,
} from "@cedar-policy/cedar-wasm/nodejs";
import { kindOfId, newId, Refusal, type Id, type Instant, type Kind } from "@holdfast/kernel";
import {
  actions,
  allActions,
  days,
  type Action,
  presets,
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
import { DoorDemands } from "../apps/server/src/telemetry/door.ts";
import { cameBy, type Circumstances } from "../apps/server/src/authority/circumstances.ts";
import { readConditions } from "../apps/server/src/authority/conditions.ts";
import { endings, partyOf, type Credential, type Ending } from "../apps/server/src/authority/credential.ts";
import { levelOf, readDoor, type Level } from "../apps/server/src/authority/door.ts";
import type { Target } from "../apps/server/src/authority/link.ts";
import { readValue, type ListEntry } from "../apps/server/src/authority/lists.ts";
import { compile, decide, mayNow, readableOf, type Power } from "../apps/server/src/authority/power.ts";
import type { OwnRole } from "../apps/server/src/authority/role.ts";
import type { Member } from "../apps/server/src/authority/roles.ts";
import { counted, spaceOf } from "../apps/server/src/authority/space.fixture.ts";
import type { Placement, Space } from "../apps/server/src/authority/space.ts";

// An organisation with its doors and lists, a chain of credentials, a way to come and a question, any there could be; and the same written as
// policies of Cedar, whose answer does not come from us. Each clause that must hold is one `forbid`; a `permit` of everything stands before them
// all. Hours are asked as the minute of the week by the clocks of each zone, ends as numbers, networks as Cedar's own.
//
// What Cedar cannot say, and so is not asked: rates, of credentials and of doors, which hang on what was done before. And it is asked about one
// moment: that a connection ends when its hours do, and does not begin again by itself with the next ones, is no policy.

const org = newId("org", counted);
const applications = [newId("application", counted), newId("application", counted)] as const;
const products = [newId("product", counted)] as const;
const devices = [newId("device", counted), newId("device", counted), newId("device", counted)] as const;
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
        transports: fc.subarray(["https", "mqtts", "wss"] as const, { minLength: 1 }),
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
const day = 24 * 60 * minute;
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
  version: fc.constant(1),
});

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
const read = (all: object): Door => readDoor(all);
const door: fc.Arbitrary<Door | undefined> = fc.oneof(
  { weight: 2, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.record(ofMessages(6)).map(read) },
  {
    weight: 2,
    arbitrary: fc
      .record({
        transports: perhaps(fc.subarray(["https", "mqtts", "wss"] as const, { minLength: 1 }), 2),
        tls: perhaps(fc.constantFrom("TLSv1.2" as const, "TLSv1.3" as const), 2),
        proof: perhaps(fc.constantFrom("secret" as const, "key" as const)),
        allow: perhaps(side),
        deny: perhaps(side),
        ...ofMessages(1),
        hours: perhaps(fc.array(hours, { minLength: 1, maxLength: 2 })),
      })
      .map(read),
  },
);

const filters = ["devices/+/telemetry", "devices/#", "#", "+/+/+", "devices/+", `devices/${devices[0]}/#`];
const valuesOf: Readonly<Record<Listed, readonly string[]>> = {
  address: networks,
  device: devices,
  person: [ada, vic, stranger],
  topic: [...filters, ...devices.map((id) => `devices/${id}/telemetry`), `+/${devices[1]}/+/#`],
};
type Entry = Pick<ListEntry, "list" | "what" | "value" | "expiresAt">;
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
  { weight: 3, arbitrary: fc.constant([]) },
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
const demands: fc.Arbitrary<Demands> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({}) },
  fc.record({ people: ofParty, programs: ofParty, devices: ofParty }, { requiredKeys: [] }),
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
  way: fc.record({
    address: fc.constantFrom<string | undefined>(
      "10.1.2.3",
      "::ffff:10.200.0.1",
      "192.0.2.9",
      "2001:db8::7",
      undefined,
    ),
    transport: fc.constantFrom<Circumstances["transport"]>("https", "mqtts", "wss", undefined),
    tls: fc.constantFrom<Circumstances["tls"]>("TLSv1.3", "TLSv1.3", "TLSv1.2", undefined),
    origin: mostly<string | undefined>("none", "https://one.example", "https://three.example", undefined),
    proof: fc.constantFrom<Circumstances["proof"]>("secret", "key", "session", undefined),
  }),
  doors: fc.record({ ofProduct: door, ofDevices: fc.tuple(door, door, door) }),
  entries,
  /** What is in the message that is sent or read. */
  message: fc.record({ attribute: fc.constantFrom(...attributes), size: fc.constantFrom(1, 2, 100, 101) }),
  now: at,
  question,
});
type Anything = typeof any extends fc.Arbitrary<infer T> ? T : never;

/** Somebody who may do all of it, before doors and lists are asked: else they would hardly ever decide. */
const admitted = fc
  .record({
    asked: any,
    question: fc.record({
      action: fc.constantFrom<Action>("telemetry.read", "telemetry.write"),
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
    question: about,
  }));

/** One policy and one question. */
const anything: fc.Arbitrary<Anything> = fc.oneof({ weight: 2, arbitrary: any }, { weight: 3, arbitrary: admitted });

/** What each kind of clause says when it is what refuses. */
const deciding: Readonly<Record<string, RegExp>> = {
  "a grant": /does not grant/,
  "a condition": /is good only/,
  "a demand": /the organisation demands/,
  "a revocation": /was revoked|was ended/,
  "an end": /has expired/,
  "a membership": /is not a member/,
  "a device's state": /is suspended|is retired/,
  "a deny list": /denied by list entry/,
  "an allow list": /the allow list has/,
  "the networks of a door": /the door of \w+ takes (?:nobody from )?[\d:]/,
  "who is let in by a door": /the door of \w+ (?:does not take|takes only \w+ ?)/,
  "the protocols of a door": /the door of \w+ takes [a-z ]+ only, and this came over (?:https|mqtts|wss)/,
  "the TLS of a door": /the door of \w+ takes TLS/,
  "the proof of a door": /takes only who proves a key/,
  "the hours of a door": /the door of \w+ is open/,
  "what a door hides": /is not readable/,
  "what a door does not let in": /door\.attribute/,
  "the size that a door takes": /door\.tooLarge/,
};

/** Asks so many times. Each kind of clause has to have decided so often at least: what never decides is not compared. */
export function compare(times: number, atLeast: number): void {
  const decided = new Map<string, number>(Object.keys(deciding).map((kind) => [kind, 0]));
  let allowed = 0;
  const one = fc.property(anything, (asked) => {
    const { ours, cedars, told } = answers(asked);
    assert.equal(ours, cedars, told);
    if (ours) allowed += 1;
    else
      for (const [kind, says] of Object.entries(deciding))
        if (says.test(told.split("; Cedar")[0] ?? "")) decided.set(kind, (decided.get(kind) ?? 0) + 1);
  });
  fc.assert(one, { numRuns: times });
  assert.ok(allowed > times / 10 && allowed < times * 0.9, `${allowed} were allowed: the others say little`);
  const seldom = [...decided].filter(([, count]) => count < atLeast).map(([kind, count]) => `${kind}: ${count}`);
  assert.deepEqual(seldom, []);
}

type World = {
  readonly space: Space;
  readonly chain: readonly Credential[];
  readonly first: Credential;
  readonly marks: readonly Mark[];
  readonly members: ReadonlyMap<Id<"person">, Member>;
  readonly circumstances: Circumstances;
  readonly levels: readonly Level[];
  readonly entries: readonly Entry[];
};

function worldOf(asked: Anything): World {
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
  const members = new Map<Id<"person">, Member>([
    [ada, { role, administrator: true }],
    [vic, { role: "viewer", administrator: false }],
  ]);
  const own: OwnRole = { id: ownRole, name: "Own", description: "", grants: held, createdAt: 0 as Instant, version: 1 };
  const known = {
    devices: new Map(
      devices.map((id, index) => [id, { ...(places[index] ?? places[0]), door: levelOf(id, ofDevices[index]) }]),
    ),
    applications: new Set(applications),
    products: new Map(products.map((id) => [id, { strict: false, types: new Map(), door: levelOf(id, ofProduct) }])),
    members,
    roles: new Map([[ownRole, own]]),
    demands: asked.demands,
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
  return { space, chain, first, marks: all, members, circumstances: { ...way, address }, levels, entries: listed };
}

/** What we say, and what Cedar says. */
function answers(asked: Anything): { readonly ours: boolean; readonly cedars: boolean; readonly told: string } {
  const world = worldOf(asked);
  const { space, first, circumstances } = world;
  const power = compile(space, first, circumstances, asked.now);
  const target = targetOf(space, asked.question.target);
  const decision = decide(power, asked.question.action, target, asked.now);
  // The same question where it is asked for every message.
  assert.equal(mayNow(power, asked.question.action, target, asked.now), decision.allowed, decision.because);
  const hidden = decision.allowed ? withheld(power, target, asked) : undefined;
  const call = cedarOf(world, asked);
  const answer = isAuthorized(call);
  // One that fails is left out by Cedar, as if it forbade nothing.
  assert.ok(answer.type === "success", JSON.stringify(answer));
  assert.deepEqual(answer.response.diagnostics.errors, []);
  const cedars = answer.response.decision === "allow";
  return {
    ours: decision.allowed && hidden === undefined,
    cedars,
    told: `${hidden ?? decision.because}; Cedar: ${answer.response.diagnostics.reason.join()}`,
  };
}

/** What the doors say of the one attribute that is sent or read, and of the size: asked of each message behind the decision. */
function withheld(
  power: Power,
  target: Target,
  { question, message: { attribute, size }, now }: Anything,
): string | undefined {
  if (target.kind !== "device") return undefined;
  if (question.action === "telemetry.read")
    return (readableOf(power, target)?.(attribute) ?? true) ? undefined : `${attribute} is not readable`;
  if (question.action !== "telemetry.write") return undefined;
  try {
    const demands = new DoorDemands(target.id);
    demands.admit(power.space, power.space.doorsOf(target.placement), new Uint8Array(size), 0);
    demands.check([{ time: now, values: [[attribute, 1]] }]);
    return undefined;
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

function targetOf(space: Space, id: string): Target {
  const place = space.device(id as Id<"device">); // only a map is asked
  if (place) return { kind: "device", id: id as Id<"device">, placement: place }; // it was in the map
  if (space.hasApplication(id as Id<"application">)) return { kind: "application", id: id as Id<"application"> }; // likewise
  return id === org ? { kind: "org" } : { kind: "product" };
}

const typeOf: Partial<Record<Kind, string>> = {
  org: "Org",
  application: "Application",
  product: "Product",
  device: "Device",
  person: "Person",
};
const uidOf = (id: string) => ({ type: typeOf[kindOfId(id) ?? "key"] ?? "Credential", id });
const named = (id: string): string => `${uidOf(id).type}::${JSON.stringify(id)}`;

/** Cedar has no "everything must hold" of several permissions, but it has this of what forbids. */
const must = (holds: string): string => `forbid(principal, action, resource) unless { ${holds} };`;
const mustNot = (is: string): string => `forbid(principal, action, resource) when { ${is} };`;
const oneOf = (clauses: readonly string[]): string => clauses.map((clause) => `(${clause})`).join(" || ") || "false";

const granted = (all: readonly Grant[]): string =>
  oneOf(all.map((grant) => `action == Action::${JSON.stringify(grant.action)} && ${placeOf(grant.where)}`));

function placeOf(place: Where): string {
  if ("all" in place) return "true";
  // A device is below its application, and the application is in itself.
  if ("application" in place) return `resource in ${named(place.application)}`;
  if ("devices" in place) return `resource in [${place.devices.map(named).join()}]`;
  if ("user" in place) throw new Error("only a user's own sign-in has such a grant, and none is asked about here");
  const [key, value] = [JSON.stringify(place.tag.key), JSON.stringify(place.tag.value)];
  return `resource is Device && resource.hasTag(${key}) && resource.getTag(${key}) == ${value}`;
}

function policiesOf(world: World): readonly string[] {
  const { space, chain, first, marks: all, members } = world;
  const policies = ["permit(principal, action, resource);", ...listsOf(world), ...world.levels.flatMap(doorsOf)];
  for (const link of chain) {
    const { id, kind, state, parent, grants: own, application, device, expiresAt, conditions: its = {} } = link;
    policies.push(must(granted(own.filter((grant) => presets[kind].actions.includes(grant.action)))));
    policies.push(...demandedOf(space.demands, link));
    if (presets[kind].isKeptFromBrowsers) policies.push(mustNot('context has origin && context.origin != "none"'));
    if (state === "revoked") policies.push(mustNot(`principal in ${named(id)}`));
    if (parent && !chain.some((one) => one.id === parent)) policies.push(mustNot("true"));
    if (application) policies.push(must(`resource in ${named(application)} || ${ofProducts}`));
    if (device) policies.push(must(space.device(device) ? `${named(device)}.state == "active"` : "false"));
    if (expiresAt !== undefined) policies.push(mustNot(`context.now >= ${expiresAt}`));
    // What is not known forbids nothing: whoever asks is told what it hangs on.
    if (its.addresses)
      policies.push(
        must(
          `!(context has address) || ${oneOf(its.addresses.map((range) => `context.address.isInRange(ip("${range}"))`))}`,
        ),
      );
    if (its.transports)
      policies.push(must(`!(context has transport) || ${JSON.stringify(its.transports)}.contains(context.transport)`));
    if (its.origins)
      policies.push(must(`!(context has origin) || ${JSON.stringify(its.origins)}.contains(context.origin)`));
    if (its.hours) policies.push(must(oneOf(its.hours.flatMap(inHours))));
  }
  for (const { about, what, seq } of all) {
    // Whatever a program made goes with the programs.
    for (const link of chain)
      if (what === "programs" && partyOf(link) === what)
        policies.push(mustNot(`${named(link.id)} in ${named(about)} && ${link.issuedSeq} < ${seq}`));
    policies.push(
      what === "made"
        ? mustNot(`principal.makers.contains(${JSON.stringify(about)}) && principal.issued < ${seq}`)
        : mustNot(`principal in ${named(about)} && principal.party == "${what}" && principal.issued < ${seq}`),
    );
  }
  const member = first.person && members.get(first.person);
  if (first.person) policies.push(must(member ? granted(space.grantsOfMember(member)) : "false"));
  policies.push(
    'forbid(principal, action == Action::"telemetry.write", resource is Device) when { resource.state != "active" };',
  );
  return policies;
}

const sends = 'action == Action::"telemetry.write" && resource is Device';
const reads = 'action == Action::"telemetry.read" && resource is Device';
const inOneOf = (addresses: readonly string[]): string =>
  oneOf(addresses.map((range) => `context.address.isInRange(ip("${range}"))`));

/** Deny wins; an allow list that has any of a kind lets in no other of that kind; what has expired is none. */
function listsOf({ entries: listed }: World): readonly string[] {
  const of = (list: Entry["list"], what: Listed, holds: (value: string) => string, alive = (holds: string) => holds) =>
    oneOf(
      listed
        .filter((one) => one.list === list && one.what === what)
        .map(
          ({ value, expiresAt }) =>
            `${expiresAt === undefined ? "true" : `context.now < ${expiresAt}`} && ${alive(holds(value))}`,
        ),
    );
  const both = (where: string, what: Listed, holds: (value: string) => string, denied = holds): readonly string[] => [
    mustNot(`${where} && (${of("deny", what, denied)})`),
    mustNot(`${where} && (${of("allow", what, () => "true")}) && !(${of("allow", what, holds)})`),
  ];
  const person = (value: string) => `principal.person == "${value}"`;
  return [
    ...both("context has address", "address", (value) => `context.address.isInRange(ip("${value}"))`),
    ...both('principal.device != ""', "device", (value) => `principal.device == "${value}"`),
    ...both('principal.person != ""', "person", person, (value) => `principal.behind.contains("${value}")`),
    ...both(sends, "device", (value) => `resource.name == "${value}"`),
    ...both(`(${sends} || ${reads})`, "topic", topicIn),
  ];
}

/** MQTT's filters (version 5, 4.7), of the one topic that a device's readings have: three levels. */
function topicIn(filter: string): string {
  const levels = filter.split("/");
  const isOpen = levels.at(-1) === "#";
  const said = isOpen ? levels.slice(0, -1) : levels;
  if (isOpen ? said.length > 3 : said.length !== 3) return "false";
  return (
    said.flatMap((level, at) => (level === "+" ? [] : [`resource.topic.l${at} == "${level}"`])).join(" && ") || "true"
  );
}

/** The door of one product or device: whom it is asked of, and what it demands of him. */
function doorsOf({
  of,
  door: { transports, tls, proof, allow, deny, writable, readable, size, hours: its },
}: Level): readonly string[] {
  const here = `resource.doors.contains("${of}")`;
  const comes = `principal.home.contains("${of}")`;
  const strange = "principal.device != resource.name";
  const [writes, views] = [`${sends} && ${here}`, `${reads} && ${here}`];
  const everybody = `(${comes} || ${writes} && ${strange} || ${views} && ${strange})`;
  const speaking = `(${comes} || ${writes} && ${strange})`;
  const others = `(${writes} && ${strange} || ${views} && ${strange})`;
  const policies: string[] = [];
  const refuse = (where: string, what: string) => policies.push(mustNot(`${where} && ${what}`));
  if (deny?.addresses) refuse(everybody, `context has address && (${inOneOf(deny.addresses)})`);
  if (allow?.addresses) refuse(everybody, `context has address && !(${inOneOf(allow.addresses)})`);
  if (deny && isAny(deny))
    refuse(
      everybody,
      `(${oneOf([...anyIn("principal.behind", deny.credentials), ...anyIn("principal.behind", deny.people), ...anyIn("principal.kinds", deny.kinds)])})`,
    );
  if (allow && isAny(allow)) refuse(others, `!(${meant(allow)})`);
  if (transports)
    refuse(speaking, `context has transport && !(${JSON.stringify(transports)}.contains(context.transport))`);
  if (tls === "TLSv1.3") refuse(everybody, 'context has tls && context.tls == "TLSv1.2"');
  if (proof === "key") refuse(speaking, 'context has proof && context.proof != "key"');
  if (its) refuse(everybody, `!(${oneOf(its.flatMap(inHours))})`);
  if (writable) refuse(writes, `!(${JSON.stringify(writable)}.contains(context.attribute))`);
  if (size !== undefined) refuse(writes, `context.size > ${size}`);
  if (readable)
    refuse(
      `${views} && ${strange}`,
      `!(${oneOf(readable.map(({ attributes: names, by }) => `${JSON.stringify(names)}.contains(context.attribute) && (${by && isAny(by) ? meant(by) : "true"})`))})`,
    );
  return policies;
}

const isAny = ({ credentials, people, kinds: some }: Visitors): boolean =>
  (credentials ?? people ?? some) !== undefined;
const anyIn = (set: string, values: readonly string[] | undefined): readonly string[] =>
  values ? [`${set}.containsAny(${JSON.stringify(values)})`] : [];
const meant = ({ credentials, people, kinds: some }: Visitors): string =>
  oneOf([
    ...anyIn("principal.chain", credentials),
    ...(people ? [`${JSON.stringify(people)}.contains(principal.person)`] : []),
    ...(some ? [`${JSON.stringify(some)}.contains(principal.kind)`] : []),
  ]);

/** Products are of no application. */
const ofProducts = `[${allActions
  .filter((action) => action.startsWith("product."))
  .map((action) => `Action::"${action}"`)
  .join()}].contains(action)`;

/** Whatever is made after this is younger; what a sign-in gave is asked for its TLS alone. */
function demandedOf(all: Demands, { kind, inPerson, publicKey, createdAt }: Credential): readonly string[] {
  const { bound, greatestAgeDays, leastTls } = all[partyOf({ kind, inPerson })] ?? {};
  return [
    ...(leastTls === "TLSv1.3" ? [mustNot('context has tls && context.tls == "TLSv1.2"')] : []),
    ...(bound && !inPerson && !publicKey ? [mustNot("true")] : []),
    ...(greatestAgeDays && !inPerson ? [mustNot(`context.now >= ${createdAt + greatestAgeDays * day}`)] : []),
  ];
}

/** Minutes of a week by the clocks of its zone; what goes past Sunday's midnight goes on on Monday. */
function inHours({ days: on, from, to, zone }: Hours): readonly string[] {
  const [begin, end] = [from, to].map((text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3))) as [
    number,
    number,
  ]; // as many as texts
  const length = end > begin ? end - begin : end + 1_440 - begin;
  return on.flatMap((day) => {
    const first = days.indexOf(day) * 1_440 + begin;
    return [first, first - 10_080].map(
      (start) =>
        `context.week[${JSON.stringify(zone)}] >= ${start} && context.week[${JSON.stringify(zone)}] < ${start + length}`,
    );
  });
}

const clocks = new Map(
  ["UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns"].map((timeZone) => [
    timeZone,
    new Intl.DateTimeFormat("en-GB", {
      timeZone,
      weekday: "short",
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
    }),
  ]),
);

function minuteOfWeek(clock: Intl.DateTimeFormat, now: number): number {
  const parts = new Map(clock.formatToParts(now).map(({ type, value }) => [type, value]));
  const day = days.findIndex((one) => one === parts.get("weekday")?.toLowerCase());
  return day * 1_440 + Number(parts.get("hour")) * 60 + Number(parts.get("minute"));
}

function cedarOf(
  world: World,
  { question: { action: wanted, target: about }, message, now }: Anything,
): AuthorizationCall {
  const { space, chain, first, circumstances } = world;
  const policies = policiesOf(world);
  return {
    principal: uidOf(first.id),
    action: { type: "Action", id: wanted },
    resource: uidOf(about),
    context: {
      now,
      ...message,
      week: Object.fromEntries([...clocks].map(([zone, clock]) => [zone, minuteOfWeek(clock, now)])),
      ...(circumstances.address !== undefined && { address: { __extn: { fn: "ip", arg: circumstances.address } } }),
      ...(circumstances.tls !== undefined && { tls: circumstances.tls }),
      ...(circumstances.origin !== undefined && { origin: circumstances.origin }),
      ...(circumstances.proof !== undefined && { proof: circumstances.proof }),
      ...(circumstances.transport !== undefined && { transport: circumstances.transport }),
    },
    policies: { staticPolicies: Object.fromEntries(policies.map((text, index) => [`${index} ${text}`, text])) },
    entities: [
      ...devices.map((id) => deviceOf(space, id)),
      principalOf(space, chain, first),
      ...chain.slice(1).map((link) => linkOf(space, link)),
    ],
  };
}

function deviceOf(space: Space, id: Id<"device">): EntityJson {
  const place = space.device(id);
  assert.ok(place);
  const tags: Record<string, CedarValueJson> = { ...place.tags };
  const attrs = {
    name: id,
    state: place.state,
    doors: homeOf(space, id),
    topic: { l0: "devices", l1: id, l2: "telemetry" },
  };
  return { uid: uidOf(id), attrs, parents: [uidOf(place.application)], tags };
}

/** Whose doors a device stands behind. */
const homeOf = (space: Space, id: Id<"device">): string[] => {
  const product = space.device(id)?.product;
  return [id, ...(product ? [product] : [])];
};

/** Below all that it hangs on, so that what ends one of these ends it. */
function linkOf(space: Space, { id, application, device, person }: Credential): EntityJson {
  const place = device && space.device(device);
  const parents = [org, application, device, place?.application, place?.product, person];
  return { uid: uidOf(id), attrs: {}, parents: parents.filter((one) => one !== undefined).map(uidOf) };
}

/** Below its whole chain. */
function principalOf(space: Space, chain: readonly Credential[], first: Credential): EntityJson {
  const { uid, parents } = linkOf(space, first);
  const above = chain.flatMap(({ id }) => (id === first.id ? [] : [uidOf(id)]));
  const people = chain.flatMap(({ person }) => (person ? [person] : []));
  const attrs = {
    issued: first.issuedSeq,
    party: partyOf(first),
    makers: [...first.makers],
    kind: first.kind,
    kinds: chain.map(({ kind }) => kind),
    chain: chain.map(({ id }) => id),
    /** The first of those behind it. */
    person: people[0] ?? "",
    behind: [...chain.flatMap(({ id, makers }) => [id, ...makers]), ...people],
    device: first.device ?? "",
    home: first.device ? homeOf(space, first.device) : [],
  };
  return { uid, attrs, parents: [...parents, ...above] };
}
