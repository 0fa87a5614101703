import type { Instant } from "@holdfast/kernel";
import type { DeviceSeries } from "./series.ts";

/** A device whose clock is this little ahead of ours (milliseconds) may send a time that we would be about to give. */
const near = 1_000;

/**
 * The time of a reading that came without one: now, and strictly later than any given before, so that no two readings fall
 * together, also not when the clock stands still or was set back.
 */
export function giveTime(state: DeviceSeries, now: Instant): Instant {
  const given = Math.max(now, state.lastGiven + 1) as Instant; // whole milliseconds both
  state.lastGiven = given;
  return given;
}

/**
 * A reading had this time. Of a device that sends both with and without, the times that it gives itself are passed by too;
 * else a reading without could take the place of one that was acknowledged.
 */
export function passTime(state: DeviceSeries, time: number, received: number, timeFrom: "device" | "platform"): void {
  if (time > state.lastGiven && (timeFrom === "platform" || time <= received + near)) state.lastGiven = time;
}
