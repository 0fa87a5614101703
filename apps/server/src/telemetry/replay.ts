import { idFrom, isRefusal, type Id, type Report } from "@holdfast/kernel";
import { asPlatform, type Space, type Spaces } from "../authority/index.ts";
import type { Storage } from "../storage/index.ts";
import type { Devices } from "./devices.ts";
import { passTime } from "./given.ts";
import { recordsOf } from "./postgres.ts";
import { typeOf, type Value } from "./value.ts";
import { readRecord, type TimeFrom } from "./record.ts";
import type { SegmentSeal } from "./sealing.ts";
import type { Segments } from "./segments.ts";
import type { Series } from "./series.ts";

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly segments: Segments;
  readonly devices: Devices;
  readonly committed: (series: readonly Series[]) => void;
  /** Settles when buffers are within their bounds. */
  readonly room: () => Promise<void>;
  readonly report: Report;
};

const atOnce = 16; // records of at most a few megabytes each, and of a few kilobytes usually
const tellEvery = 1_000; // milliseconds

type Point = {
  readonly device: Id<"device">;
  readonly name: string;
  readonly time: number;
  readonly value: Value;
  readonly received: number;
  readonly from: TimeFrom;
};

/** Reads the log from the start: what chunks do not reach goes back into the buffers, each point once. Answers how many. */
export async function replay(needs: Needs): Promise<number> {
  const { storage, spaces, segments, report, room } = needs;
  let points = 0;
  let told = performance.now();
  for (const row of await storage.maintain.call<{ org: string }>("log_orgs", [])) {
    const org = idFrom("org", row.org);
    const space = await spaceOf(spaces, org);
    if (!space) {
      report(`The log has readings of ${org}, whose key was erased: they are dropped.`, {
        level: "error",
        code: "org.unknown",
      });
      continue;
    }
    for (const { number, seal } of segments.written) {
      let broken = 0;
      for (let after = 0; ;) {
        const page = { after, most: atOnce };
        const records = await storage.read(asPlatform(space.scope), (unit) => recordsOf(unit, number, page));
        for (const { position, body } of records) {
          const kept = seal && (await keep(needs, space, position, opened(seal, space, position, body)));
          points += kept?.points ?? 0;
          if (!kept?.isWhole) broken += 1;
        }
        await room();
        const last = records.at(-1);
        if (!last || records.length < atOnce) break;
        after = last.position;
        if (performance.now() - told > tellEvery) {
          told = performance.now();
          report(`Reading the log: ${points.toLocaleString("en")} points so far.`);
        }
      }
      if (broken === 0) continue;
      segments.damaged(number);
      const why = seal ? "They, or their series, were altered." : "Their key is not in this keyring.";
      report(`${broken} records of ${org} in segment ${number} of the log do not open, and stay there. ${why}`, {
        level: "error",
        code: "seal.broken",
      });
    }
  }
  return points;
}

async function spaceOf(spaces: Spaces, org: Id<"org">): Promise<Space | undefined> {
  try {
    return await spaces.of(org);
  } catch (error) {
    if (isRefusal(error, "org.unknown")) return undefined;
    throw error;
  }
}

/** All points of a record, or none: what does not open is not read in parts. */
function opened(seal: SegmentSeal, space: Space, position: number, body: Uint8Array): readonly Point[] | undefined {
  const found: Point[] = [];
  try {
    readRecord(seal.open(space.org, position, body), (device, name, time, value, received, from) =>
      found.push({ device, name, time, value, received, from }),
    );
    return found;
  } catch (error) {
    if (isRefusal(error, "seal.broken")) return undefined;
    throw error;
  }
}

/** `isWhole` is false when something of it could not be kept, and may be worth another look. */
async function keep(
  { devices, committed }: Needs,
  space: Space,
  position: number,
  found: readonly Point[] | undefined,
): Promise<{ points: number; isWhole: boolean }> {
  if (!found) return { points: 0, isWhole: false };
  const failures = await devices.prepareAll(space, [...new Set(found.map(({ device }) => device))]);
  const touched: Series[] = [];
  for (const { device, name, time, value, received, from } of found) {
    const state = failures.has(device) ? undefined : devices.at(space, device);
    if (!state) continue;
    passTime(state, time, received, from);
    const series = state.seriesOf(name, typeOf(value));
    // A chunk has it already, and the series' position says so in the same transaction.
    if (position <= series.position || state.periods.at(position).isErased) continue;
    series.pending += 1;
    series.add(time, value, position);
    touched.push(series);
  }
  committed(touched);
  // Of a device that is not there any more nothing is to be kept.
  const isWhole = [...failures.values()].every(({ code }) => code === "device.unknown" || code === "device.erased");
  return { points: touched.length, isWhole };
}
