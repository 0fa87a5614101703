import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { newId, systemRandom, type Id, type Instant } from "@holdfast/kernel";
import { asPlatform } from "../authority/index.ts";
import { atEnd } from "../testing/index.ts";
import { world } from "./store.fixture.ts";

// What customers are shown of a device that was one's, another's, nobody's and one's again: against a plain list of all that it said.
const w = await world(atEnd);
const org = await w.org();
const store = await w.open();
const { scope } = await org.space();
const users = [newId("user", systemRandom), newId("user", systemRandom)] as const;
const seconds = 1_000;
const quarter = 900 * seconds;
/** All questions are about the time from a day before the first reading to a day behind the last. */
const day = 86_400_000;

type Said = { readonly time: number; readonly value: number; readonly turn: number };
type Turn = { readonly at: number; readonly user: Id<"user"> | undefined };

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      does: fc.constant("say" as const),
      back: fc.array(fc.integer({ min: -300, max: 2_400 }), { minLength: 1, maxLength: 40 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ does: fc.constant("give" as const), to: fc.constantFrom(0, 1, undefined) }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant("wait" as const), for: fc.integer({ min: 1, max: 1_500 }) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant("compact" as const) }) },
);

/** In the order of time, of equal times what came last. */
function sorted(said: readonly Said[]): (readonly [number, number])[] {
  return [...new Map(said.map(({ time, value }) => [time, value]))].sort(([a], [b]) => a - b);
}

/** What came while it was hers, and was measured while it was. */
function hers(said: readonly Said[], turns: readonly Turn[], user: Id<"user">): readonly Said[] {
  const endOf = (turn: number): number => {
    const next = turns[turn + 1];
    return next ? next.at : Infinity;
  };
  return said.filter(({ time, turn }) => {
    const began = turns[turn];
    return began?.user === user && time >= began.at && time < endOf(turn);
  });
}

function summed(points: readonly (readonly [number, number])[], every: number) {
  const groups = Map.groupBy(points, ([time]) => Math.floor(time / every) * every);
  return [...groups].map(([time, group]) => ({
    time,
    count: group.length,
    sum: group.reduce((sum, [, value]) => sum + value, 0),
    max: Math.max(...group.map(([, value]) => value)),
  }));
}

test("of a device that changes hands each customer is shown what it measured while it was hers, by every way to ask, and the organisation all", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
      const device = await org.device();
      const begin = w.clock.now() - day;
      const said: Said[] = [];
      const turns: Turn[] = [{ at: -Infinity, user: undefined }];
      let value = 0;
      for (const one of steps) {
        switch (one.does) {
          case "say": {
            const body = one.back.map((ago) => ({ time: w.clock.now() - ago * seconds, values: { n: ++value } }));
            assert.equal(await store.say(org, device, body), 0);
            for (const { time, values } of body) said.push({ time, value: values.n, turn: turns.length - 1 });
            break;
          }
          case "give": {
            const user = one.to === undefined ? undefined : users[one.to];
            await w.storage.note(asPlatform(scope), (unit) => store.telemetry.erasures.turn(unit, device, user));
            if (turns.at(-1)?.user !== user) turns.push({ at: w.clock.now(), user });
            break;
          }
          case "wait":
            w.clock.move(one.for * seconds);
            break;
          case "compact":
            await store.telemetry.compact();
        }
      }
      const to = (w.clock.now() + day) as Instant;
      const range = { from: begin as Instant, to };
      for (const user of [undefined, ...users]) {
        const wanted = sorted(user ? hers(said, turns, user) : said);
        const permit = await org.permit("telemetry.read", device, user);
        const asked = { ...range, attribute: "n", limit: 10_000, cursor: undefined };
        const pairs = (items: readonly { time: number; value: unknown }[]) =>
          items.map((item) => [item.time, item.value]);

        assert.deepEqual(pairs((await store.queries.points(permit, asked)).items), wanted);
        const paged = await store.queries.points(permit, { ...asked, limit: 3 });
        assert.deepEqual(pairs(paged.items), wanted.slice(0, 3));
        const newest = wanted.at(-1);
        assert.deepEqual(
          (await store.queries.latest(permit)).map(({ point }) => [point.time, point.value]),
          newest ? [newest] : [],
        );
        for (const every of [quarter, 4 * quarter, 7 * 60 * seconds]) {
          const windows = { ...asked, every: { unit: "millisecond", count: every } as const };
          const aggregates = ["count", "sum", "max"] as const;
          const { items } = await store.queries.aggregate(permit, { ...windows, aggregates });
          assert.deepEqual(items, summed(wanted, every));
        }
        const readable = await store.questions.readable([permit], undefined);
        assert.ok((await store.questions.estimate(readable, range)) >= wanted.length);
        const question = { ...range, attributes: ["n"], fill: "none", by: "device" } as const;
        const answer = async (more: object) => (await store.questions.answer([permit], { ...question, ...more }))[0];
        assert.deepEqual(
          pairs(((await answer({}))?.items ?? []) as readonly { time: number; value: unknown }[]),
          wanted,
        );
        const thinned = ((await answer({ width: 50 }))?.items ?? []) as readonly { time: number; value: unknown }[];
        for (const [time, shown] of pairs(thinned)) assert.ok(wanted.some(([at, is]) => at === time && is === shown));
        assert.equal(thinned.length > 0, wanted.length > 0);
        const hour = { every: { unit: "millisecond", count: 4 * quarter }, fill: "zero", aggregates: ["count"] };
        const counts = ((await answer(hour))?.items ?? []) as readonly { count: number }[];
        assert.equal(
          counts.reduce((sum, { count }) => sum + count, 0),
          wanted.length,
        );
      }
    }),
    { numRuns: 40 },
  );
});
