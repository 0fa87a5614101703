// Hot path: every chunk that is written is made here.
import { encodeChunk } from "./chunk.ts";
import { partsOf } from "./parts.ts";
import type { Points } from "./points.ts";
import type { NewChunk } from "./postgres.ts";
import { encodeRollup, isWorthRollup, rollupOf } from "./rollup.ts";
import type { ChunkSeal } from "./sealing.ts";
import type { Stint } from "./stint.ts";

/** Points of one series as the chunks that it takes, sealed, each with its rollup where that is worth it. */
export async function sealParts(
  points: Points,
  { seal, period, series, position }: { seal: ChunkSeal; period: number; series: number; position: number },
  stint: Stint,
): Promise<NewChunk[]> {
  const chunks: NewChunk[] = [];
  for (const part of partsOf(points)) {
    const { times } = part;
    const place = { series, first: times[0] ?? 0, last: times.at(-1) ?? 0, count: times.length, position };
    chunks.push({
      ...place,
      period,
      data: seal.seal("points", place, encodeChunk(part)),
      rollup: isWorthRollup(part) ? seal.seal("rollup", place, encodeRollup(rollupOf(part))) : undefined,
    });
    if (stint.isLong) await stint.rest();
  }
  return chunks;
}
