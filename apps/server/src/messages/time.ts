import type { Clock, Timers } from "@holdfast/kernel";
import type { Time } from "@holdfast/mqtt";

/** The broker's words for time: the wall clock that only goes forward, and the one that cannot be set. */
export const timeOf = (clock: Clock, timers: Timers): Time => ({
  now: () => clock.now(),
  elapsed: () => clock.elapsed(),
  setTimer: (milliseconds, call) => {
    const timer = timers.after(milliseconds, call);
    return () => timer.cancel();
  },
});
