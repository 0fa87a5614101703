import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, Refusal, type Clock, type CredentialId, type Id, type Instant } from "@holdfast/kernel";
import { parseGrants, type Action, type Door, type Listed, type ListName, type UserListed } from "@holdfast/protocol";
import fc from "fast-check";
import type { OrgScope } from "../storage/index.ts";
import { Caller } from "./caller.ts";
import { cameBy, type Circumstances } from "./circumstances.ts";
import { readConditions } from "./conditions.ts";
import type { Credential } from "./credential.ts";
import { levelOf, readDoor } from "./door.ts";
import { Gathered, type Kept } from "./gathered.ts";
import { Decisions } from "./decisions.ts";
import { readValue, type ListEntry } from "./lists.ts";
import { Replay, type Verdict } from "./replay.ts";
import { readGrants } from "./role.ts";
import { counted as random, credentialOf } from "./space.fixture.ts";
import { type Placement, type Remembered, Space } from "./space.ts";
import { supposed, type Change } from "./supposed.ts";
import type { UserEntry } from "./user-lists.ts";

// What a simulation says is what then happens: everything is decided really, kept as the platform keeps it, tried on a change, and decided
// anew once that is made, with all that was not kept.

const org = newId("org", random);
const applications = [newId("application", random), newId("application", random)] as const;
const products = [newId("product", random), newId("product", random)] as const;
const devices = [1, 2, 3].map(() => newId("device", random));
const [ada, vic] = [newId("person", random), newId("person", random)];
const customer = newId("user", random);
const role = newId("role", random);
const monday = Date.parse("2026-06-01T00:00:00Z") as Instant;
const hour = 3_600_000;
const later = (monday + 8 * 24 * hour) as Instant; // milliseconds both

const pick = <T>(of: readonly T[], at: number): T => {
  assert.ok(of.length > 0, "there is something to pick");
  return of[at % of.length] as T; // within its length
};

const credential = (more: Partial<Credential>, grants: readonly string[]): Credential =>
  credentialOf({
    id: newId(more.kind === "apiToken" ? "token" : more.kind === "session" ? "session" : "key", random),
    grants: parseGrants(grants),
    issuedSeq: 10,
    createdAt: monday,
    ...more,
  });

const everything = ["device.*", "telemetry.*", "application.*", "product.read", "org.read", "audit.read", "list.*"];
const keys = devices.map((device) => credential({ kind: "device", device }, [`telemetry.write:${device}`]));
const session = credential({ kind: "session", person: ada, inPerson: true }, everything);
const operator = credential({ kind: "operator", person: vic }, everything);
const child = credential(
  {
    kind: "apiToken",
    person: vic,
    parent: operator.id,
    makers: [operator.id],
    conditions: readConditions({ addresses: ["10.0.0.0/8", "2001:db8::/32"] }),
  },
  ["telemetry.*", `device.read:${applications[0]}`],
);
const program = credential({ kind: "accessKey", application: applications[0] }, ["telemetry.*", "device.read"]);
const credentials = [...keys, session, operator, child, program];
const known = new Map(credentials.map((one) => [one.id, one]));
const find = (id: CredentialId) => known.get(id);

/** Of one place, and of parts of it. */
const places = ["10.1.2.0/24", "10.1.0.0/16", "192.0.2.0/24", "2001:db8::/48", "2001:db8:0:0::/32"].map((text) =>
  readValue("address", text),
);
const parts = ["10.1.2.0/25", "10.1.2.7", "10.1.2.128/28", "192.0.2.64/26", "2001:db8::/64", "2001:db8::7"];
const addresses = [
  "10.1.2.7",
  "10.1.2.8",
  "10.1.2.130",
  "::ffff:192.0.2.65",
  "192.0.2.1",
  "2001:db8::7",
  "203.0.113.9",
];
const hours = ["08:00", "00:00"].map((from) => ({
  days: ["mon", "tue", "wed"] as const,
  from,
  to: "18:00",
  zone: "UTC",
}));
const halves = ["08:30", "07:45"].map((from) => ({
  days: ["mon", "wed"] as const,
  from,
  to: "17:10",
  zone: "Europe/Berlin",
}));

/** `isFine`: what hangs on no more than is kept. */
const doorsOf = (isFine: boolean): readonly Door[] =>
  [
    {},
    { transports: ["mqtts"] },
    { tls: "TLSv1.3" },
    { proof: "key" },
    { deny: { people: [vic] } },
    { deny: { credentials: [operator.id] } },
    { allow: { kinds: ["session"] } },
    { allow: { kinds: ["accessKey", "apiToken"], addresses: places.slice(0, 2) } },
    { deny: { addresses: places.slice(2, 4) } },
    { hours: hours.slice(0, 1), tls: "TLSv1.2" },
    ...(isFine
      ? []
      : [
          { deny: { addresses: parts.slice(0, 3) } },
          { allow: { addresses: parts } },
          { hours: halves },
          { rate: { perMinute: 6 } },
          { size: 100, hours: halves.slice(0, 1) },
          { writable: ["temperature"] },
          { readable: [{ attributes: ["temperature"], by: { people: [ada] } }] },
        ]),
  ].map((one) => readDoor(one as Door)); // as somebody would write them

const grants = [
  "device.read",
  "device.read:tag:site=north",
  "telemetry.*",
  "application.read",
  "org.read",
  "product.read",
];
const rolesOf = (seed: readonly number[]) =>
  readGrants(seed.length === 0 ? ["org.read"] : seed.map((at) => pick(grants, at)));

const nat = fc.nat({ max: 1_000 });
const entry = fc.record({ list: fc.constantFrom("allow", "deny"), what: nat, value: nat });
type Line = { readonly list: string; readonly what: number; readonly value: number };

function entryOf({ list, what, value }: Line, isFine: boolean): ListEntry {
  const kinds: readonly (readonly [Listed, readonly string[]])[] = [
    ["address", isFine ? places : [...places, ...parts]],
    ["address", isFine ? places : parts],
    ["device", devices],
    ["person", [ada, vic]],
    ["topic", [`devices/${devices[0]}/#`, "devices/+/telemetry", `devices/${devices[1]}/telemetry`]],
  ];
  const [of, values] = pick(kinds, what);
  const rest = { comment: "", author: "", createdAt: monday, expiresAt: undefined };
  return {
    id: newId("listEntry", random),
    list: list as ListName,
    what: of,
    value: readValue(of, pick(values, value)),
    ...rest,
  };
}

/** Of the customer whose devices the first two are. */
function userEntryOf({ list, what, value }: Line, isFine: boolean): UserEntry {
  const [of, values] = pick<readonly [UserListed, readonly string[]]>(
    [
      ["address", isFine ? places : parts],
      ["credential", [operator.id, "accessKey", "session"]],
    ],
    what,
  );
  return {
    id: newId("listEntry", random),
    user: customer,
    device: pick([undefined, ...devices], value),
    list: list as ListName, // it is one of the two
    what: of,
    value: pick(values, value),
    comment: "",
    createdAt: monday,
    expiresAt: undefined,
  };
}

const asked: readonly (Action | "reach")[] = [
  "telemetry.write",
  "telemetry.read",
  "device.read",
  "device.update",
  "application.read",
  "org.read",
  "product.read",
  "reach",
];

const event = fc.record({
  who: nat,
  address: nat,
  way: nat,
  proof: nat,
  at: fc.nat({ max: 7 * 24 * hour - 1 }),
  action: nat,
  on: nat,
});
type Event = { readonly [K in "who" | "address" | "way" | "proof" | "at" | "action" | "on"]: number };

const world = fc.record({
  doors: fc.array(nat, { minLength: 5, maxLength: 5 }),
  entries: fc.array(entry, { maxLength: 3 }),
  hers: fc.array(entry, { maxLength: 2 }),
  role: fc.array(nat, { maxLength: 4 }),
  change: fc.record({ kind: nat, of: nat, door: nat, entry, role: fc.array(nat, { maxLength: 4 }) }),
  events: fc.array(event, { minLength: 20, maxLength: 60 }),
});
type World = typeof world extends fc.Arbitrary<infer T> ? T : never;

function spaceOf({ doors, entries, hers, role: held }: World, isFine: boolean, decisions: Decisions): Space {
  const all = doorsOf(isFine);
  const door = (at: number, of: Id<"product"> | Id<"device">) => levelOf(of, at % 2 === 0 ? {} : pick(all, at));
  const placed = devices.map((id, at): [Id<"device">, Placement] => [
    id,
    {
      application: pick(applications, at),
      product: at < 2 ? products[0] : undefined,
      state: "active",
      tags: at === 0 ? { site: "north" } : {},
      alias: undefined,
      user: at < 2 ? customer : undefined,
      door: door(doors[at] ?? 0, id),
      version: 1,
    },
  ]);
  const remembered: Remembered = {
    devices: new Map(placed),
    applications: new Set(applications),
    products: new Map(
      products.map((id, at) => [id, { strict: false, types: new Map(), door: door(doors[3 + at] ?? 0, id) }]),
    ),
    members: new Map([
      [ada, { role }],
      [vic, { role: "developer" }],
    ]),
    roles: new Map([
      [role, { id: role, name: "own", description: "", grants: rolesOf(held), createdAt: monday, version: 1 }],
    ]),
    revokedBefore: new Map(),
    demands: {},
    entries: entries.map((one) => entryOf(one, isFine)),
    userEntries: hers.map((one) => userEntryOf(one, isFine)),
  };
  const space = new Space({ org } as OrgScope, remembered, () => undefined, decisions); // nothing here seals
  for (const one of credentials) space.credentials.set(one.id, one);
  return space;
}

function changeOf(
  { change: { kind, of, door, entry: line, role: held } }: World,
  space: Space,
  isFine: boolean,
): Change {
  const there = [...space.lists.entries.keys()];
  switch (kind % 4) {
    case 0:
      return { kind: "door", of: pick([...devices, ...products], of), door: pick(doorsOf(isFine), door) };
    case 1:
      return there.length > 0
        ? { kind: "entryRemoved", entry: pick(there, of) }
        : { kind: "role", role, grants: rolesOf(held) };
    case 2:
      return { kind: "entryAdded", entry: entryOf(line, isFine) };
    default:
      return { kind: "role", role: "OWN ", grants: rolesOf(held) };
  }
}

/** As whoever saves it does it. */
function make(space: Space, change: Change): void {
  switch (change.kind) {
    case "door": {
      const door = levelOf(change.of, change.door);
      const placement = space.device(change.of as Id<"device">); // only a map is asked
      const schema = space.product(change.of as Id<"product">); // as before
      if (placement) space.place(change.of as Id<"device">, { ...placement, door, version: placement.version + 1 });
      if (schema) space.setProduct(change.of as Id<"product">, { ...schema, door });
      return;
    }
    case "entryAdded":
      return space.putEntry(change.entry);
    case "entryRemoved":
      return space.removeEntry(change.entry);
    case "role": {
      const before = space.roles.get(role);
      assert.ok(before);
      return space.setRoles(new Map([[role, { ...before, grants: change.grants }]]));
    }
  }
}

const circumstancesOf = ({ address, way, proof }: Event): Circumstances => ({
  ...cameBy(
    pick(["mqtts", "https", "wss"], way),
    pick(addresses, address),
    pick(["TLSv1.2", "TLSv1.3"], way >> 2),
    undefined,
  ),
  proof: pick(["secret", "key", "session"], proof),
});

/** Somebody comes and asks, and is answered: whether he is let in, and whether he may. */
function decide(space: Space, one: Event, isKept: boolean): { connect: boolean; asked: boolean | undefined } {
  const clock: Clock = { now: () => (monday + one.at) as Instant, elapsed: () => 0 };
  const caller = new Caller({
    credential: pick(credentials, one.who),
    space,
    circumstances: circumstancesOf(one),
    clock,
    onRefusal: () => undefined,
  });
  const isIn = caller.ended() === undefined;
  if (isKept && isIn) caller.noteArrival();
  if (isKept && !isIn) caller.noteRefused("connect");
  if (!isIn && isKept) return { connect: false, asked: undefined };
  const [action, on] = questionOf(one);
  try {
    if (on === undefined) caller.reach(action);
    else caller.permit(action, on as never); // of the action's kind
    return { connect: isIn, asked: true };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { connect: isIn, asked: false };
  }
}

function questionOf({ action, on }: Event): readonly [Action, string | undefined] {
  const one = pick(asked, action);
  switch (one) {
    case "reach":
      return [pick(["device.read", "telemetry.read"] as const, on), undefined];
    case "org.read":
      return [one, org];
    case "application.read":
      return [one, pick(applications, on)];
    case "product.read":
      return [one, pick(products, on)];
    default:
      return [one, pick(devices, on)];
  }
}

const verdictsOf = (replay: Replay, kept: Kept) => [...replay.verdictsOf(kept)].filter((one) => one !== undefined);

/** How often a change did what, over all runs. */
const seen = { none: 0, refused: 0, allowed: 0, unknown: 0 };

function holds(given: World, isFine: boolean): void {
  const decisions = new Decisions();
  const space = spaceOf(given, isFine, decisions);
  const events = given.events.map((one) => ({ one, was: decide(space, one, true) }));
  const gathered = new Gathered(monday);
  for (const row of decisions.pages(1_000).flat())
    gathered.add(row.question ? { ...row, question: row.question } : { ...row, question: undefined });
  assert.equal(gathered.notCovered, 0);

  const change = changeOf(given, space, isFine);
  const before = space.supposing({}, later);
  const after = supposed(before, change, later, (_, code) => new Refusal(code));
  const replay = new Replay({ before, after }, find);
  const verdicts = new Map<string, Verdict>();
  for (const kept of gathered.questions()) {
    for (const [at, verdict] of verdictsOf(replay, kept)) {
      const { credential: id, action, about, came } = kept.question;
      verdicts.set([id, action, about, came.place, came.transport, came.tls, came.proof, at].join(" "), verdict);
      seen[verdict.change] += 1;
      if (isFine) assert.notEqual(verdict.change, "unknown", `${action}: ${verdict.because()}`);
    }
  }

  make(space, change);
  for (const { one, was } of events) {
    const will = decide(space, one, false);
    const at = monday + one.at - (one.at % hour);
    const [action, on] = questionOf(one);
    const { address, transport, tls, proof } = circumstancesOf(one);
    const place = address?.includes(":") ? "2001:db8::/48" : address?.replace(/\d+$/, "0/24");
    const verdictOn = (...what: readonly (string | undefined)[]) => {
      const name = [pick(credentials, one.who).id, ...what, place, transport, tls, proof, at].join(" ");
      const verdict = verdicts.get(name);
      assert.ok(verdict, `it was kept: ${name}`);
      return verdict;
    };
    agree(verdictOn("connect", undefined), was.connect, will.connect);
    if (was.asked !== undefined)
      agree(verdictOn(action, on === org ? undefined : on), was.asked, will.connect && will.asked === true);
  }
}

function agree(verdict: Verdict, was: boolean, will: boolean): void {
  const told = `${verdict.change}, ${verdict.will}: ${verdict.because()}`;
  if (verdict.will !== undefined) assert.equal(will, verdict.will, told);
  if (verdict.change === "none") assert.equal(will, was, told);
  if (verdict.change === "refused") assert.deepEqual([was, will], [true, false], told);
  if (verdict.change === "allowed") assert.deepEqual([was, will], [false, true], told);
}

/** A hundred and fifty, and as many again where chance showed too little of these in them. */
function tryWorlds(isPlain: boolean, wanted: readonly (keyof typeof seen)[]): void {
  for (const what of ["none", "refused", "allowed", "unknown"] as const) seen[what] = 0;
  for (let more = 0; more === 0 || (wanted.some((what) => seen[what] < 40) && more < 5); more += 1)
    fc.assert(
      fc.property(world, (given) => holds(given, isPlain)),
      { numRuns: 150 },
    );
}

test("what a simulation says is what happens once the change is made, whatever the doors, lists and roles are", () => {
  tryWorlds(false, ["none", "refused", "allowed", "unknown"]);
  // One that never knew, or never saw anything change, would prove nothing.
  for (const [what, times] of Object.entries(seen)) assert.ok(times >= 40, `${what}: ${times}`);
});

test("where rules hang on no more than is kept of a decision, a simulation leaves nothing open", () => {
  tryWorlds(true, ["none", "refused", "allowed"]);
  for (const [what, times] of Object.entries(seen))
    assert.ok(what === "unknown" ? times === 0 : times >= 40, `${what}: ${times}`);
});

test("a rate, a size or attributes leave open what is let through, where the change touches them or nobody has met them yet", () => {
  const one: Event = { who: 0, address: 0, way: 0, proof: 0, at: 12 * hour, action: 0, on: 0 };
  const fresh = (door: Door) => {
    const given = {
      doors: [0, 0, 0, 0, 0],
      entries: [],
      hers: [],
      role: [],
      events: [],
      change: { kind: 0, of: 0, door: 0, role: [], entry: { list: "deny" as const, what: 0, value: 0 } },
    };
    const decisions = new Decisions();
    const space = spaceOf(given, true, decisions);
    make(space, { kind: "door", of: products[0], door });
    decide(space, one, true);
    return { space, rows: decisions.pages(10).flat() };
  };
  const verdictOn = ({ space, rows }: ReturnType<typeof fresh>, change: Change) => {
    const after = supposed(space.supposing({}, later), change, later, (_, code) => new Refusal(code));
    const gathered = new Gathered(monday);
    for (const row of rows) if (row.question) gathered.add({ ...row, question: row.question });
    const kept = [...gathered.questions()].find(({ question }) => question.action === "telemetry.write");
    assert.ok(kept, "it asked to write");
    const [first] = verdictsOf(new Replay({ before: space.supposing({}, later), after }, find), kept);
    return [first?.[1].change, first?.[1].why];
  };
  const door = (asked: Door): Change => ({ kind: "door", of: products[0], door: readDoor(asked) });
  const rate = { perMinute: 60, burst: 60 };
  assert.deepEqual(verdictOn(fresh({}), door({ rate })), ["unknown", "rate"]);
  assert.deepEqual(verdictOn(fresh({ rate }), door({ rate, transports: ["mqtts"] })), ["none", undefined]);
  assert.deepEqual(verdictOn(fresh({ rate }), door({ rate, transports: ["wss"] })), ["refused", undefined]);
  assert.deepEqual(verdictOn(fresh({}), door({ size: 10 })), ["unknown", "rate"]);
  assert.deepEqual(verdictOn(fresh({}), door({ writable: ["temperature"] })), ["unknown", "attributes"]);
  // Of what others read nothing hangs on what the device sends.
  assert.deepEqual(verdictOn(fresh({}), door({ readable: [{ attributes: ["temperature"] }] })), ["none", undefined]);
});

test("a question that hangs on many hours and addresses is put in steps, and what is more than is tried at once is unknown", () => {
  const space = spaceOf(
    {
      doors: [0, 0, 0, 0, 0],
      entries: [],
      hers: [],
      role: [],
      events: [],
      change: { kind: 0, of: 0, door: 0, role: [], entry: { list: "deny", what: 0, value: 0 } },
    },
    false,
    new Decisions(),
  );
  const change: Change = {
    kind: "door",
    of: products[0],
    door: pick(
      doorsOf(false),
      doorsOf(false).findIndex(({ hours: has, size }) => has && !size),
    ),
  };
  for (const value of parts.slice(0, 3)) {
    const rest = { comment: "", author: "", createdAt: monday, expiresAt: undefined };
    space.putEntry({ id: newId("listEntry", random), list: "deny", what: "address", value, ...rest });
  }
  const before = space.supposing({}, later);
  const after = supposed(before, change, later, (_, code) => new Refusal(code));
  const [key] = keys;
  assert.ok(key);
  const days = 30;
  const kept: Kept = {
    question: {
      credential: key.id,
      action: "telemetry.write",
      about: key.device,
      device: key.device,
      came: {
        transport: "mqtts",
        tls: "TLSv1.3",
        proof: "key",
        origin: undefined,
        place: "10.1.2.0/24",
      },
    },
    hours: new Map(
      Array.from({ length: days * 24 }, (_, at) => [(monday + at * hour) as Instant, { yes: 1, no: 0 }] as const),
    ),
  };
  const steps = [...new Replay({ before, after }, find).verdictsOf(kept)];
  const told = steps.filter((one) => one !== undefined);
  assert.equal(told.length, days * 24);
  // At each edge of the hours, and in each part of the network, others are served.
  assert.ok(steps.length - told.length > 100, `${steps.length - told.length} steps`);
  const few = verdictsOf(new Replay({ before, after }, find, 50), kept).map(([, { why }]) => why);
  assert.equal(few.at(0), told[0]?.[1].why);
  assert.equal(few.at(-1), "effort");
  assert.ok(told.every(([, { why }]) => why !== "effort"));
});
