import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, Refusal, systemClock, systemRandom, type Instant } from "@holdfast/kernel";
import { Accounts } from "../accounting/index.ts";
import { Journal, Minting, Revocation, Rulings, SocketAddresses, Spaces, TokenKeys } from "../authority/index.ts";
import { Permit, type Asker } from "../authority/permit.ts";
import { organisationsIn } from "../identity/organisation.ts";
import type { Allowed } from "../storage/index.ts";
import { atEnd, freshStorage } from "../testing/index.ts";
import { Directories } from "./directories.ts";
import { applicationsIn, devicesIn, thingsIn } from "./postgres.ts";
import { Registry } from "./registry.ts";

const fresh = await freshStorage();
atEnd.after(() => fresh.close());
const { storage, keyring: keys } = fresh;
const [random, clock] = [systemRandom, systemClock];
const spaces = new Spaces({ storage, things: thingsIn, demands: async () => ({}) });
const journal = new Journal({ book: keys.journal, report: () => undefined });
const revocation = new Revocation({ storage, spaces, journal });
const socketAddresses = await SocketAddresses.load({ storage });
const tokenKeys = await TokenKeys.load({ storage, random });
const minting = new Minting({ storage, spaces, tokenKeys, socketAddresses, clock, random });
const telemetry = {
  typesOf: () => assert.fail("no product is changed"),
  erasures: { turn: async () => undefined }, // nobody's device becomes anybody's
};
const directories = new Directories({ storage, clock });
const accounts = await Accounts.open({
  storage,
  spaces,
  clock,
  random,
  report: () => undefined,
  lastKnown: clock.now(),
});
const registry = new Registry({
  storage,
  keys,
  spaces,
  minting,
  revocation,
  journal,
  rulings: new Rulings({ storage, journal, report: () => undefined }),
  telemetry,
  accounts,
  directories,
  board: { takeFrom: async () => undefined }, // it is in no group
  commands: { endIn: async () => undefined }, // and was asked nothing
  clock,
  random,
});

const scope = await storage.makeOrg(newId("org", random));
const actor = { kind: "platform" } as const;
const allowed: Allowed = { scope, actor };
const named = { name: "", createdAt: 1 as Instant, version: 1 };
const [here, there, device] = [newId("application", random), newId("application", random), newId("device", random)];
await storage.change(allowed, async (unit) => {
  await organisationsIn(unit).add({ id: scope.org, ...named });
  for (const id of [here, there]) await applicationsIn(unit).save({ id, ...named });
  const of = { application: here, product: undefined, alias: undefined, tags: {}, turn: 0, placed: 0 };
  await devicesIn(unit).save({ state: "active", id: device, ...named, ...of });
  unit.audit({ what: "made", about: scope.org });
});

test("leave to put a device somewhere that ends while the move waits its turn is not used", async () => {
  let isOver = false;
  const updates: Asker = { actor, askAgain: () => undefined, user: undefined, attributesOf: () => undefined };
  const creates: Asker = {
    actor,
    user: undefined,
    attributesOf: () => undefined,
    askAgain: () => {
      if (isOver) throw new Refusal("permit.missing");
    },
  };
  const update = new Permit(updates, "device.update", device, scope);
  const into = new Permit(creates, "device.create", there, scope);
  const { promise: turn, resolve: end } = Promise.withResolvers<void>();
  const before = storage.change(allowed, async (unit) => {
    unit.audit({ what: "held", about: scope.org });
    await turn;
  });
  const moved = registry.update(update, {}, into);
  isOver = true;
  end();
  await before;
  await assert.rejects(moved, { code: "permit.missing" });
  isOver = false;
  assert.equal((await registry.update(update, {}, into)).application, there);
});
