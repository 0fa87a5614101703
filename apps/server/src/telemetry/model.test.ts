import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { newId, systemRandom, type Id } from "@holdfast/kernel";
import { aggregates, type Aggregate } from "@holdfast/protocol";
import fc from "fast-check";
import { asPlatform } from "../authority/index.ts";
import { atEnd } from "../testing/index.ts";
import { ColdChunks, FolderStore, Retention } from "./index.ts";
import { isPercentile } from "./percentile.ts";
import { world, type Org, type Store } from "./store.fixture.ts";
import { anyJson, anyLocation } from "./value.fixture.ts";
import type { Value } from "./value.ts";

const w = await world(atEnd);
const minute = 60_000;
const day = 24 * 60 * minute;
const folder = mkdtempSync(path.join(tmpdir(), "holdfast-model-"));
atEnd.after(async () => rmSync(folder, { recursive: true, force: true }));
const objects = new FolderStore(folder);
const cold = new ColdChunks({ storage: w.storage, store: objects });
/** Newest moves to the store, too, where it is as old as this. */
const moving = { store: objects, after: 5 * day };

type Sent = { readonly ago: number | undefined; readonly values: Readonly<Record<string, unknown>> };
type Step =
  | { readonly step: "send"; readonly messages: readonly { readonly to: number; readonly readings: readonly Sent[] }[] }
  | {
      readonly step: "stream";
      readonly to: number;
      readonly count: number;
      readonly every: number;
      readonly ago: number;
    }
  | { readonly step: "ask"; readonly to: number; readonly ago: number; readonly span: number; readonly every: number }
  | { readonly step: "move"; readonly by: number }
  | { readonly step: "compact" | "restart" | "tidy" }
  | { readonly step: "keep"; readonly to: number; readonly days: number }
  | { readonly step: "give"; readonly to: number; readonly user: number }
  | { readonly step: "erase device" | "erase user"; readonly to: number };

const ago = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -5, max: 30 }).map((n) => n * 10_000) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 359 * 24 * 60 }).map((n) => n * minute) },
);
const values = fc
  .record(
    {
      n: fc.oneof(
        fc.integer({ min: -10_000, max: 10_000 }).map((n) => n / 100),
        fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 }),
      ),
      b: fc.boolean(),
      t: fc.string({ unit: "grapheme", maxLength: 8 }),
      p: anyLocation,
      j: anyJson.map((text): unknown => JSON.parse(text)),
    },
    { requiredKeys: [] },
  )
  .filter((all) => Object.keys(all).length > 0);
const reading: fc.Arbitrary<Sent> = fc.record({ ago: fc.option(ago, { nil: undefined, freq: 3 }), values });
const to = fc.nat(3);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      step: fc.constant("send" as const),
      messages: fc.array(fc.record({ to, readings: fc.array(reading, { minLength: 1, maxLength: 6 }) }), {
        minLength: 1,
        maxLength: 12,
      }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      step: fc.constant("stream" as const),
      to,
      count: fc.integer({ min: 100, max: 1_000 }),
      every: fc.constantFrom(1, 990, 10_007, 3 * minute),
      ago,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      step: fc.constant("ask" as const),
      to,
      ago,
      span: fc.constantFrom(minute, 60 * minute, 24 * 60 * minute, 500 * 24 * 60 * minute),
      every: fc.constantFrom(1_000, 7_000, minute, 15 * minute, 60 * minute, 24 * 60 * minute),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ step: fc.constant("move" as const), by: fc.constantFrom(0, 500, 20_000, 61 * minute) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ step: fc.constantFrom("compact" as const, "restart" as const, "tidy" as const) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ step: fc.constant("keep" as const), to, days: fc.constantFrom(1, 7, 100, 300) }),
  },
  { weight: 2, arbitrary: fc.record({ step: fc.constant("give" as const), to, user: fc.nat(2) }) },
  {
    weight: 2,
    arbitrary: fc.record({ step: fc.constantFrom("erase device" as const, "erase user" as const), to }),
  },
);

/** An organisation, how many days it keeps what it has, which is never more than before, and the customers that its devices are given to. */
type House = {
  readonly org: Org;
  days: number;
  readonly users: readonly Id<"user">[];
};
type Written = { readonly value: Value; readonly period: Period };
/** While a device was somebody's. */
type Period = { readonly user: Id<"user"> | undefined; isErased: boolean };
type Thing = {
  readonly house: House;
  readonly id: Id<"device">;
  readonly periods: Period[];
  /** What was sent, each point under its time: a later one takes the place of an earlier one, until it is erased. */
  readonly model: Map<string, Map<number, Written[]>>;
};

const currentOf = ({ periods }: Thing): Period => periods.at(-1) ?? assert.fail();

function watch(store: Store, things: readonly Thing[]): void {
  store.telemetry.onStored({
    wants: () => true,
    stored: ({ device, readings }) => {
      const thing = things.find(({ id }) => id === device) ?? assert.fail();
      const period = currentOf(thing);
      for (const { time, values: all } of readings) {
        for (const [name, value] of all) {
          const points = thing.model.get(name) ?? new Map<number, Written[]>();
          thing.model.set(name, points.set(time, [...(points.get(time) ?? []), { value, period }]));
        }
      }
    },
  });
}

function inOrder({ model, house }: Thing, name: string, from: number, until: number): (readonly [number, Value])[] {
  const since = Math.max(from, w.clock.now() - house.days * day);
  return [...(model.get(name) ?? [])]
    .filter(([time]) => time >= since && time < until)
    .flatMap(([time, all]) => {
      const last = all.findLast(({ period }) => !period.isErased);
      return last ? [[time, last.value] as const] : [];
    })
    .sort(([a], [b]) => a - b);
}

async function compare(store: Store, thing: Thing, from: number, until: number, every: number): Promise<void> {
  const { house, id } = thing;
  const { org } = house;
  for (const name of ["n", "b", "t", "p", "j", "none"]) {
    const expected = inOrder(thing, name, from, until);
    const found: (readonly [number, Value])[] = [];
    for (let cursor: string | undefined; ;) {
      const page = await store.points(org, id, name, {
        from,
        to: until,
        limit: 700,
        ...(cursor !== undefined && { cursor }),
      });
      found.push(...page.items);
      if (page.nextCursor === undefined) break;
      cursor = page.nextCursor;
    }
    assert.deepEqual(found, expected);

    const asked: Aggregate[] =
      name === "n" || name === "b" || name === "none"
        ? [...aggregates].filter((one) => every >= 60 * minute || !isPercentile(one))
        : ["count", "first", "last"];
    const wanted = bucketed(expected, every, asked);
    const limit = Math.max(1, Math.ceil(wanted.length / 3));
    const buckets = await store.aggregate(org, id, name, { from, to: until, every, limit, aggregates: asked });
    assert.equal(buckets.length, wanted.length);
    for (const [at, bucket] of buckets.entries()) {
      for (const [key, value] of Object.entries(wanted[at] ?? {})) {
        const given = Object.entries(bucket).find(([other]) => other === key)?.[1];
        if (key !== "sum" && key !== "avg") assert.deepEqual(given, value, key);
        else
          assert.ok(
            Math.abs(Number(given) - Number(value)) <= 1e-9 * Math.max(1e9, Math.abs(Number(value))),
            `${key}: ${Number(given)} for ${Number(value)}`,
          );
      }
    }
  }
}

function bucketed(points: readonly (readonly [number, Value])[], every: number, asked: readonly Aggregate[]) {
  const groups = Map.groupBy(points, ([time]) => Math.floor(time / every) * every);
  return [...groups].map(([time, group]) => {
    const all = group.map(([, value]) => value);
    const numbers = all.map(Number);
    const sum = numbers.reduce((a, b) => a + b, 0);
    const sorted = numbers.toSorted((a, b) => a - b);
    const rank = (part: number) => sorted[Math.max(1, Math.ceil(part * sorted.length)) - 1];
    const of: Record<Aggregate, Value | undefined> = {
      p50: rank(0.5),
      p90: rank(0.9),
      p95: rank(0.95),
      p99: rank(0.99),
      count: all.length,
      first: all[0],
      last: all.at(-1),
      sum,
      avg: sum / all.length,
      min: numbers.reduce((one, other) => Math.min(one, other), Infinity),
      max: numbers.reduce((one, other) => Math.max(one, other), -Infinity),
    };
    return { time, ...Object.fromEntries(asked.map((name) => [name, of[name]])) };
  });
}

/** Marks these in the model; where one of them is the present one, another begins. */
function eraseOf(thing: Thing, which: (period: Period) => boolean): void {
  const { user } = currentOf(thing);
  for (const period of thing.periods) if (which(period)) period.isErased = true;
  if (currentOf(thing).isErased) thing.periods.push({ user, isErased: false });
}

async function give(store: Store, thing: Thing, user: Id<"user"> | undefined): Promise<void> {
  const { scope } = await thing.house.org.space();
  await w.storage.note(asPlatform(scope), (unit) => store.telemetry.erasures.turn(unit, thing.id, user));
  if (currentOf(thing).user !== user) thing.periods.push({ user, isErased: false });
}

/** Whoever has the device at the moment, all that any of her devices measured. */
async function eraseUser(store: Store, things: readonly Thing[], thing: Thing): Promise<void> {
  const { user } = currentOf(thing);
  if (!user) return;
  const application = (await thing.house.org.space()).device(thing.id)?.application ?? assert.fail();
  const permit = await thing.house.org.permit("applicationUser.erase", application);
  await store.telemetry.erasures.ofUser(permit, user);
  for (const one of things) if (one.house === thing.house) eraseOf(one, (period) => period.user === user);
}

test("whatever is sent, flushed, restarted, joined, moved, given away, kept shorter, erased and asked in whatever order, answers are those of a plain map", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 30 }), async (steps) => {
      const things: Thing[] = [];
      const houses: House[] = [];
      for (const org of [await w.org(), await w.org()]) {
        const users = Array.from({ length: 2 }, () => newId("user", systemRandom));
        houses.push({ org, days: Infinity, users });
      }
      for (const house of [...houses, ...houses]) {
        const periods = [{ user: undefined, isErased: false }];
        things.push({ house, id: await house.org.device(), periods, model: new Map() });
      }
      // Segments this small end all the time, and press whatever is in them.
      const open = async () => {
        const opened = await w.open({ sizes: { segment: 3_000 }, cold, moving });
        watch(opened, things);
        return opened;
      };
      let store = await open();
      const say = async (at: number, body: unknown) => {
        const thing = things[at];
        if (!thing) return;
        assert.equal(await store.sayNow(await thing.house.org.space(), thing.id, body), 0);
      };
      for (const one of steps) {
        const now = w.clock.now();
        const about = "to" in one ? things[one.to] : undefined;
        switch (one.step) {
          case "send":
            await Promise.all(
              one.messages.map(({ to: at, readings }) =>
                say(
                  at,
                  readings.map(({ ago: before, values: all }) =>
                    before === undefined ? { values: all } : { time: now - before, values: all },
                  ),
                ),
              ),
            );
            break;
          case "stream": {
            const first = now - one.ago - one.count * one.every;
            const usable = Math.max(first, now - 359 * 24 * 60 * minute);
            await say(
              one.to,
              Array.from({ length: one.count }, (_, at) => ({
                time: Math.min(usable + at * one.every, now),
                values: { n: at / 100, b: at % 7 === 0, t: `${at % 5}` },
              })),
            );
            break;
          }
          case "ask": {
            if (about) await compare(store, about, now - one.ago - one.span, now - one.ago + 1, one.every);
            break;
          }
          case "move":
            w.clock.move(one.by);
            break;
          case "compact":
            await store.telemetry.compact();
            break;
          case "tidy":
            w.clock.move(24 * 60 * minute); // a day later everything that came late is joined
            await store.care.round();
            break;
          case "keep": {
            const { house } = about ?? assert.fail();
            house.days = Math.min(house.days, one.days);
            const permit = await house.org.permit("org.update", house.org.id);
            const retention = new Retention({ ...w, retentions: store.telemetry.retentions });
            await retention.set(permit, { keep: house.days });
            break;
          }
          case "give":
            if (about) await give(store, about, about.house.users[one.user]);
            break;
          case "erase device":
            if (!about) break;
            await store.telemetry.erasures.ofDevice(await about.house.org.permit("device.erase", about.id));
            eraseOf(about, () => true);
            break;
          case "erase user":
            if (about) await eraseUser(store, things, about);
            break;
          case "restart":
            await store.close();
            store = await open();
            break;
        }
      }
      for (const thing of things) {
        await compare(store, thing, 0, w.clock.now() + 1e9, 15 * minute);
        const newest = [...thing.model.keys()].flatMap((name) => {
          const last = inOrder(thing, name, 0, Infinity).at(-1);
          return last ? [[name, last]] : [];
        });
        assert.deepEqual(await store.latest(thing.house.org, thing.id), Object.fromEntries(newest));
      }
      await store.telemetry.compact();
      await store.close();
    }),
    { numRuns: 12 },
  );
});
