import { setImmediate } from "node:timers/promises";
import { exportedLines } from "../../apps/server/src/telemetry/export-lines.ts";
import { Questions } from "../../apps/server/src/telemetry/questions.ts";
import { quantile } from "../ingest/cost.ts";
import type { Place } from "../ingest/place.ts";
import { permitOf } from "./history.ts";

/** So many readings a second, of all devices in turn, for so long. Answers milliseconds from each to its acknowledgement. */
export async function paced(
  { telemetry, space, devices }: Place,
  { perSecond, milliseconds }: { perSecond: number; milliseconds: number },
): Promise<{ p50: number; p99: number; count: number }> {
  const body = Buffer.from(JSON.stringify({ paced: 21.53 }));
  const taken: number[] = [];
  const began = performance.now();
  let sent = 0;
  let waiting = 0;
  const failure: { reason: Error | undefined } = { reason: undefined };
  while (performance.now() - began < milliseconds && !failure.reason) {
    // What should have been sent by now is late from when it should have been: a stall is not left out.
    const due = Math.floor(((performance.now() - began) * perSecond) / 1_000);
    for (; sent < due; sent++) {
      const device = devices[sent % devices.length];
      if (!device) break;
      const at = began + (sent * 1_000) / perSecond;
      waiting += 1;
      const settle = (code: number): void => {
        waiting -= 1;
        taken.push(performance.now() - at);
        if (code !== 0) failure.reason = new Error(`a reading was refused with code ${code}`);
      };
      const refusal = telemetry.accept({ space, device, via: "mqtt" }, body, {}, { settle });
      if (refusal) throw refusal;
    }
    await setImmediate();
  }
  while (waiting > 0 && !failure.reason) await setImmediate();
  if (failure.reason) throw failure.reason;
  const all = Float64Array.from(taken);
  return { p50: quantile(all, 0.5), p99: quantile(all, 0.99), count: all.length };
}

/** A large export, read as fast as it comes, and compaction, until it is stopped. Answers how much of each was done. */
export function busy(place: Place, range: { from: number; to: number }) {
  const state = { isStopped: false, bytes: 0, compactions: 0 };
  const questions = new Questions(place.asking);
  const exporting = async (): Promise<void> => {
    const permits = place.devices.map((device) => permitOf(place, device));
    const all = await questions.readable(permits, ["temperature"]);
    const asked = { ...range, format: "ndjson", isMuch: true } as const;
    for await (const lines of exportedLines({ questions, decoding: place.asking.decoding }, all, asked)) {
      if (state.isStopped) return;
      state.bytes += lines.length;
      await setImmediate(); // as a socket takes it
    }
  };
  const compacting = async (): Promise<void> => {
    while (!state.isStopped) {
      await place.telemetry.compact();
      state.compactions += 1;
      await setImmediate();
    }
  };
  const work = Promise.all([exporting(), compacting()]);
  return {
    state,
    async stop(): Promise<void> {
      state.isStopped = true;
      await work;
    },
  };
}
