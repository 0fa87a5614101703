import assert from "node:assert/strict";
import {
  isAuthorized,
  type AuthorizationCall,
  type CedarValueJson,
  type EntityJson,
} from "@cedar-policy/cedar-wasm/nodejs";
import { kindOfId, newId, type Id, type Instant, type Kind, type Random } from "@holdfast/kernel";
import {
  actions,
  allActions,
  days,
  type Action,
  presets,
  type Conditions,
  type CredentialKind,
  type Demands,
  type Grant,
  type Hours,
  type Where,
} from "@holdfast/protocol";
import fc from "fast-check";
import type { OrgScope } from "../storage/index.ts";
import { cameBy, type Circumstances } from "./circumstances.ts";
import { readConditions } from "./conditions.ts";
import { endings, partyOf, type Credential, type Ending } from "./credential.ts";
import type { Target } from "./link.ts";
import { compile, decide } from "./power.ts";
import type { OwnRole } from "./role.ts";
import type { Member } from "./roles.ts";
import { Space, type Placement } from "./space.ts";

// An organisation, a chain of credentials and a question, any there could be; and the same written as policies of Cedar, whose answer does
// not come from us. Each clause that must hold is one `forbid`; a `permit` of everything stands before them all.
//
// What Cedar cannot say, and so is not asked: rates (`conditions.rate`), which hang on what was done before. And it is asked about one
// moment: that a connection ends when its hours do, and does not begin again by itself with the next ones, is no policy.

let made = 0;
const random: Random = {
  bytes(count) {
    const filled = new Uint8Array(count);
    new DataView(filled.buffer).setUint32(0, (made += 1));
    return filled;
  },
};
const org = newId("org", random);
const applications = [newId("application", random), newId("application", random)] as const;
const products = [newId("product", random)] as const;
const devices = [newId("device", random), newId("device", random), newId("device", random)] as const;
const [ada, vic, stranger] = [newId("person", random), newId("person", random), newId("person", random)];
const ownRole = newId("role", random);
const ids = [newId("key", random), newId("token", random), newId("session", random), newId("token", random)] as const;
/** More often than each of the others. */
const none = [undefined, undefined, undefined, undefined];
/** Not known any more. */
const gone = newId("device", random);
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
        addresses: fc.subarray(
          ["10.0.0.0/8", "10.1.2.3", "192.0.2.0/24", "::ffff:10.1.0.0/112", "2001:db8::/32", "10.200.0.0/15"],
          {
            minLength: 1,
          },
        ),
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
    application: mostly<Id<"application"> | undefined>(undefined, ...applications),
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

/** One policy and one question. */
export const anything = fc.record({
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
  }),
  now: at,
  question,
});
export type Anything = typeof anything extends fc.Arbitrary<infer T> ? T : never;

type World = {
  readonly space: Space;
  readonly chain: readonly Credential[];
  readonly first: Credential;
  readonly marks: readonly Mark[];
  readonly members: ReadonlyMap<Id<"person">, Member>;
  readonly circumstances: Circumstances;
};

function worldOf(asked: Anything): World {
  const {
    chain: links,
    isWhole,
    places,
    roles: [role, held],
    marks: all,
    way,
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
    devices: new Map(devices.map((id, index) => [id, places[index] ?? places[0]])),
    applications: new Set(applications),
    products: new Map(products.map((id) => [id, { strict: false, types: new Map() }])),
    members,
    roles: new Map([[ownRole, own]]),
    demands: asked.demands,
    revokedBefore: new Map<string, Partial<Record<Ending, number>>>(),
  };
  const space = new Space({ org } as OrgScope, known, () => undefined); // nothing here seals
  for (const { about, what, seq } of all) space.revoke(about, [what], seq);
  for (const one of chain) space.credentials.set(one.id, one);
  const { address } = cameBy("https", way.address ?? "", undefined, undefined);
  return { space, chain, first, marks: all, members, circumstances: { ...way, address, proof: undefined } };
}

/** What we say, and what Cedar says. */
export function answers(asked: Anything): { readonly ours: boolean; readonly cedars: boolean; readonly told: string } {
  const world = worldOf(asked);
  const { space, first, circumstances } = world;
  const power = compile(space, first, circumstances, asked.now);
  const decision = decide(power, asked.question.action, targetOf(space, asked.question.target), asked.now);
  const call = cedarOf(world, asked);
  const answer = isAuthorized(call);
  // One that fails is left out by Cedar, as if it forbade nothing.
  assert.ok(answer.type === "success", JSON.stringify(answer));
  assert.deepEqual(answer.response.diagnostics.errors, []);
  const cedars = answer.response.decision === "allow";
  return {
    ours: decision.allowed,
    cedars,
    told: `${decision.because}; Cedar: ${answer.response.diagnostics.reason.join()}`,
  };
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

function policiesOf({ space, chain, first, marks: all, members }: World): readonly string[] {
  const policies = ["permit(principal, action, resource);"];
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

function cedarOf(world: World, { question: { action: wanted, target: about }, now }: Anything): AuthorizationCall {
  const { space, chain, first, circumstances } = world;
  const policies = policiesOf(world);
  return {
    principal: uidOf(first.id),
    action: { type: "Action", id: wanted },
    resource: uidOf(about),
    context: {
      now,
      week: Object.fromEntries([...clocks].map(([zone, clock]) => [zone, minuteOfWeek(clock, now)])),
      ...(circumstances.address !== undefined && { address: { __extn: { fn: "ip", arg: circumstances.address } } }),
      ...(circumstances.tls !== undefined && { tls: circumstances.tls }),
      ...(circumstances.origin !== undefined && { origin: circumstances.origin }),
      ...(circumstances.transport !== undefined && { transport: circumstances.transport }),
    },
    policies: { staticPolicies: Object.fromEntries(policies.map((text, index) => [`${index} ${text}`, text])) },
    entities: [...devices.map((id) => deviceOf(space, id)), principalOf(space, chain, first)],
  };
}

function deviceOf(space: Space, id: Id<"device">): EntityJson {
  const place = space.device(id);
  assert.ok(place);
  const tags: Record<string, CedarValueJson> = { ...place.tags };
  return { uid: uidOf(id), attrs: { state: place.state }, parents: [uidOf(place.application)], tags };
}

/** Below all that its chain hangs on, so that what ends one of these ends it. */
function principalOf(space: Space, chain: readonly Credential[], first: Credential): EntityJson {
  const parents = chain.flatMap(({ id, application, device, person }) => {
    const place = device && space.device(device);
    return [org, id === first.id ? undefined : id, application, device, place?.application, place?.product, person];
  });
  const attrs = { issued: first.issuedSeq, party: partyOf(first), makers: [...first.makers] };
  return { uid: uidOf(first.id), attrs, parents: parents.filter((id) => id !== undefined).map(uidOf) };
}
