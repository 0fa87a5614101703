import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { test } from "node:test";
import { newId, systemClock, systemRandom, uuidOf, type Id } from "@holdfast/kernel";
import { parseGrants } from "@holdfast/protocol";
import { atEnd, freshStorage } from "../testing/index.ts";
import { Authentication } from "./authentication.ts";
import { Caller } from "./caller.ts";
import type { Credential } from "./credential.ts";
import { Simulating } from "./simulating.ts";
import { asPlatform, Spaces } from "./spaces.ts";
import { TokenKeys } from "./token-keys.ts";

const fresh = await freshStorage();
atEnd.after(() => fresh.close());
const { storage } = fresh;
const [random, clock] = [systemRandom, systemClock];
const spaces = new Spaces({
  storage,
  things: async () => ({ devices: new Map(), applications: new Set(), products: new Map() }),
  demands: async () => ({}),
});
const onRefusal = () => undefined;
const tokenKeys = await TokenKeys.load({ storage, random });
const authentication = new Authentication({ storage, spaces, tokenKeys, clock, random, onRefusal });

async function organisation() {
  const scope = await storage.makeOrg(newId("org", random));
  const insert = "insert into organisation (org, created_at, version, body) values ($1, 1, 1, '')";
  await storage.note(asPlatform(scope), (unit) => unit.query(insert, [uuidOf(scope.org)]));
  const credential: Credential = {
    id: newId("key", random),
    kind: "operator",
    name: "",
    state: "active",
    parent: undefined,
    makers: [],
    person: undefined,
    inPerson: false,
    application: undefined,
    device: undefined,
    grants: parseGrants(["authority.explain"]),
    issuedSeq: 1,
    createdAt: clock.now(),
    expiresAt: undefined,
    lastUsedAt: undefined,
    digest: random.bytes(32),
    publicKey: undefined,
    conditions: undefined,
    version: 1,
  };
  const space = await spaces.of(scope.org);
  const caller = new Caller({ credential, space, circumstances: undefined, clock, onRefusal });
  return { org: scope.org, permit: () => caller.permit("authority.explain", scope.org) };
}

test("changes are tried one at a time, whosever they are, and whoever tries many waits for those of others between them", async () => {
  const [busy, other] = [await organisation(), await organisation()];
  const began: Id<"org">[] = [];
  let underWay = 0;
  const settles = {
    async settle({ org }: { org: Id<"org"> }) {
      began.push(org);
      underWay += 1;
      assert.equal(underWay, 1);
      await setTimeout(5); // whoever did not wait would be here by then
      underWay -= 1;
    },
  };
  const simulating = new Simulating({ storage, spaces, authentication, clock, settles, report: assert.fail });
  const change = { kind: "role", role: "viewer", grants: parseGrants(["device.read"]) } as const;
  const door = { kind: "door", of: newId("product", random), door: {} } as const;
  const asked = [busy, busy, busy, other].map(({ permit }) => simulating.simulate(permit(), door, 1));
  // Whose fails holds nobody up.
  await assert.rejects(simulating.simulate(other.permit(), change, 1), { code: "role.builtIn" });
  const tried = await Promise.all(asked);
  assert.deepEqual(
    tried.map(({ tally }) => tally.decisions),
    [0, 0, 0, 0],
  );
  assert.deepEqual(began, [busy.org, other.org, busy.org, busy.org]);
});
