import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, Refusal, type Id, type Kind } from "@holdfast/kernel";
import fc from "fast-check";
import {
  allActions,
  formatGrant,
  instanceActions,
  mostDevicesInGrant,
  parseGrant,
  type Grant,
  type Where,
} from "./index.ts";
import { tagKey, tagValue } from "./shapes.ts";

const id = <K extends Kind>(kind: K): fc.Arbitrary<Id<K>> =>
  fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => newId(kind, { bytes: () => Uint8Array.from(bytes) }));

const where: fc.Arbitrary<Where> = fc.oneof(
  fc.constant({ all: true } as const),
  id("application").map((application) => ({ application })),
  fc.array(id("device"), { minLength: 1, maxLength: mostDevicesInGrant }).map((devices) => ({ devices })),
  fc
    .tuple(
      fc.string({ minLength: 1, maxLength: 128 }).filter((key) => tagKey.safeParse(key).success),
      fc.string({ maxLength: 256 }).filter((value) => tagValue.safeParse(value).success),
    )
    .map(([key, value]) => ({ tag: { key, value } })),
);
const grant: fc.Arbitrary<Grant> = fc
  .tuple(fc.constantFrom(...allActions), where)
  .map(([action, place]) => ({ action, where: place }));

test("a grant reads back as it was written", () => {
  fc.assert(fc.property(grant, (one) => assert.deepEqual(parseGrant(formatGrant(one)), [one])));
});

test("whatever the text, it is a grant or refused as none", () => {
  const long = fc.string({ maxLength: 300, size: "max" });
  const shaped = fc.tuple(fc.constantFrom(...allActions, "*", "device.*"), long).map((parts) => parts.join(":"));
  fc.assert(
    fc.property(fc.oneof(long, shaped), (text) => {
      try {
        for (const one of parseGrant(text)) assert.deepEqual(parseGrant(formatGrant(one)), [one]);
      } catch (error) {
        assert.ok(error instanceof Refusal && error.code === "grant.malformed", String(error));
      }
    }),
  );
});

test("a star stands for every action of its subject, and never for one of the whole deployment", () => {
  const actions = (text: string) => parseGrant(text).map(({ action }) => action);
  assert.deepEqual(actions("telemetry.*"), ["telemetry.write", "telemetry.read"]);
  assert.deepEqual(
    actions("*"),
    allActions.filter((action) => !instanceActions.includes(action)),
  );
  assert.ok(instanceActions.length > 0);
  for (const action of instanceActions) assert.deepEqual(actions(action), [action]);
  assert.throws(() => parseGrant("org.crea*"), { code: "grant.malformed" });
});

test("a grant names only a tag that a device can have", () => {
  for (const tag of ["site=a=b", "site=", "site=Süd 2", `${"k".repeat(128)}=${"v".repeat(256)}`]) {
    assert.equal(parseGrant(`device.read:tag:${tag}`).length, 1, tag);
  }
  const long = [`${"k".repeat(129)}=v`, `k=${"v".repeat(257)}`];
  for (const tag of ["site", "=a", "si:te=a", "a,b=c", "site=\u001b[2J", "site=a\nb", "si\rte=a", ...long]) {
    assert.throws(() => parseGrant(`device.read:tag:${tag}`), { code: "grant.malformed" }, JSON.stringify(tag));
  }
});

test("a grant says over how many devices it may be written out", () => {
  const devices = (count: number) =>
    Array.from({ length: count }, (_, at) => `dev_${String(at).padStart(32, "0")}`).join(",");
  assert.equal(parseGrant(`device.read:${devices(mostDevicesInGrant)}`).length, 1);
  assert.throws(() => parseGrant(`device.read:${devices(mostDevicesInGrant + 1)}`), /use a tag|grant/);
});
