import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, systemRandom, uuidOf, type Instant } from "@holdfast/kernel";
import { organisationsIn } from "../identity/organisation.ts";
import type { Allowed } from "../storage/index.ts";
import { asOwner, atEnd, freshStorage } from "../testing/index.ts";
import type { Active } from "./device.ts";
import { applicationsIn, devicesIn, productsIn } from "./postgres.ts";

const fresh = await freshStorage();
atEnd.after(() => fresh.close());
const { storage, database } = fresh;
const scope = await storage.makeOrg(newId("org", systemRandom));
const allowed: Allowed = { scope, actor: { kind: "platform" } };
const named = { name: "", createdAt: 1 as Instant, version: 1 };
const [application, product] = [newId("application", systemRandom), newId("product", systemRandom)];

await storage.change(allowed, async (unit) => {
  await organisationsIn(unit).add({ id: scope.org, ...named });
  await applicationsIn(unit).save({ id: application, ...named });
  await productsIn(unit).save({ id: product, attributes: {}, former: {}, schemaVersion: 1, strict: false, ...named });
  unit.audit({ what: "made", about: scope.org });
});

test("where a device is, and since when in the sequence, cannot be changed in the database", async () => {
  const changes = [
    "application = gen_random_uuid()",
    "product = null",
    "placed = 8",
    "placed = 0",
    "version = version + 1",
  ];
  for (const set of changes) {
    const device: Active = {
      ...named,
      state: "active",
      id: newId("device", systemRandom),
      application,
      product,
      alias: undefined,
      tags: {},
      turn: 0,
      placed: 7,
    };
    await storage.change(allowed, async (unit) => {
      await devicesIn(unit).save(device);
      unit.audit({ what: "made", about: device.id });
    });
    const read = () => storage.read(allowed, (unit) => devicesIn(unit).find(device.id));
    assert.deepEqual(await read(), device);
    await asOwner(
      database.login,
      `begin; set local app.org = '${uuidOf(scope.org)}'; set local session_replication_role = replica;
       update holdfast.device set ${set} where id = '${uuidOf(device.id)}'; commit`,
    );
    await assert.rejects(read, { code: "seal.broken" }, set);
  }
});
