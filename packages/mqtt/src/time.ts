/** Where time comes from. A test moves it; a program passes the system's. */
export interface Time {
  /** Milliseconds since the epoch. May be set back or forth. */
  now(): number;
  /** Milliseconds that pass evenly, whatever is done to the clock. */
  elapsed(): number;
  /** Calls once after so many milliseconds (at most 2^30) unless cancelled. */
  setTimer(milliseconds: number, call: () => void): () => void;
}

const farthest = 2 ** 30;

/** A timer of any length: Node's own fire at once beyond 24.8 days. */
export function after(time: Time, milliseconds: number, call: () => void): () => void {
  const due = time.elapsed() + milliseconds;
  const wait = (rest: number): (() => void) =>
    time.setTimer(Math.min(Math.max(rest, 0), farthest), () => {
      const left = due - time.elapsed();
      // Timers may ring a fraction of a millisecond early.
      if (left >= 1) cancel = wait(left);
      else call();
    });
  let cancel = wait(milliseconds);
  return () => cancel();
}
