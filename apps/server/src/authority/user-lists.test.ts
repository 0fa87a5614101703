import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, Refusal, type Id, type Instant } from "@holdfast/kernel";
import { programKinds, type Action, type ListName, type UserListed } from "@holdfast/protocol";
import fc from "fast-check";
import { unsaid } from "./circumstances.ts";
import type { Credential } from "./credential.ts";
import { levelOf } from "./door.ts";
import { compile, decide, mayNow, type Decision } from "./power.ts";
import { counted, credentialOf, spaceOf } from "./space.fixture.ts";
import type { Placement, Space } from "./space.ts";
import { readUserValue, UserLists, type UserEntry } from "./user-lists.ts";
import type { Visitor } from "./visitor.ts";

const id = <K extends "application" | "device" | "key" | "listEntry" | "org" | "session" | "token" | "user">(
  kind: K,
): Id<K> => newId(kind, counted);

const noon = 1_000_000 as Instant;
const at = (milliseconds: number) => (noon + milliseconds) as Instant;
const [ann, bob] = [id("user"), id("user")];
const [pump, valve, bobs, nobodys] = [id("device"), id("device"), id("device"), id("device")];
const application = id("application");
const key = id("key");

const entry = (list: ListName, what: UserListed, value: string, more: Partial<UserEntry> = {}): UserEntry => ({
  id: id("listEntry"),
  list,
  what,
  value: readUserValue(what, value),
  user: ann,
  device: undefined,
  comment: "",
  createdAt: noon,
  expiresAt: undefined,
  ...more,
});

const visitor = (address: string | undefined, more: Partial<Visitor> = {}): Visitor => ({
  id: key,
  kind: "accessKey",
  person: undefined,
  device: undefined,
  behind: new Set([key]),
  chain: [key],
  kinds: ["accessKey"],
  circumstances: { ...unsaid, address },
  ...more,
});
const her = (address: string) => visitor(address, { kind: "applicationUser", kinds: ["applicationUser"], user: ann });

const against = (lists: UserLists, who: Visitor, device = pump, when = noon) =>
  lists.ofVisitor(who, device, when).against;

test("deny wins, an entry is about one device or about all, and it says whose it is", () => {
  const lists = new UserLists(ann, [
    entry("allow", "address", "10.0.0.0/8"),
    entry("deny", "address", "10.1.0.0/16", { device: pump, comment: "the guests" }),
  ]);
  assert.match(
    String(against(lists, visitor("10.1.0.1"))),
    new RegExp(`^denied by ${ann}'s list entry lst_\\w+ of 10\\.1\\.0\\.0/16: the guests$`),
  );
  assert.equal(against(lists, visitor("10.1.0.1"), valve), undefined);
  assert.equal(
    against(lists, visitor("192.0.2.1"), valve),
    `${ann}'s allow list has 1 entry of addresses, and this came from 192.0.2.1`,
  );
  assert.deepEqual(lists.ofVisitor(visitor(undefined), valve, noon).open, [`${ann}'s lists of addresses let it in`]);
});

test("a credential is itself, what made it and its kind; she who lists is asked from where she comes and nothing else", () => {
  const child = visitor("10.0.0.1", { id: id("token"), chain: [], kinds: ["apiToken"], kind: "apiToken" });
  const denied = new UserLists(ann, [entry("deny", "credential", key)]);
  assert.ok(against(denied, visitor("10.0.0.1")));
  assert.ok(against(denied, child), "what a denied one made");
  const allowed = new UserLists(ann, [entry("allow", "credential", "apiToken")]);
  assert.equal(against(allowed, child), undefined);
  assert.match(
    String(against(allowed, visitor("10.0.0.1"))),
    /allow list has 1 entry of credentials, and this is key_/,
  );
  assert.equal(against(allowed, her("10.0.0.1")), undefined);
  assert.ok(against(new UserLists(ann, [entry("deny", "address", "10.0.0.1")]), her("10.0.0.1")));
  for (const value of ["applicationUser", "device", ann, "ses_1"])
    assert.throws(() => readUserValue("credential", value), Refusal);
});

test("what would bar her is known for every moment to come, and what bars her already is no reason", () => {
  const home = entry("allow", "address", "10.0.0.0/8");
  const lists = new UserLists(ann);
  const only = lists.with(home);
  assert.match(String(only.shutOut(her("192.0.2.1"), lists, noon)), /allow list has 1 entry/);
  assert.equal(only.shutOut(her("10.0.0.1"), lists, noon), undefined);
  const guest = entry("allow", "address", "192.0.2.1", { expiresAt: at(1_000), device: pump });
  const both = new UserLists(ann, [guest]).with({ ...home, device: pump });
  assert.ok(both.shutOut(her("192.0.2.1"), new UserLists(ann, [guest]), noon), "when the other one expires");
  assert.ok(only.shutOut(her("192.0.2.1"), both, noon), "for a device that was let in by an entry of its own");
  assert.equal(both.without([home.id]).shutOut(her("172.16.0.1"), both, noon), undefined, "she was barred before");
  assert.equal(against(both, her("192.0.2.1")), undefined, "asking about later moments changes nothing");
});

test("there are fifty at most, and one that is told twice is one", () => {
  let lists = new UserLists(ann);
  for (let made_ = 0; made_ < 50; made_ += 1) lists = lists.with(entry("deny", "address", `10.0.0.${made_ + 1}`));
  const [first] = lists.entries.values();
  assert.ok(first);
  assert.equal(lists.with(first).entries.size, 50);
  assert.throws(() => lists.with(entry("deny", "address", "192.0.2.1")), { code: "list.full" });
});

const placement = (user: Id<"user"> | undefined, door: Placement["door"]): Placement => ({
  application,
  product: undefined,
  user,
  state: "active",
  tags: {},
  alias: undefined,
  door,
  version: 1,
});
const keyOf = (more: Partial<Credential>): Credential =>
  credentialOf({ id: key, kind: "accessKey", application, createdAt: noon, ...more });

const places = ["10.0.0.1", "10.1.0.1", "192.0.2.1"] as const;
const anyEntry = fc
  .record({
    list: fc.constantFrom<ListName>("allow", "deny"),
    value: fc.constantFrom("10.0.0.0/8", "10.1.0.0/16", "192.0.2.1", key, ...programKinds),
    device: fc.constantFrom(undefined, pump, valve, bobs, nobodys),
    expiresAt: fc.constantFrom(undefined, at(-1), at(1)),
  })
  .map(({ list, value, ...more }) => entry(list, value.includes(".") ? "address" : "credential", value, more));
const anySpace = fc.record({
  orgDenies: fc.boolean(),
  door: fc.constantFrom(undefined, levelOf(pump, { deny: { addresses: ["10.0.0.0/8"] } })),
  grants: fc.subarray<Action>(["device.read", "telemetry.read", "telemetry.write"], { minLength: 1 }),
  as: fc.constantFrom("key", "key", "user", "device"),
});

test("whatever a user lists, nobody may more than without it, nothing changes of devices that are not hers, of their records, or for the device itself", () => {
  let [refused, asked] = [0, 0];
  fc.assert(
    fc.property(fc.array(anyEntry, { maxLength: 4 }), anySpace, fc.constantFrom(...places), (entries, its, address) => {
      const devices = new Map([
        [pump, placement(ann, its.door)],
        [valve, placement(ann, undefined)],
        [bobs, placement(bob, undefined)],
        [nobodys, placement(undefined, undefined)],
      ]);
      const denial = { ...entry("deny", "address", "192.0.2.1"), what: "address" as const, author: "" };
      const known = {
        devices,
        applications: new Set([application]),
        products: new Map(),
        members: new Map(),
        roles: new Map(),
        revokedBefore: new Map(),
        demands: {},
        entries: its.orgDenies ? [denial] : [],
      };
      const org = id("org");
      const [without, with_] = [[], entries].map((userEntries) => spaceOf(org, { ...known, userEntries }));
      assert.ok(without && with_);
      const grants = its.grants.map((action) => ({ action, where: { all: true } as const }));
      const credential = keyOf({
        grants,
        ...(its.as === "user" && { kind: "applicationUser", user: { id: ann, session: id("session") } }),
        ...(its.as === "device" && { kind: "device", device: pump }),
      });
      for (const [device, place] of devices)
        for (const action of ["device.read", "telemetry.read", "telemetry.write"] as const) {
          const target = { kind: "device", id: device, placement: place } as const;
          const decided = (space: Space): Decision => {
            const power = compile(space, credential, { ...unsaid, address }, noon);
            const decision = decide(power, action, target, noon);
            assert.equal(mayNow(power, action, target, noon), decision.allowed);
            return decision;
          };
          const before: Decision = decided(without);
          const after: Decision = decided(with_);
          if (after.allowed) assert.ok(before.allowed, `${action} ${device}: ${before.because}`);
          const isTouched = place.user === ann && action !== "device.read" && credential.device !== device;
          if (!isTouched) assert.deepEqual(after, before);
          asked += 1;
          if (before.allowed && !after.allowed) {
            refused += 1;
            assert.equal(after.code, "list.denied");
            assert.match(after.because, new RegExp(`${ann}'s (?:allow list|list entry)`));
          }
        }
    }),
    { numRuns: 1_000 },
  );
  assert.ok(refused > asked / 200, `it is no proof where nobody is refused: ${refused} of ${asked}`);
});
