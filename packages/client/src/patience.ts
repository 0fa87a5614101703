import { NotReached } from "./transport.ts";

/** How long somebody waits for an answer, joined with the caller's own signal. */
export class Patience implements Disposable {
  readonly #controller = new AbortController();
  readonly #signal: AbortSignal;
  readonly #origin: string;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ms: number, caller: AbortSignal | undefined, origin: string) {
    this.#origin = origin;
    this.#signal = caller ? AbortSignal.any([caller, this.#controller.signal]) : this.#controller.signal;
    this.#restart(ms);
  }

  /** @throws what `work` throws, or the reason of the signal that ended it, whatever the transport made of that. */
  async over<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    try {
      return await work(this.#signal);
    } catch (error) {
      throw this.#signal.aborted ? this.#signal.reason : error;
    }
  }

  /** From here on it is each silence of a stream that must not last longer than this. */
  async *between<T>(chunks: AsyncIterable<T>, ms: number): AsyncGenerator<T> {
    this.#restart(ms);
    for await (const chunk of chunks) {
      clearTimeout(this.#timer); // the reader may take its time
      yield chunk;
      this.#restart(ms);
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #restart(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const sentence = `${this.#origin} did not answer within ${ms / 1_000} s.`;
      this.#controller.abort(new NotReached("timedOut", sentence));
    }, ms);
  }
}
