import { systemClock, systemRandom, type Id } from "@holdfast/kernel";
import { Compaction } from "../../apps/server/src/telemetry/compaction.ts";
import { Tidying } from "../../apps/server/src/telemetry/tidying.ts";
import type { Place } from "../ingest/place.ts";
import { sizesOf } from "../ingest/size.ts";
import { permitOf, withClient } from "./history.ts";

const day = 86_400_000;
const uploads = 200;
const inUpload = 100;
const period = 100_000;

/** Bytes a point of what came in uploads of a hundred points, in any order, and of a day that came in order: as the flushes left it, and joined. */
export async function joining(place: Place, devices: readonly Id<"device">[]) {
  const { storage, keys } = place.asking;
  const needs = { storage, keys, random: systemRandom, report: () => undefined };
  const compaction = new Compaction(needs);
  const begin = Math.floor(systemClock.now() / day) * day - 300 * day; // apart from what else is measured here
  const before = await packed(place);
  let position = 1;
  let state = 11;
  const below = (most: number) =>
    Math.floor(((state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32) * most);
  for (const device of devices) {
    const series = (await place.telemetry.seriesOf(permitOf(place, device))).seriesOf("late", "number");
    const shuffled = Array.from({ length: uploads }, (_, at) => ({ at, by: below(2 ** 30) })).sort(
      (a, b) => a.by - b.by,
    );
    const inOrder = Array.from({ length: 20 }, (_, at) => ({ at: uploads + at }));
    let steps = 2_000;
    for (const { at } of [...shuffled, ...inOrder]) {
      position += 1;
      for (let n = 0; n < inUpload; n += 1) {
        steps += below(7) - 3;
        series.buffer.push(begin + (at * inUpload + n) * period + below(9) - 4, steps / 100, position);
      }
      await compaction.of([series]);
    }
  }
  const left = await packed(place);
  await withClient(place.ours, async (client) => void (await client.query("update holdfast.untidy set since = 0")));
  const tidying = new Tidying({ ...needs, clock: systemClock });
  const began = performance.now();
  while (await tidying.round());
  const milliseconds = performance.now() - began;
  const joined = await packed(place);
  const points = left.points - before.points;
  const of = (now: typeof left) => ({ bytes: (now.bytes - before.bytes) / points, chunks: now.chunks - before.chunks });
  return { points, left: of(left), joined: of(joined), milliseconds };
}

/** Without the room that rows leave behind, which others would take. */
async function packed(place: Place) {
  await withClient(place.ours, async (client) => {
    await client.query("vacuum full holdfast.chunk");
    await client.query("vacuum full holdfast.series");
  });
  const { points, chunks, parts } = await sizesOf(place.ours);
  const kept = ["chunks: table", "chunks: TOAST", "chunks: primary key", "series with indexes"];
  return { points, chunks, bytes: parts.reduce((sum, { name, bytes }) => sum + (kept.includes(name) ? bytes : 0), 0) };
}
