/** Later, once. `milliseconds` is at most 2^31 - 1, which is what Node's and browsers' own timers take. */
export interface Timers {
  after(milliseconds: number, work: () => void): { cancel(): void };
}

/** The runtime's timers. In Node none of them keeps the process alive. */
export const systemTimers: Timers = {
  after(milliseconds, work) {
    const timer: unknown = setTimeout(work, milliseconds);
    // Node answers with an object, a browser with a number.
    if (typeof timer === "object" && timer && "unref" in timer && typeof timer.unref === "function") timer.unref();
    return { cancel: () => clearTimeout(timer as Parameters<typeof clearTimeout>[0]) }; // it is what setTimeout gave
  },
};
