/** Later, once. `milliseconds` is at most 2^31 - 1, which is what Node's and browsers' own timers take. */
export interface Timers {
  after(milliseconds: number, work: () => void): { cancel(): void };
}

/** The runtime's timers. In Node none of them keeps the process alive. */
export const systemTimers: Timers = {
  after(milliseconds, work) {
    const timer: unknown = setTimeout(work, milliseconds);
    // Node answers with an object, a browser with a number.
    const isNodes = isReferable(timer);
    if (isNodes) timer.unref();
    return {
      cancel() {
        // Node keeps a list for each number of milliseconds, and lets go of an empty one at once only when its last timer kept the process alive.
        if (isNodes) timer.ref();
        clearTimeout(timer as Parameters<typeof clearTimeout>[0]); // it is what setTimeout gave
      },
    };
  },
};

type Referable = { ref(): unknown; unref(): unknown };

const isReferable = (timer: unknown): timer is Referable =>
  typeof timer === "object" && timer !== null && "ref" in timer && "unref" in timer;
