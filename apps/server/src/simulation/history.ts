import { rfc3339, type Instant } from "@holdfast/kernel";
import type { Machine } from "./machines.ts";

const step = 60_000; // milliseconds
const length = 24 * 60; // steps
/** Bytes of one reading with its time, generously. */
const readingBytes = 160;
/** Readings in one message, where so many fit: the platform takes 1,000, and has others to serve meanwhile. */
const together = 120;

/** The day before `now` as bodies to deliver, oldest first: none is longer than `maximumMessage` bytes. */
export function* lastDay(machine: Machine, now: Instant, maximumMessage: number): Generator<string> {
  const most = Math.min(together, Math.floor(maximumMessage / readingBytes));
  for (let left = length; left > 0;) {
    const readings = Array.from({ length: Math.min(left, most) }, (_, index) => {
      const at = (now - (left - index) * step) as Instant; // milliseconds both
      return { time: rfc3339(at), values: machine(at) };
    });
    left -= readings.length;
    yield JSON.stringify(readings);
  }
}
