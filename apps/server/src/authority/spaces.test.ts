import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, systemRandom, uuidOf, type Id } from "@holdfast/kernel";
import { atEnd, freshStorage } from "../testing/index.ts";
import { authorityIn } from "./postgres.ts";
import type { Placement, Space } from "./space.ts";
import { asPlatform, Spaces, type Things } from "./spaces.ts";

const fresh = await freshStorage();
atEnd.after(() => fresh.close());
const { storage } = fresh;

async function anOrg(): Promise<Id<"org">> {
  const scope = await storage.makeOrg(newId("org", systemRandom));
  await storage.change(asPlatform(scope), async (unit) => {
    await unit.query("insert into organisation (org, created_at, version, body) values ($1, 1, 1, '')", [
      uuidOf(scope.org),
    ]);
    unit.audit({ what: "org.created", about: scope.org });
  });
  return scope.org;
}

/** Spaces whose reading can be held up in the middle, where the rows have been read and memory has not changed yet. */
function held() {
  let readings = 0;
  let hold: Promise<void> | undefined;
  const nothing: Things = { devices: new Map(), applications: new Set(), products: new Map() };
  const spaces = new Spaces({
    demands: async () => ({}),
    storage,
    things: async (unit) => {
      readings += 1;
      await unit.query("select 1", []);
      await hold;
      return { ...nothing, devices: new Map() };
    },
  });
  return {
    spaces,
    get readings() {
      return readings;
    },
    hold(): () => void {
      const { promise, resolve } = Promise.withResolvers<void>();
      hold = promise;
      return () => {
        hold = undefined;
        resolve();
      };
    },
  };
}

const placement: Placement = {
  application: newId("application", systemRandom),
  product: undefined,
  state: "active",
  tags: {},
  alias: undefined,
  version: 1,
};

test("an organisation is read once, however many ask at the same time", async () => {
  const [it, org] = [held(), await anOrg()];
  const [first, second] = await Promise.all([it.spaces.of(org), it.spaces.of(org)]);
  assert.equal(first, second);
  assert.equal(await it.spaces.of(org), first);
  assert.equal(it.readings, 1);
});

test("what is committed while an organisation is read is known to everybody who waited for it", async () => {
  const [it, org] = [held(), await anOrg()];
  const device = newId("device", systemRandom);
  const release = it.hold();
  const seen = it.spaces
    .of(org)
    .then((space) => [space.device(device)?.version, space.revokedBefore(device, "devices")]);
  it.spaces.apply(org, (space) => space.place(device, { ...placement, version: 2 }));
  it.spaces.apply(org, (space) => space.place(device, placement));
  it.spaces.apply(org, (space) => space.revoke(device, ["devices"], 9));
  release();
  assert.deepEqual(await seen, [2, 9]);
});

test("after a commit of which nobody knows the outcome, memory is read again, also when it was just being read", async () => {
  const [it, org] = [held(), await anOrg()];
  const release = it.hold();
  const reading = it.spaces.of(org);
  it.spaces.forget(org);
  const { scope } = await storage.scopeOf(org).then(asPlatform);
  await storage.change(asPlatform(scope), async (unit) => {
    await authorityIn(unit).revoke(org, ["people"], 5);
    unit.audit({ what: "tried", about: org });
  });
  release();
  const space = await reading;
  assert.equal(space.revokedBefore(org, "people"), 5);
  it.spaces.forget(org);
  assert.ok(space.closed, "whoever holds it is cut off");
  assert.notEqual(await it.spaces.of(org), space);
});

test("an organisation that could not be read is read again by whoever asks next", async () => {
  const { spaces } = held();
  const unknown = newId("org", systemRandom);
  await assert.rejects(spaces.of(unknown), { code: "org.unknown" });
  await assert.rejects(spaces.of(unknown), { code: "org.unknown" });
});

test("whoever watches hears of each change in the turn in which it is told", async () => {
  const [{ spaces }, org] = [held(), await anOrg()];
  const space = await spaces.of(org);
  let heard = 0;
  spaces.onChange((changed) => (heard += changed === space ? 1 : 100));
  spaces.apply(org, (it) => it.revoke(org, ["people"], 1));
  assert.equal(heard, 1);
});

// Turning a factor off also ends what a sign-in gave, later and where the database answers; this holds at once and without it.
test("whose factor comes or goes is asked about again in each organisation of hers, in that turn, and in no other", async () => {
  const { spaces } = held();
  const [hers, alsoHers, foreign] = [
    await spaces.of(await anOrg()),
    await spaces.of(await anOrg()),
    await spaces.of(await anOrg()),
  ];
  const person = newId("person", systemRandom);
  for (const space of [hers, alsoHers]) space.setMember(person, { role: "viewer" });
  const heard: Space[] = [];
  spaces.onChange((space) => heard.push(space));
  for (const totp of [true, false]) {
    heard.length = 0;
    spaces.setFactors(person, { totp, passkey: false });
    assert.deepEqual(new Set(heard), new Set([hers, alsoHers]));
    assert.ok(!heard.includes(foreign));
    assert.equal(hers.factorsOf(person).totp, totp);
  }
});
