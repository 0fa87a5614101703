import { performance } from "node:perf_hooks";
import type { Time } from "./time.ts";

/** The machine's own time. `now` does not follow a clock that is set while the program runs; to a broker alone that does no harm. */
export const systemTime: Time = {
  now: () => performance.timeOrigin + performance.now(),
  elapsed: () => performance.now(),
  setTimer(milliseconds, call) {
    const timer = setTimeout(call, milliseconds);
    timer.unref();
    return () => {
      // Node keeps a list for each number of milliseconds, and lets go of an empty one at once only when its last timer kept the process alive.
      timer.ref();
      clearTimeout(timer);
    };
  },
};
