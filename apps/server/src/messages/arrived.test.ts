import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, type Id, type Instant } from "@holdfast/kernel";
import { Caller } from "../authority/caller.ts";
import { counted as random, credentialOf, spaceOf } from "../authority/space.fixture.ts";
import type { Placement } from "../authority/space.ts";
import { unbarred } from "./arrived.ts";

const clock = { now: () => 1_000_000 as Instant, elapsed: () => 0 };
const application = newId("application", random);
const device = (): Id<"device"> => newId("device", random);
const placed = (gateway?: Id<"device">, state: Placement["state"] = "active"): Placement => ({
  application,
  product: undefined,
  alias: undefined,
  tags: {},
  version: 1,
  state,
  gateway,
});

test("of whom a gateway might not hear it is told once it may, and whoever is another's by then is forgotten", async () => {
  const [gateway, another, shut, moved, gone] = [device(), device(), device(), device(), device()];
  const space = spaceOf(newId("org", random), {
    applications: new Set([application]),
    devices: new Map([
      [gateway, placed()],
      [another, placed()],
      [shut, placed(gateway, "suspended")],
      [moved, placed(another)],
    ]),
  });
  const grants = [{ action: "telemetry.write" as const, where: { devices: [gateway] } }];
  const credential = credentialOf({ id: newId("key", random), kind: "device", application, device: gateway, grants });
  space.credentials.set(credential.id, credential);
  const caller = new Caller({ credential, space, circumstances: undefined, clock, onRefusal: () => undefined });
  const told: Id<"device">[] = [];
  const barred = new Set([shut, moved, gone]);
  const look = async () => {
    unbarred({ caller, barred }, { arrived: (_space, one) => void told.push(one) });
    await Promise.resolve();
  };
  await look();
  assert.deepEqual([[...barred], told], [[shut], []]);
  space.place(shut, { ...placed(gateway), version: 2 });
  await look();
  assert.deepEqual([[...barred], told], [[], [shut]]);
});
