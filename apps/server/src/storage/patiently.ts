import type { Timers } from "@holdfast/kernel";
import { Patience } from "./patience.ts";

const retryEveryMs = 200;

type Needs = {
  readonly timers: Timers;
  /** Whether what failed may come back: a server that is just starting. */
  readonly mayRecover: (error: unknown) => boolean;
  /** Told once, when there is something to wait for. */
  readonly waiting: () => void;
  /** Ends the wait. An attempt in hand that succeeds all the same counts. */
  readonly signal?: AbortSignal | undefined;
};

/** Tries again until it comes about, for ten seconds. @throws what the last attempt threw; the signal's reason */
export async function patiently<T>(attempt: () => Promise<T>, needs: Needs): Promise<T> {
  const { timers, mayRecover, waiting, signal } = needs;
  const patience = new Patience(timers);
  const stop = Promise.withResolvers<never>();
  const abort = (): void => stop.reject(signal?.reason);
  stop.promise.catch(() => undefined); // awaited below, or nobody's business
  signal?.addEventListener("abort", abort, { once: true });
  let isSilent = true;
  try {
    for (;;) {
      signal?.throwIfAborted();
      try {
        return await attempt();
      } catch (error) {
        signal?.throwIfAborted();
        if (!mayRecover(error) || patience.isOver) throw error;
        if (isSilent) waiting();
        isSilent = false;
        await Promise.race([new Promise<void>((resolve) => timers.after(retryEveryMs, resolve)), stop.promise]);
      }
    }
  } finally {
    signal?.removeEventListener("abort", abort);
    patience.end();
  }
}
