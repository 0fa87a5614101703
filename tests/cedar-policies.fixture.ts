import assert from "node:assert/strict";
import type { AuthorizationCall, CedarValueJson, EntityJson } from "@cedar-policy/cedar-wasm/nodejs";
import { kindOfId, type Id, type Kind } from "@holdfast/kernel";
import {
  allActions,
  days,
  leastTransports,
  presets,
  type Action,
  type Demands,
  type Grant,
  type Hours,
  type Listed,
  type Visitors,
  type Where,
} from "@holdfast/protocol";
import { partyOf, type Credential } from "../apps/server/src/authority/credential.ts";
import type { Level } from "../apps/server/src/authority/door.ts";
import type { Space } from "../apps/server/src/authority/space.ts";
import { day, devices, org, type Anything, type Entry, type World } from "./cedar-worlds.fixture.ts";

// An organisation with its doors and lists, a chain of credentials, a way to come and a question, any there could be; and the same written as
// policies of Cedar, whose answer does not come from us. Each clause that must hold is one `forbid`; a `permit` of everything stands before them
// all. Hours are asked as the minute of the week by the clocks of each zone, ends as numbers, networks as Cedar's own.
//
// What Cedar cannot say, and so is not asked: rates, of credentials and of doors, which hang on what was done before. And it is asked about one
// moment: that a connection ends when its hours do, and does not begin again by itself with the next ones, is no policy.

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

/** What a device says of itself it says for the children that are bound to it, in its own application. */
function ofChildren(space: Space, device: Id<"device"> | undefined, held: readonly Grant[]): string {
  const place = device && space.device(device);
  if (!place || !held.some(({ action }) => action === "telemetry.write")) return "false";
  return `${sends} && resource.gateway == "${device}" && resource in ${named(place.application)}`;
}

/**
 * What only devices say and hear, at topics of children and of groups: each is asked as sending in the name of a device, of the child or of itself. What a
 * child is told in other words its gateway hears, and not the child.
 */
function talksOf({ group }: World): readonly string[] {
  const { application, members } = group;
  const may = (way: "read" | "write"): string =>
    JSON.stringify([...members].filter(([, rights]) => rights[way]).map(([id]) => id));
  return [
    mustNot('context has talk && principal.device == "" && context.talk != "child telemetry"'),
    mustNot('context has talk && context.talk == "child theirs" && principal.device == resource.name'),
    ...(["said", "put"] as const).map((what) =>
      mustNot(`context has talk && context.talk == "group ${what}" && !${may("write")}.contains(principal.device)`),
    ),
    ...(["heard", "lease"] as const).map((what) =>
      mustNot(`context has talk && context.talk == "group ${what}" && !${may("read")}.contains(principal.device)`),
    ),
    mustNot(`context has talk && context.talk like "group *" && !(resource in ${named(application)})`),
  ];
}

/** Whatever else is said, frames are taken of a device that a door opens to them, and of nobody else. */
const unopened = mustNot("context has socket && !principal.opensSockets");

function policiesOf(world: World): readonly string[] {
  const { space, chain, first, marks: all, members, standing } = world;
  const policies = [
    "permit(principal, action, resource);",
    unopened,
    ...listsOf(world),
    ...talksOf(world),
    ...world.levels.flatMap(doorsOf),
  ];
  for (const link of chain) {
    const { id, kind, state, parent, grants: own, application, device, expiresAt, conditions: its = {} } = link;
    const held = own.filter((grant) => presets[kind].actions.includes(grant.action));
    policies.push(must(`(${granted(held)}) || (${ofChildren(space, device, held)})`));
    policies.push(...demandedOf(space.demands, link));
    if (presets[kind].isKeptFromBrowsers) policies.push(mustNot('context has origin && context.origin != "none"'));
    if (state === "revoked") policies.push(mustNot(`principal in ${named(id)}`));
    if (parent && !chain.some((one) => one.id === parent)) policies.push(mustNot("true"));
    if (application) policies.push(must(`resource in ${named(application)} || ${ofProducts}`));
    if (device) policies.push(must(space.device(device) ? `${named(device)}.state == "active"` : "false"));
    if (expiresAt !== undefined) policies.push(mustNot(`context.now >= ${expiresAt}`));
    // Where an organisation says nothing else, nobody stays signed in with one cookie for longer than twelve hours.
    if (kind === "session") policies.push(mustNot(`context.now >= ${link.createdAt + day / 2}`));
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
  // An owner who signed in looks, and calls a deletion off that is not above her.
  if (standing.isSuspended || standing.endsAt !== undefined) {
    const isOwnerHere = first.inPerson && member?.role === "owner";
    const left: Action[] = [
      "org.read",
      "member.read",
      "audit.read",
      ...(standing.isSuspended ? [] : ["org.delete" as const]),
    ];
    policies.push(must(isOwnerHere ? granted(left.map((action) => ({ action, where: { all: true } }))) : "false"));
  }
  policies.push(
    'forbid(principal, action == Action::"telemetry.write", resource is Device) when { resource.state != "active" };',
  );
  return policies;
}

const sends = 'action == Action::"telemetry.write" && resource is Device';
const reads = 'action == Action::"telemetry.read" && resource is Device';
/** Whoever asks something of a device meets its door as whoever reads does; what the door hides are readings. */
const asks = ["telemetry.read", "twin.read", "twin.update", "command.read", "command.send"];
const looks = `action in [${asks.map((one) => `Action::"${one}"`).join(", ")}] && resource is Device`;
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
    ...Object.entries(heardAt).flatMap(([topic, some]) =>
      both(doing(some), "topic", (value) => topicIn(value, topic.split("/"))),
    ),
  ];
}

/** Which actions say or hear what stands at a topic of a device; of commands any name will do. */
const heardAt: Readonly<Record<string, readonly Action[]>> = {
  telemetry: ["telemetry.write", "telemetry.read"],
  "twin/reported": ["twin.read"],
  "twin/desired": ["twin.read", "twin.update"],
  "commands/?": ["command.read", "command.send"],
  "replies/?": ["command.read"],
};
const doing = (some: readonly Action[]): string =>
  `action in [${some.map((one) => `Action::"${one}"`).join(", ")}] && resource is Device`;

/** MQTT's filters (version 5, 4.7), of a topic below `devices/{id}`. */
function topicIn(filter: string, rest: readonly string[]): string {
  const levels = filter.split("/");
  const topic = ["devices", undefined, ...rest];
  const isOpen = levels.at(-1) === "#";
  const said = isOpen ? levels.slice(0, -1) : levels;
  if (isOpen ? said.length > topic.length : said.length !== topic.length) return "false";
  const fits = said.every((level, at) => level === "+" || at === 1 || level === topic[at]);
  if (!fits) return "false";
  const whose = said[1];
  return whose === undefined || whose === "+" ? "true" : `resource.name == "${whose}"`;
}

/** The door of one product or device: whom it is asked of, and what it demands of him. */
function doorsOf({
  of,
  door: { transports, socket, tls, proof, allow, deny, writable, readable, size, hours: its },
}: Level): readonly string[] {
  const here = `resource.doors.contains("${of}")`;
  const comes = `principal.home.contains("${of}")`;
  const strange = "principal.device != resource.name";
  const [writes, views] = [`${sends} && ${here}`, `${looks} && ${here}`];
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
  const least = socket ?? (transports?.includes("socket") ? "sealed" : undefined);
  if (least) refuse(speaking, `context has socket && ${weaker(least)}`);
  if (tls) refuse(everybody, "context has socket");
  if (tls === "TLSv1.3") refuse(everybody, 'context has tls && context.tls == "TLSv1.2"');
  if (proof === "key") refuse(speaking, 'context has proof && context.proof != "key"');
  if (its) refuse(everybody, `!(${oneOf(its.flatMap(inHours))})`);
  // Of what is said in a group, and of what is heard, nothing is an attribute.
  const measured = `${writes} && !(context has talk)`;
  if (writable) refuse(measured, `!(${JSON.stringify(writable)}.contains(context.attribute))`);
  if (size !== undefined) refuse(measured, `context.size > ${size}`);
  if (readable)
    refuse(
      `${reads} && ${here} && ${strange}`,
      `!(${oneOf(readable.map(({ attributes: names, by }) => `${JSON.stringify(names)}.contains(context.attribute) && (${by && isAny(by) ? meant(by) : "true"})`))})`,
    );
  return policies;
}

/** A frame that is protected less than that. */
const weaker = (least: (typeof leastTransports)[number]): string =>
  `${JSON.stringify(leastTransports.slice(0, leastTransports.indexOf(least)))}.contains(context.socket)`;

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
  const party = partyOf({ kind, inPerson });
  const { bound, greatestAgeDays, leastTls } = all[party] ?? {};
  const least = party === "devices" ? all.devices?.leastTransport : undefined;
  return [
    ...(leastTls ? [mustNot("context has socket")] : []),
    ...(least ? [mustNot(`context has socket && ${weaker(least)}`)] : []),
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

export function cedarOf(
  world: World,
  { question: { action: wanted, target: about }, talk, message, now }: Anything,
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
      ...(talk && { talk: `${talk.of} ${talk.what}` }),
      week: Object.fromEntries([...clocks].map(([zone, clock]) => [zone, minuteOfWeek(clock, now)])),
      ...(circumstances.address !== undefined && { address: { __extn: { fn: "ip", arg: circumstances.address } } }),
      ...(circumstances.tls !== undefined && { tls: circumstances.tls }),
      ...(circumstances.origin !== undefined && { origin: circumstances.origin }),
      ...(circumstances.proof !== undefined && { proof: circumstances.proof }),
      ...(circumstances.transport !== undefined && { transport: circumstances.transport }),
      ...(circumstances.socket !== undefined && { socket: circumstances.socket }),
    },
    policies: { staticPolicies: Object.fromEntries(policies.map((text, index) => [`${index} ${text}`, text])) },
    entities: [
      ...devices.map((id) => deviceOf(space, id)),
      principalOf(world),
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
    gateway: place.gateway ?? "",
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
function principalOf({ space, chain, first, levels }: World): EntityJson {
  const { uid, parents } = linkOf(space, first);
  const above = chain.flatMap(({ id }) => (id === first.id ? [] : [uidOf(id)]));
  const people = chain.flatMap(({ person }) => (person ? [person] : []));
  const home: string[] = first.device ? homeOf(space, first.device) : [];
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
    home,
    opensSockets: levels.some(({ of, door }) => home.includes(of) && door.transports?.includes("socket")),
  };
  return { uid, attrs, parents: [...parents, ...above] };
}
