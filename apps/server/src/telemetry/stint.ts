import { setImmediate as turn } from "node:timers/promises";

/** Milliseconds of work before others have the thread. */
const most = 3;

/** How long somebody has had the thread that readings are taken by. Long work asks now and then whether that is enough, and rests. */
export class Stint {
  #since = performance.now();

  get isLong(): boolean {
    return performance.now() - this.#since >= most;
  }

  /** Others have a turn, whoever they are. */
  async rest(): Promise<void> {
    await turn();
    this.#since = performance.now();
  }
}

/** As `map`, with rests between. */
export async function mapInStints<T, R>(all: readonly T[], map: (one: T) => R, stint = new Stint()): Promise<R[]> {
  const mapped: R[] = [];
  for (const one of all) {
    if (mapped.length % 256 === 0 && stint.isLong) await stint.rest();
    mapped.push(map(one));
  }
  return mapped;
}
