/** Later, once. `milliseconds` is at most 2^31 - 1, which is what Node's own timers take. */
export interface Timers {
  after(milliseconds: number, work: () => void): { cancel(): void };
}

/** Node's timers; none of them keeps the process alive. */
export const systemTimers: Timers = {
  after(milliseconds, work) {
    const timer = setTimeout(work, milliseconds).unref();
    return { cancel: () => clearTimeout(timer) };
  },
};
