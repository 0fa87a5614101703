import assert from "node:assert/strict";
import { test } from "node:test";
import { Refusal, type CredentialId, type Id, type Instant } from "@holdfast/kernel";
import { tlsVersions, transports, visitorKinds, type Door, type Visitors } from "@holdfast/protocol";
import fc from "fast-check";
import { unsaid } from "./circumstances.ts";
import { answerOf, closingOf, isOpenTo, levelOf, readableBy, readDoor, type Level } from "./door.ts";
import type { OrgScope } from "../storage/index.ts";
import { Space } from "./space.ts";
import type { Visitor } from "./visitor.ts";
import { widens } from "./widening.ts";

const [product, device] = [`prd_${"1".repeat(32)}` as Id<"product">, `dev_${"2".repeat(32)}` as Id<"device">];
const people = ["3", "4"].map((digit) => `per_${digit.repeat(32)}` as Id<"person">);
const tokens = ["5", "6"].map((digit) => `tok_${digit.repeat(32)}` as CredentialId);
const noon = Date.parse("2026-01-05T12:00:00Z") as Instant; // a Monday

const level = (of: Level["of"], door: Door): Level[] => {
  const made = levelOf(of, readDoor(door));
  return made ? [made] : [];
};

const visitor = (more: Partial<Visitor> = {}): Visitor => ({
  id: `tok_${"7".repeat(32)}` as CredentialId,
  kind: "apiToken",
  person: undefined,
  device: undefined,
  behind: new Set(),
  chain: [],
  kinds: ["apiToken"],
  circumstances: { address: "10.0.0.1", transport: "mqtts", tls: "TLSv1.3", origin: undefined, proof: "secret" },
  ...more,
});

test("a door says in words what it demands, and what came instead", () => {
  const levels = level(device, { transports: ["mqtts"], allow: { addresses: ["10.0.0.0/8"] } });
  const came = {
    address: "::ffff:192.0.2.7",
    transport: "https",
    tls: "TLSv1.3",
    origin: undefined,
    proof: "secret",
  } as const;
  assert.equal(answerOf(levels, visitor(), "own", noon).against, undefined);
  assert.equal(
    answerOf(levels, visitor({ circumstances: came }), "own", noon).against,
    `the door of ${device} takes 10.0.0.0/8 only, and this came from ::ffff:192.0.2.7`,
  );
  assert.deepEqual(answerOf(levels, visitor({ circumstances: unsaid }), "own", noon).open, [
    `the door of ${device} takes 10.0.0.0/8 only`,
    `the door of ${device} takes mqtts only`,
  ]);
  assert.deepEqual(answerOf(levels, visitor({ circumstances: undefined }), "own", noon), {
    against: undefined,
    open: [],
  });
});

test("how one has to come is asked of the device and of whoever sends in its name, who one is of everybody but the device", () => {
  const how = level(device, { transports: ["wss"], proof: "key" });
  const who = level(device, { allow: { kinds: ["operator"] } });
  const ways = (levels: readonly Level[]) =>
    (["own", "write", "read"] as const).map((way) => isOpenTo(levels, visitor(), way, noon));
  assert.deepEqual(ways(how), [false, false, true]);
  assert.deepEqual(ways(who), [true, false, false]);
  assert.deepEqual(ways(level(device, { tls: "TLSv1.3" })), [true, true, true]);
  assert.deepEqual(ways(level(device, { deny: { addresses: ["10.0.0.1"] } })), [false, false, false]);
});

test("who is denied is denied with what he made; who is allowed brings what hangs on him", () => {
  const [denied = tokens[0], other] = tokens;
  assert.ok(denied && other);
  const deny = level(device, { deny: { credentials: [denied] }, allow: { credentials: [denied, other] } });
  assert.ok(isOpenTo(deny, visitor({ chain: [other], behind: new Set([other]) }), "read", noon));
  assert.ok(!isOpenTo(deny, visitor({ chain: [other], behind: new Set([other, denied]) }), "read", noon));
  assert.ok(!isOpenTo(deny, visitor(), "read", noon));
});

test("hours hold to the minute and say when they end", () => {
  const [at] = level(device, { hours: [{ days: ["mon"], from: "08:00", to: "12:30", zone: "UTC" }] });
  assert.ok(at);
  assert.equal(closingOf(at, noon)?.at, noon + 30 * 60_000);
  assert.ok(isOpenTo([at], visitor(), "read", (noon + 30 * 60_000 - 1) as Instant));
  assert.ok(!isOpenTo([at], visitor(), "read", (noon + 30 * 60_000) as Instant));
  assert.equal(closingOf(at, (noon + 30 * 60_000) as Instant), undefined);
  // What is kept for whoever comes back is not asked when nobody is there.
  assert.ok(isOpenTo([at], visitor({ circumstances: undefined }), "own", (noon + 30 * 60_000) as Instant));
});

test("an attribute is shown when every level shows it, to whom each does", () => {
  const [person] = people;
  assert.ok(person);
  const levels = [
    ...level(product, { readable: [{ attributes: ["a", "b"] }, { attributes: ["c"], by: { people: [person] } }] }),
    ...level(device, { readable: [{ attributes: ["b", "c", "d"] }] }),
  ];
  const seen = (who: Visitor) => ["a", "b", "c", "d"].filter((name) => readableBy(levels, who)?.(name));
  assert.deepEqual([seen(visitor()), seen(visitor({ person }))], [["b"], ["b", "c"]]);
  assert.equal(readableBy(level(device, { size: 1 }), visitor()), undefined);
});

test("a door that changes, of a device or of its product, is heard by whoever has come, and what changes nothing is not", () => {
  const placement = { application: `app_${"0".repeat(32)}` as Id<"application">, product, state: "active" } as const;
  const place = (version: number, door: Door) =>
    ({ ...placement, tags: {}, alias: undefined, version, door: level(device, door)[0] }) as const;
  const schema = (door: Door) => ({ strict: false, types: new Map(), door: level(product, door)[0] });
  const space = new Space(
    { org: `org_${"0".repeat(32)}` } as OrgScope, // nothing here seals
    {
      devices: new Map([[device, place(1, { size: 1 })]]),
      applications: new Set(),
      products: new Map([[product, schema({ size: 2 })]]),
      members: new Map(),
      roles: new Map(),
      revokedBefore: new Map(),
      demands: {},
    },
    () => undefined,
  );
  const epochAfter = (change: () => void) => {
    change();
    return space.cell.epoch;
  };
  assert.equal(
    epochAfter(() => space.place(device, place(2, { size: 1 }))),
    1,
  );
  assert.equal(
    epochAfter(() => space.place(device, place(3, { size: 3 }))),
    2,
  );
  assert.equal(
    epochAfter(() => space.setProduct(product, schema({ size: 2 }))),
    2,
  );
  assert.equal(
    epochAfter(() => space.setProduct(product, schema({}))),
    3,
  );
});

test("a door that demands nothing is none, and what it names is read once", () => {
  assert.equal(levelOf(device, readDoor({})), undefined);
  assert.deepEqual(readDoor({ allow: {}, deny: { people: undefined } }), {});
  assert.deepEqual(readDoor({ allow: { addresses: ["::ffff:10.0.0.0/104"] }, transports: ["wss", "https"] }), {
    allow: { addresses: ["10.0.0.0/8"] },
    transports: ["https", "wss"],
  });
  for (const [door, path] of [
    [{ deny: { addresses: ["10.0.0.1/8"] } }, "deny.addresses.0"],
    [{ hours: [{ days: ["mon"], from: "08:00", to: "08:00", zone: "UTC" }] }, "hours.0"],
  ] as [Door, string][])
    assert.throws(
      () => readDoor(door),
      (error) => error instanceof Refusal && error.code === "request.malformed" && error.faults[0]?.path === path,
    );
});

// Doors, and everybody who could come to one.
const anyOf = <T>(values: readonly T[]) => fc.subarray([...values], { minLength: 1 });
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const cidr = fc.constantFrom("10.0.0.0/8", "10.0.0.0/16", "10.0.0.1", "192.0.2.0/24", "2001:db8::/32", "2001:db8::1");
const addresses = fc.uniqueArray(cidr, { minLength: 1, maxLength: 3 });
const visitors: fc.Arbitrary<Visitors> = fc.record(
  { credentials: anyOf(tokens), people: anyOf(people), kinds: anyOf(visitorKinds) },
  { requiredKeys: [] },
);
const side = fc.tuple(visitors, maybe(addresses)).map(([who, from]) => ({ ...who, ...(from && { addresses: from }) }));
const span = fc
  .tuple(fc.integer({ min: 0, max: 22 }), fc.integer({ min: 1, max: 24 }))
  .filter(([from, to]) => from < to && !(from === 0 && to === 24))
  .map(([from, to]) => ({
    days: ["mon" as const],
    from: `${String(from).padStart(2, "0")}:00`,
    to: `${String(to).padStart(2, "0")}:00`,
    zone: "UTC",
  }));
const names = fc.subarray(["a", "b", "c"], { minLength: 1 });
const door: fc.Arbitrary<Door> = fc
  .record(
    {
      transports: anyOf(transports),
      tls: fc.constantFrom(...tlsVersions),
      proof: fc.constantFrom("secret" as const, "key" as const),
      allow: side,
      deny: side,
      writable: names,
      readable: fc.array(
        fc.tuple(names, maybe(visitors)).map(([attributes, by]) => ({ attributes, ...(by && { by }) })),
        { maxLength: 2 },
      ),
      hours: fc.array(span, { minLength: 1, maxLength: 2 }),
      size: fc.integer({ min: 1, max: 3 }),
    },
    { requiredKeys: [] },
  )
  .map(readDoor);
/** One with a field or two: of more, one is nearly always wider. */
const some = fc.tuple(door, fc.nat(), fc.nat()).map(([whole, ...picks]): Door => {
  const fields = Object.entries(whole);
  return Object.fromEntries(picks.flatMap((pick) => fields.slice(pick % (fields.length + 1)).slice(0, 1)));
});
const known: Record<string, { kind: "apiToken"; person: Id<"person"> | undefined; parent: undefined }> = {
  [tokens[0] ?? ""]: { kind: "apiToken", person: people[0], parent: undefined },
  [tokens[1] ?? ""]: { kind: "apiToken", person: undefined, parent: undefined },
};
const anybody: fc.Arbitrary<Visitor> = fc
  .record({
    who: fc.constantFrom(0, 1, 2, 3),
    address: fc.constantFrom("10.0.0.1", "::ffff:10.0.9.9", "192.0.2.7", "2001:db8::1", "2001:db8::2", "2001:db9::1"),
    transport: fc.constantFrom(...transports),
    origin: fc.constant(undefined),
    tls: fc.constantFrom(...tlsVersions),
    proof: fc.constantFrom("secret" as const, "key" as const, "session" as const),
  })
  .map(({ who, ...circumstances }) => {
    const token = tokens[who];
    const person = token === undefined ? (who === 2 ? people[1] : undefined) : known[token]?.person;
    const kind =
      token === undefined ? (who === 2 ? ("session" as const) : ("operator" as const)) : ("apiToken" as const);
    const own = token ?? (`key_${"9".repeat(32)}` as CredentialId);
    const behind = new Set<string>([own, ...(person ? [person] : [])]);
    return { id: own, kind, person, device: undefined, behind, chain: [own], kinds: [kind], circumstances };
  });
const moment = fc.integer({ min: 0, max: 23 }).map((hour) => (noon - 12 * 3_600_000 + hour * 3_600_000) as Instant);
const way = fc.constantFrom("own" as const, "write" as const, "read" as const);

test("both doors on the way to a device have to let in: together they never let in more than either", () => {
  fc.assert(
    fc.property(door, door, anybody, way, moment, (outer, inner, who, by, at) => {
      const [first, second] = [level(product, outer), level(device, inner)];
      const both = [...first, ...second];
      const isOpen = isOpenTo(both, who, by, at);
      assert.equal(isOpen, isOpenTo(first, who, by, at) && isOpenTo(second, who, by, at));
      assert.equal(isOpen, answerOf(both, who, by, at).against === undefined);
      for (const name of ["a", "b", "c"]) {
        const shows = (levels: readonly Level[]) => readableBy(levels, who)?.(name) ?? true;
        assert.equal(shows(both), shows(first) && shows(second));
      }
    }),
    { numRuns: 2_000 },
  );
});

test("what a device's door says, and is not refused as widening, lets in nobody and nothing that the product's does not", () => {
  let narrower = 0;
  fc.assert(
    fc.property(door, some, anybody, way, moment, (outer, inner, who, by, at) => {
      const faults = widens(outer, inner, (id) => known[id]);
      if (faults.length > 0) return;
      // Field by field: what the inner one leaves out it does not speak about.
      for (const field of ["transports", "tls", "proof", "hours"] as const) {
        if (inner[field] === undefined || outer[field] === undefined) continue;
        narrower += 1;
        const [wide, narrow] = [level(product, { [field]: outer[field] }), level(device, { [field]: inner[field] })];
        if (isOpenTo(narrow, who, by, at)) assert.ok(isOpenTo(wide, who, by, at), field);
      }
      const parts = [
        (of: Door): Door => (of.allow?.addresses ? { allow: { addresses: of.allow.addresses } } : {}),
        ({ allow }: Door): Door => readDoor({ allow: { ...allow, addresses: undefined } }),
      ];
      for (const part of parts) {
        if (Object.keys(part(inner)).length === 0) continue;
        if (isOpenTo(level(device, part(inner)), who, by, at))
          assert.ok(isOpenTo(level(product, part(outer)), who, by, at));
      }
      if (inner.size !== undefined && outer.size !== undefined) assert.ok(inner.size <= outer.size);
      if (inner.writable && outer.writable) assert.ok(inner.writable.every((name) => outer.writable?.includes(name)));
      if (inner.readable && outer.readable) {
        const [wide, narrow] = [
          level(product, { readable: outer.readable }),
          level(device, { readable: inner.readable }),
        ];
        for (const name of ["a", "b", "c"])
          if (readableBy(narrow, who)?.(name)) assert.ok(readableBy(wide, who)?.(name), `shows ${name}`);
      }
    }),
    { numRuns: 5_000 },
  );
  assert.ok(narrower > 200, "most of it was about nothing");
});
