import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, systemRandom, uuidOf, type Clock, type Id, type Instant } from "@holdfast/kernel";
import { parseGrants } from "@holdfast/protocol";
import type { Allowed } from "../storage/index.ts";
import { atEnd, freshStorage } from "../testing/index.ts";
import { Authentication } from "./authentication.ts";
import { Caller } from "./caller.ts";
import { cameBy, type Circumstances } from "./circumstances.ts";
import type { Credential } from "./credential.ts";
import { decisionsIn } from "./decision-rows.ts";
import { authorityIn } from "./postgres.ts";
import { Simulating } from "./simulating.ts";
import type { Placement } from "./space.ts";
import { asPlatform, Spaces } from "./spaces.ts";
import { sentenceOf } from "./tally.ts";
import { TokenKeys } from "./token-keys.ts";

// A fleet of five thousand for some days: nobody else may notice that somebody tries a change on it.
const fresh = await freshStorage();
atEnd.after(() => fresh.close());
const { storage } = fresh;
const [random, fleet, days] = [systemRandom, 5_000, 3];
const monday = Date.parse("2026-06-01T00:00:00Z") as Instant;
const hour = 3_600_000;
let now = monday;
const clock: Clock = { now: () => now, elapsed: () => 0 };

const scope = await storage.makeOrg(newId("org", random));
const application = newId("application", random);
const product = newId("product", random);
const devices = Array.from({ length: fleet }, () => newId("device", random));
const placement: Placement = { application, product, state: "active", tags: {}, alias: undefined, version: 1 };
const spaces = new Spaces({
  storage,
  things: async () => ({
    devices: new Map(devices.map((id) => [id, placement])),
    applications: new Set([application]),
    products: new Map([[product, { strict: false, types: new Map() }]]),
  }),
  demands: async () => ({}),
});

const credential = (more: Partial<Credential>, grants: readonly string[]): Credential => ({
  id: newId("key", random),
  kind: "device",
  name: "",
  state: "active",
  parent: undefined,
  makers: [],
  person: undefined,
  inPerson: false,
  application: undefined,
  device: undefined,
  grants: parseGrants(grants),
  issuedSeq: 1,
  createdAt: monday,
  expiresAt: undefined,
  lastUsedAt: undefined,
  digest: random.bytes(32),
  publicKey: undefined,
  conditions: undefined,
  version: 1,
  ...more,
});

test("a change is tried on what five thousand devices did in three days, in slices between which everybody else is served", async () => {
  const allowed: Allowed = asPlatform(scope);
  const keys = devices.map((device) => credential({ device }, [`telemetry.write:${device}`]));
  await storage.note(allowed, async (unit) => {
    await unit.query("insert into organisation (org, created_at, version, body) values ($1, 1, 1, '')", [
      uuidOf(scope.org),
    ]);
    for (const key of keys) await authorityIn(unit).save(key);
  });
  const space = await spaces.of(scope.org);
  const settles = {
    async settle() {
      for (const page of space.decisions.pages(1_000)) {
        await storage.tally(allowed, (unit) => decisionsIn(unit).save(1, page));
        space.decisions.kept(page);
      }
      space.decisions.forgetPast(now);
    },
  };
  for (let day = 0; day < days; day += 1) {
    for (const [at, key] of keys.entries()) {
      now = (monday + (day * 24 + (at % 24)) * hour) as Instant; // milliseconds both
      const way = at % 10 === 0 ? "https" : "mqtts";
      const address = `10.${at % 200}.${at % 7}.${at % 250}`;
      const circumstances: Circumstances = { ...cameBy(way, address, "TLSv1.3", undefined), proof: "secret" };
      const caller = new Caller({ credential: key, space, circumstances, clock, onRefusal: () => undefined });
      caller.noteArrival();
      caller.permit("telemetry.write", key.device as Id<"device">); // each is a device's
    }
    await settles.settle();
  }
  now = (monday + days * 24 * hour) as Instant; // milliseconds both

  const operator = credential({ kind: "operator" }, ["authority.explain"]);
  const asks = new Caller({ credential: operator, space, circumstances: undefined, clock, onRefusal: () => undefined });
  const tokenKeys = await TokenKeys.load({ storage, random });
  const authentication = new Authentication({ storage, spaces, tokenKeys, clock, random, onRefusal: () => undefined });
  const simulating = new Simulating({ storage, spaces, authentication, clock, settles, report: assert.fail });
  let turns = 0;
  let isDone = false;
  const others = () => {
    turns += 1;
    if (!isDone) setImmediate(others);
  };
  setImmediate(others);
  const door = { transports: ["mqtts" as const], deny: { addresses: ["10.3.0.0/16"] } };
  const { tally } = await simulating.simulate(
    asks.permit("authority.explain", scope.org),
    { kind: "door", of: product, door },
    7,
  );
  isDone = true;
  assert.equal(tally.decisions, 2 * days * fleet);
  assert.equal(sentenceOf(tally, 7), "On the last 7 days it would newly refuse 525 devices, newly allow none.");
  // One for each page that is read, and while credentials are; that the queries took none would be strange.
  assert.ok(turns > 100, `${turns} turns for others`);
});
