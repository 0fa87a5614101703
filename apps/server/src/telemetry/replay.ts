import type { Id } from "@holdfast/kernel";
import { asPlatform, type Space, type Spaces } from "../authority/index.ts";
import type { Storage } from "../storage/index.ts";
import { chunksIn, orgOf } from "./postgres.ts";
import { typeOf, type Value } from "./reading.ts";
import { readRecord } from "./record.ts";
import type { Segments } from "./segments.ts";
import { Series, type DeviceSeries } from "./series.ts";

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly segments: Segments;
  readonly prepare: (space: Space, device: Id<"device">) => Promise<DeviceSeries>;
  readonly committed: (series: readonly Series[]) => void;
  readonly report: (message: string) => void;
};

const atOnce = 64; // records

/** Reads the log from the start: what chunks do not reach goes back into the buffers, each point once. Answers how many. */
export async function replay(needs: Needs): Promise<number> {
  const { storage, spaces, report } = needs;
  let points = 0;
  let told = performance.now();
  for (const row of await storage.maintain.call<{ org: string }>("log_orgs", [])) {
    const space = await spaces.of(orgOf(row));
    for (let after = -1; ;) {
      const records = await storage.read(asPlatform(space.scope), (unit) => chunksIn(unit).records(after, atOnce));
      for (const record of records) points += await replayRecord(needs, space, record);
      const last = records.at(-1);
      if (!last || records.length < atOnce) break;
      after = last.position;
      if (performance.now() - told > 1_000) {
        told = performance.now();
        report(`Reading the log: ${points.toLocaleString("en")} points so far.`);
      }
    }
  }
  return points;
}

async function replayRecord(
  needs: Needs,
  space: Space,
  record: { segment: number; position: number; body: Uint8Array },
): Promise<number> {
  const { segments, prepare, committed } = needs;
  const seal = segments.sealOf(record.segment);
  if (!seal) throw new Error(`log segment ${record.segment} was not opened`);
  const found: { device: Id<"device">; name: string; time: number; value: Value }[] = [];
  readRecord(seal.open(space.org, record.position, record.body), (device, name, time, value) =>
    found.push({ device, name, time, value }),
  );
  const states = new Map<Id<"device">, DeviceSeries>();
  for (const { device } of found) if (!states.has(device)) states.set(device, await prepare(space, device));
  const touched: Series[] = [];
  for (const { device, name, time, value } of found) {
    const state = states.get(device);
    if (!state) continue;
    let series = state.byName.get(name);
    if (!series) state.byName.set(name, (series = new Series(state, name, typeOf(value))));
    // A chunk has it already, and its position says so in the same transaction.
    if (record.position <= series.position) continue;
    state.lastGiven = Math.max(state.lastGiven, time);
    series.add(time, value, record.position);
    touched.push(series);
  }
  committed(touched);
  return touched.length;
}
