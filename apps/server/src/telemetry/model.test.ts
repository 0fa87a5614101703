import assert from "node:assert/strict";
import { test } from "node:test";
import type { Id } from "@holdfast/kernel";
import { aggregates, type Aggregate } from "@holdfast/protocol";
import fc from "fast-check";
import { atEnd } from "../testing/index.ts";
import { isPercentile } from "./percentile.ts";
import { world, type Org, type Store } from "./store.fixture.ts";
import { anyJson, anyLocation } from "./value.fixture.ts";
import type { Value } from "./value.ts";

const w = await world(atEnd);
const orgs = [await w.org(), await w.org()];
const minute = 60_000;

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
  | { readonly step: "compact" | "restart" | "tidy" };

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
);

/** What should be there: each point under its time, the later one in place of the earlier. */
type Model = Map<string, Map<number, Value>>;
type Thing = { readonly org: Org; readonly id: Id<"device">; readonly model: Model };

function watch(store: Store, things: readonly Thing[]): void {
  store.telemetry.onStored({
    wants: () => true,
    stored: ({ device, readings }) => {
      const model = things.find(({ id }) => id === device)?.model;
      for (const { time, values: all } of readings) {
        for (const [name, value] of all) {
          let points = model?.get(name);
          if (!points) model?.set(name, (points = new Map()));
          points?.set(time, value);
        }
      }
    },
  });
}

const inOrder = (model: Model, name: string, from: number, until: number) =>
  [...(model.get(name) ?? [])].filter(([time]) => time >= from && time < until).sort(([a], [b]) => a - b);

async function compare(
  store: Store,
  { org, id, model }: Thing,
  from: number,
  until: number,
  every: number,
): Promise<void> {
  for (const name of ["n", "b", "t", "p", "j", "none"]) {
    const expected = inOrder(model, name, from, until);
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

test("whatever is sent, flushed, restarted and asked in whatever order, answers are those of a plain map", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 30 }), async (steps) => {
      const things: Thing[] = [];
      for (const org of [...orgs, ...orgs]) things.push({ org, id: await org.device(), model: new Map() });
      // Segments this small end all the time, and press whatever is in them.
      const open = async () => {
        const opened = await w.open({ sizes: { segment: 3_000 } });
        watch(opened, things);
        return opened;
      };
      let store = await open();
      const say = async (at: number, body: unknown) => {
        const thing = things[at];
        if (!thing) return;
        assert.equal(await store.sayNow(await thing.org.space(), thing.id, body), 0);
      };
      for (const one of steps) {
        const now = w.clock.now();
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
            const thing = things[one.to];
            if (thing) await compare(store, thing, now - one.ago - one.span, now - one.ago + 1, one.every);
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
          case "restart":
            await store.close();
            store = await open();
            break;
        }
      }
      for (const thing of things) {
        await compare(store, thing, 0, w.clock.now() + 1e9, 15 * minute);
        const newest = [...thing.model].map(([name]) => [name, inOrder(thing.model, name, 0, Infinity).at(-1)]);
        assert.deepEqual(await store.latest(thing.org, thing.id), Object.fromEntries(newest));
      }
      await store.telemetry.compact();
      await store.close();
    }),
    { numRuns: 12 },
  );
});
