import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { Answer } from "../apps/server/src/testing/index.ts";

const median = (times: readonly number[]): number => times.toSorted((a, b) => a - b)[times.length >> 1] ?? Number.NaN;

/**
 * Whether one of two questions is answered later than the other is not heard. Both are asked in turns, so that what else the machine does meets both alike. They differ
 * where their medians are apart and besides the one takes longer than the other in clearly more than half of all pairs: on a busy machine
 * medians wander, and on an idle one microseconds that no network lets through decide every pair. Status and size are the same each time.
 */
export async function assertAlike(
  t: TestContext,
  rounds: number,
  prepare: (which: "known" | "unknown") => Promise<() => Promise<Answer<unknown>>>,
  differing = /"(requestId|challenge|id)":"[^"]*"/g,
): Promise<void> {
  const times = { known: new Array<number>(), unknown: new Array<number>() };
  const answers = new Set<string>();
  const measure = async (from: number, to: number) => {
    for (let round = from; round < to; round += 1) {
      // Which comes first changes, too.
      for (const which of round % 2 === 0 ? (["known", "unknown"] as const) : (["unknown", "known"] as const)) {
        const ask = await prepare(which);
        const began = performance.now();
        const { status, text } = await ask();
        if (round >= 0) times[which].push(performance.now() - began);
        answers.add(`${status} ${text.replaceAll(differing, "").length}`);
      }
    }
  };
  const compared = () => {
    const [one, two] = [median(times.known), median(times.unknown)];
    // Of all pairs (Mann and Whitney's U): a half where nothing differs, with a deviation of 0.05 for 60 rounds.
    const pairs = times.known.flatMap((a) => times.unknown.map((b) => (a > b ? 1 : a === b ? 0.5 : 0)));
    const longer = pairs.reduce<number>((sum, pair) => sum + pair, 0) / pairs.length;
    const told = `${[...answers].join()}: N = ${times.known.length} each, known ${one.toFixed(2)} ms, unknown ${two.toFixed(2)} ms, known takes longer in ${longer.toFixed(2)} of pairs`;
    // A slow hash is a hundred times this.
    const isApart = Math.abs(one - two) > 0.5 + 0.05 * Math.max(one, two);
    return { told, differ: isApart && Math.abs(longer - 0.5) > 0.2 };
  };
  await measure(-3, rounds);
  // Four deviations come by chance as well, once in ten thousand times: then as many again are asked, and all of them count.
  if (compared().differ) await measure(rounds, 2 * rounds);
  assert.equal(answers.size, 1, [...answers].join(", "));
  const { told, differ } = compared();
  t.diagnostic(told);
  assert.ok(!differ, told);
}
