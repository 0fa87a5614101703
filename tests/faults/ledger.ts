import assert from "node:assert/strict";
import type { Visitor } from "../../apps/server/src/testing/index.ts";
import { isOwnTime, type Acknowledged, type Publishing, type Told } from "./publisher.ts";

type Point = { readonly time: string; readonly value: number };
type Page = { readonly items: readonly Point[]; readonly nextCursor?: string | null };

export type Balance = { readonly acknowledged: number; readonly found: number; readonly twice: number };

const day = 86_400_000;

async function pointsOf(me: Visitor, device: string, attribute: string): Promise<readonly Point[]> {
  const all: Point[] = [];
  const range = `from=${new Date(Date.now() - 30 * day).toISOString()}&to=${new Date(Date.now() + day).toISOString()}`;
  for (let cursor = ""; ;) {
    const page = await me.get<Page>(
      `/v1/devices/${device}/telemetry?attribute=${attribute}&${range}&limit=10000${cursor}`,
    );
    all.push(...page.items);
    if (!page.nextCursor) return all;
    cursor = `&cursor=${page.nextCursor}`;
  }
}

function* numbers(acknowledged: readonly Acknowledged[]): Generator<number> {
  for (const { from, to } of acknowledged) for (let n = from; n <= to; n++) yield n;
}

/**
 * Holds what the platform has against what it acknowledged: nothing is missing; of its own time nothing is there twice or under another time; what it
 * dated itself strictly increases. Answers how many there are.
 */
export async function settle(me: Visitor, publishing: readonly Publishing[], told: readonly Told[]): Promise<Balance> {
  let [acknowledged, found, twice] = [0, 0, 0];
  for (const [at, { device, dating, epoch }] of publishing.entries()) {
    const { sent, acknowledged: ranges } = told[at] ?? { sent: 0, acknowledged: [] };
    const own = new Map<number, string>();
    const given = new Set<number>();
    if (dating !== "given") {
      for (const { time, value } of await pointsOf(me, device, "own")) {
        assert.ok(!own.has(value), `${device}: reading ${value} of its own time is there twice`);
        assert.equal(Date.parse(time), epoch + value, `${device}: reading ${value} is of another time`);
        own.set(value, time);
      }
      found += own.size;
    }
    if (dating !== "own") {
      let before = -Infinity;
      for (const { time, value } of await pointsOf(me, device, "given")) {
        const now = Date.parse(time);
        assert.ok(now > before, `${device}: ${time} does not come after the reading before`);
        before = now;
        if (given.has(value)) twice += 1;
        given.add(value);
        found += 1;
      }
    }
    for (const n of [...own.keys(), ...given]) {
      assert.ok(n >= 1 && n <= sent, `${device}: there is a reading ${n} that was never sent`);
    }
    const missing: number[] = [];
    for (const n of numbers(ranges)) {
      acknowledged += 1;
      if (!(isOwnTime(dating, n) ? own.has(n) : given.has(n))) missing.push(n);
    }
    assert.deepEqual(
      missing.slice(0, 20),
      [],
      `${device} (${dating}): ${missing.length} acknowledged readings are missing`,
    );
  }
  return { acknowledged, found, twice };
}
