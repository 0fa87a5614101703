// Hot path: every chunk that is written is made here.
import { setImmediate } from "node:timers/promises";
import { encodeChunk } from "./chunk.ts";
import { partsOf } from "./parts.ts";
import type { Points } from "./points.ts";
import type { NewChunk } from "./postgres.ts";
import { encodeRollup, isWorthRollup, rollupOf } from "./rollup.ts";
import type { ChunkSeal } from "./sealing.ts";

/** Milliseconds of work before others have the thread. */
const stint = 4;

/** Work that gives the thread back again and again. */
export class Pace {
  #since = 0;

  begin(): void {
    this.#since = performance.now();
  }

  async give(): Promise<void> {
    if (performance.now() - this.#since < stint) return;
    await setImmediate();
    this.#since = performance.now();
  }
}

/** Points of one series as the chunks that it takes, sealed, each with its rollup where that is worth it. */
export async function sealParts(
  points: Points,
  { seal, period, series, position }: { seal: ChunkSeal; period: number; series: number; position: number },
  pace: Pace,
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
    await pace.give();
  }
  return chunks;
}
