import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, type CredentialId, type Id, type Instant } from "@holdfast/kernel";
import { allActions, parseGrants, type Action } from "@holdfast/protocol";
import fc from "fast-check";
import { nobody } from "./circumstances.ts";
import { parties, partyOf, type Credential, type Party } from "./credential.ts";
import type { Target } from "./link.ts";
import { compile, decide, mayAnywhere, mayNow, standingOf } from "./power.ts";
import { counted, credentialOf, spaceOf } from "./space.fixture.ts";
import type { Placement, Space } from "./space.ts";

const id = <K extends "org" | "application" | "product" | "device" | "person" | "key" | "token">(kind: K): Id<K> =>
  newId(kind, counted);

const org = id("org");
const [here, there] = [id("application"), id("application")];
const product = id("product");
const [pump, valve] = [id("device"), id("device")];
const [ada, vic, stranger] = [id("person"), id("person"), id("person")];
const noon = 1_000_000 as Instant;
const at = (milliseconds: number) => (noon + milliseconds) as Instant;

const placement = (more: Partial<Placement> = {}): Placement => ({
  application: here,
  product: undefined,
  state: "active",
  tags: {},
  alias: undefined,
  version: 1,
  ...more,
});

const space = (): Space =>
  spaceOf(org, {
    devices: new Map([
      [pump, placement({ product, tags: { site: "north" } })],
      [valve, placement({ application: there })],
    ]),
    applications: new Set([here, there]),
    products: new Map([[product, { strict: false, types: new Map() }]]),
    members: new Map([
      [ada, { role: "owner" } as const],
      [vic, { role: "viewer" } as const],
    ]),
  });

const credential = (more: Partial<Credential>): Credential =>
  credentialOf({ id: id("token"), issuedSeq: 10, createdAt: noon, ...more });

const remember = (into: Space, ...all: Credential[]) => all.forEach((one) => into.credentials.set(one.id, one));
const deviceIn = (of: Space, device: Id<"device">): Target => {
  const known = of.device(device);
  assert.ok(known);
  return { kind: "device", id: device, placement: known };
};
const may = (of: Space, one: Credential, action: Action, device: Id<"device">, now = noon) =>
  decide(compile(of, one, nobody, noon), action, deviceIn(of, device), now).allowed;

test("a credential does what every link above it grants as well, and says which grants those are", () => {
  const it = space();
  const operator = credential({ kind: "operator", person: ada, grants: parseGrants(["device.*", "telemetry.read"]) });
  const child = credential({ parent: operator.id, person: ada, grants: parseGrants([`telemetry.read:${here}`]) });
  const grandchild = credential({
    parent: child.id,
    person: ada,
    grants: parseGrants(["telemetry.read", "audit.read"]),
  });
  remember(it, operator, child, grandchild);
  assert.ok(may(it, grandchild, "telemetry.read", pump));
  assert.equal(may(it, grandchild, "telemetry.read", valve), false);
  const { because } = decide(compile(it, grandchild, nobody, noon), "telemetry.read", deviceIn(it, pump), noon);
  for (const part of [operator.id, child.id, grandchild.id, `telemetry.read:${here}`, "owner"])
    assert.ok(because.includes(part));
  const refused = decide(compile(it, grandchild, nobody, noon), "audit.read", { kind: "org" }, noon);
  assert.deepEqual(refused, { allowed: false, because: `${child.id} does not grant audit.read there` });
});

test("the role of the person bounds what she made, also when it shrinks later", () => {
  const it = space();
  const token = credential({ person: ada, grants: parseGrants(["device.update", "device.read"]) });
  remember(it, token);
  assert.ok(may(it, token, "device.update", pump));
  it.setMember(ada, { role: "viewer" });
  assert.deepEqual([may(it, token, "device.update", pump), may(it, token, "device.read", pump)], [false, true]);
  const nobodys = credential({ person: stranger, grants: parseGrants(["device.read"]) });
  assert.match(compile(it, nobodys, nobody, noon).end?.because ?? "", /not a member/);
});

test("an access key holds within its application, whatever it was granted", () => {
  const it = space();
  const key = credential({
    kind: "accessKey",
    application: here,
    grants: parseGrants(["telemetry.read", `telemetry.write:${valve}`]),
  });
  assert.ok(may(it, key, "telemetry.read", pump));
  assert.equal(may(it, key, "telemetry.read", valve), false);
  assert.equal(may(it, key, "telemetry.write", valve), false);
});

test("the earliest expiry in the chain ends it, at that very millisecond", () => {
  const it = space();
  const parent = credential({ grants: parseGrants(["telemetry.read"]), expiresAt: at(10) });
  const child = credential({ parent: parent.id, grants: parseGrants(["telemetry.read"]), expiresAt: at(99) });
  remember(it, parent, child);
  assert.equal(compile(it, child, nobody, noon).expiresAt, at(10));
  assert.deepEqual(
    [may(it, child, "telemetry.read", pump, at(9)), may(it, child, "telemetry.read", pump, at(10))],
    [true, false],
  );
  assert.deepEqual(
    [standingOf(compile(it, child, nobody, noon), at(9)), standingOf(compile(it, child, nobody, noon), at(10))],
    ["active", "expired"],
  );
});

test("with what made it a credential ends: revoked, or not to be found", () => {
  const it = space();
  const parent = credential({ grants: parseGrants(["telemetry.read"]) });
  const child = credential({ parent: parent.id, grants: parseGrants(["telemetry.read"]) });
  remember(it, parent, child);
  assert.ok(may(it, child, "telemetry.read", pump));
  it.credentials.set(parent.id, { ...parent, state: "revoked" });
  assert.deepEqual(compile(it, child, nobody, noon).end, { because: `${parent.id} was revoked`, forGood: true });
  it.credentials.delete(parent.id);
  assert.equal(may(it, child, "telemetry.read", pump), false);
});

test("a revocation ends what was issued before under each thing above, of the named party, and nothing issued after", () => {
  const things = (it: Space, key: Credential) => [it.org, here, product, pump, key.id];
  for (const at of [0, 1, 2, 3, 4]) {
    for (const party of parties) {
      const it = space();
      const key = credential({
        id: id("key"),
        kind: "device",
        device: pump,
        grants: parseGrants([`telemetry.write:${pump}`]),
      });
      remember(it, key);
      const thing = things(it, key)[at] ?? "";
      it.revoke(thing, [party], key.issuedSeq);
      assert.ok(may(it, key, "telemetry.write", pump), "issued at that place, and not before it");
      it.revoke(thing, [party], key.issuedSeq + 1);
      assert.equal(may(it, key, "telemetry.write", pump), party !== "devices", `${thing} ${party}`);
    }
  }
});

test("what a person makes after all programs were ended is good, though she signed in before", () => {
  const it = space();
  const signIn = credential({ person: ada, inPerson: true, grants: parseGrants(["telemetry.read"]) });
  const program = (issuedSeq: number) =>
    credential({ parent: signIn.id, person: ada, grants: parseGrants(["telemetry.read"]), issuedSeq });
  const [before, after] = [program(11), program(13)];
  remember(it, signIn, before, after);
  it.revoke(org, ["programs"], 12);
  assert.deepEqual(
    [signIn, before, after].map((one) => may(it, one, "telemetry.read", pump)),
    [true, false, true],
  );
});

test("what a program made ends when programs are, an operator key and what that made too; a person's operator key stays", () => {
  const it = space();
  const grants = parseGrants(["telemetry.read"]);
  const signIn = credential({ person: ada, inPerson: true, grants });
  const hers = credential({ id: id("key"), kind: "operator", parent: signIn.id, person: ada, grants, issuedSeq: 11 });
  const program = credential({ parent: signIn.id, person: ada, grants, issuedSeq: 11 });
  const made = credential({ id: id("key"), kind: "operator", parent: program.id, person: ada, grants, issuedSeq: 12 });
  const ofThat = credential({ parent: made.id, person: ada, grants, issuedSeq: 13 });
  remember(it, signIn, hers, program, made, ofThat);
  const good = () => [signIn, hers, program, made, ofThat].map((one) => may(it, one, "telemetry.read", pump));
  it.revoke(org, ["programs"], 11);
  assert.deepEqual(good(), [true, true, true, true, true], "issued at that place, and not before it");
  it.revoke(org, ["programs"], 12);
  assert.deepEqual(good(), [true, true, false, false, false]);
});

test("a sign-in and an operator key are a person's, a token made by her or with them and an access key are a program's", () => {
  const of = (more: Partial<Credential>): Party => partyOf(credential({ grants: [], ...more }));
  assert.equal(of({ person: ada, inPerson: true }), "people");
  assert.equal(of({ person: ada }), "programs");
  assert.equal(of({ kind: "operator", person: ada, parent: id("token") }), "people");
  assert.equal(of({ person: ada, parent: id("token") }), "programs");
  assert.equal(of({ kind: "accessKey", application: here }), "programs");
  assert.equal(of({ kind: "device", device: pump }), "devices");
});

test("a suspended device's key ends for a while, a retired one's for good; nobody writes for either", () => {
  const it = space();
  const key = credential({ kind: "device", device: pump, grants: parseGrants([`telemetry.write:${pump}`]) });
  const program = credential({ grants: parseGrants(["telemetry.*"]) });
  remember(it, key, program);
  it.place(pump, placement({ state: "suspended", version: 2 }));
  assert.deepEqual(compile(it, key, nobody, noon).end, { because: `${pump} is suspended`, forGood: false });
  assert.equal(standingOf(compile(it, key, nobody, noon), noon), "active");
  assert.deepEqual(
    [may(it, program, "telemetry.write", pump), may(it, program, "telemetry.read", pump)],
    [false, true],
  );
  it.place(pump, placement({ state: "active", version: 3 }));
  assert.ok(may(it, key, "telemetry.write", pump));
  it.place(pump, placement({ state: "retired", version: 4 }));
  assert.equal(standingOf(compile(it, key, nobody, noon), noon), "revoked");
});

test("each change that may turn a yes into a no is a new epoch, and a new alias, which stands in topics; what is no news is none", () => {
  const it = space();
  const epochAfter = (change: () => void): number => {
    const before = it.cell.epoch;
    change();
    return it.cell.epoch - before;
  };
  const known = it.device(pump) ?? placement();
  assert.equal(
    epochAfter(() => it.place(pump, { ...known, version: 2 })),
    0,
    "another name, say",
  );
  assert.equal(
    epochAfter(() => it.place(pump, { ...known, alias: "p", version: 3 })),
    1,
  );
  assert.equal(
    epochAfter(() => it.place(pump, { ...known, alias: "p", tags: {}, version: 4 })),
    1,
  );
  assert.equal(
    epochAfter(() => it.place(pump, { ...known, alias: "p", tags: {}, application: there, version: 5 })),
    1,
  );
  assert.equal(
    epochAfter(() => it.place(pump, { ...known, version: 5 })),
    0,
    "told twice",
  );
  assert.equal(
    epochAfter(() => it.revoke(pump, ["devices"], 5)),
    1,
  );
  assert.equal(
    epochAfter(() => it.setMember(ada, { role: "viewer" })),
    1,
  );
  assert.equal(
    epochAfter(() => it.removeApplication(here)),
    1,
  );
  assert.equal(
    epochAfter(() => it.close()),
    1,
  );
});

const grants = fc
  .array(
    fc.tuple(
      fc.constantFrom(...allActions),
      fc.constantFrom("", `:${here}`, `:${there}`, `:${pump}`, ":tag:site=north"),
    ),
    {
      minLength: 1,
      maxLength: 12,
    },
  )
  .map((pairs) => parseGrants(pairs.map(([action, where]) => action + where)));

/** A chain of any length, some of it expired or revoked, under some revocations. */
const chain = fc.record({
  links: fc.array(
    fc.record({
      grants,
      expiresIn: fc.option(fc.integer({ min: -5, max: 5 }), { nil: undefined }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  person: fc.constantFrom(undefined, ada, vic, stranger),
  revoked: fc.option(fc.nat(3), { nil: undefined }),
  marks: fc.array(
    // Before any of the chain was issued, or after all of it: what has ended makes nothing.
    fc.tuple(fc.constantFrom<string>(org, here, ada), fc.constantFrom(...parties), fc.constantFrom(1, 99)),
    {
      maxLength: 2,
    },
  ),
});

function build({ links, person, revoked, marks }: typeof chain extends fc.Arbitrary<infer T> ? T : never) {
  const it = space();
  const all: Credential[] = [];
  for (const [index, { expiresIn, ...link }] of links.entries()) {
    const parent: CredentialId | undefined = all.at(-1)?.id;
    const expiresAt = expiresIn === undefined ? undefined : at(expiresIn);
    all.push(credential({ ...link, parent, person, expiresAt, state: revoked === index ? "revoked" : "active" }));
  }
  remember(it, ...all);
  for (const [about, party, seq] of marks) it.revoke(about, [party], seq);
  const targets: Target[] = [
    { kind: "org" },
    { kind: "product" },
    { kind: "application", id: here },
    deviceIn(it, pump),
    deviceIn(it, valve),
  ];
  return { it, all, targets };
}

test("a child may nothing that what made it may not, whatever is revoked or expires", () => {
  fc.assert(
    fc.property(chain, (given) => {
      const { it, all, targets } = build(given);
      for (const [index, child] of all.entries()) {
        const parent = all[index - 1];
        if (!parent) continue;
        const [below, above] = [compile(it, child, nobody, noon), compile(it, parent, nobody, noon)];
        // A revocation that names a party ends those of that party only, and a sign-in is of another than what it made.
        if (above.end && partyOf(child) !== partyOf(parent)) continue;
        for (const action of allActions)
          for (const target of targets)
            if (mayNow(below, action, target, noon)) assert.ok(mayNow(above, action, target, noon));
      }
    }),
    { numRuns: 500 },
  );
});

test("the answer with the reason, the one without, and the one over everything agree", () => {
  fc.assert(
    fc.property(chain, (given) => {
      const { it, all, targets } = build(given);
      for (const one of all) {
        const power = compile(it, one, nobody, noon);
        for (const action of allActions) {
          const answers = targets.map((target) => decide(power, action, target, noon));
          assert.deepEqual(
            answers.map(({ allowed }) => allowed),
            targets.map((target) => mayNow(power, action, target, noon)),
          );
          if (answers.some(({ allowed }) => allowed)) assert.ok(mayAnywhere(power, action, noon));
          for (const { because } of answers) assert.notEqual(because, "");
        }
      }
    }),
    { numRuns: 300 },
  );
});

test("credentials that have expired leave memory, a parent when its children have, and no answer is another for it", () => {
  const it = space();
  const grants = parseGrants(["telemetry.read:*"]);
  const target: Target = { kind: "device", id: pump, placement: placement() };
  const parent = credential({ grants, expiresAt: at(10) });
  const lasting = credential({ grants, expiresAt: undefined });
  const child = credential({ grants, parent: parent.id, expiresAt: at(5) });
  const later = credential({ grants, parent: parent.id, expiresAt: at(20) });
  for (const one of [parent, lasting, child, later]) it.credentials.set(one.id, one);
  const names = new Map<CredentialId, string>();
  for (const [name, { id: of }] of Object.entries({ parent, lasting, child, later })) names.set(of, name);
  const left = (now: Instant) => {
    const answers = () =>
      [parent, lasting, child, later].map((one) =>
        mayNow(compile(it, one, nobody, now), "telemetry.read", target, now),
      );
    const before = answers();
    it.credentials.forgetExpired(now);
    assert.deepEqual(answers(), before);
    return [...it.credentials.keys()].map((of) => names.get(of));
  };
  assert.deepEqual(left(at(4)), ["parent", "lasting", "child", "later"]);
  assert.deepEqual(left(at(5)), ["parent", "lasting", "later"]);
  assert.deepEqual(left(at(19)), ["parent", "lasting", "later"]);
  assert.deepEqual(left(at(20)), ["parent", "lasting"]);
  assert.deepEqual(left(at(21)), ["lasting"]);
});
