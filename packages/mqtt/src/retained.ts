import type { Core } from "./core.ts";
import type { Publication } from "./publication.ts";
import { TopicTree } from "./topic-tree.ts";

/** How long a message whose life is over may still take its room; nobody gets it any more. */
const sweepMilliseconds = 10_000;

/** The last retained message of each topic of a space. */
export class Retained {
  readonly #core: Core;
  readonly #emptied: () => void;
  readonly #tree = new TopicTree<Publication>();
  /** Those whose life has an end. */
  readonly #mortal = new Set<Publication>();
  #cancelSweep: (() => void) | undefined;
  #count = 0;
  #bytes = 0;

  /** `emptied` is called when the last one has gone by itself. */
  constructor(core: Core, emptied: () => void) {
    this.#core = core;
    this.#emptied = emptied;
  }

  get count(): number {
    return this.#count;
  }

  /**
   * Keeps the publication, or forgets its topic when the payload is empty ([MQTT-3.3.1-6]). `false` where the space is full. Of two with
   * numbers the higher stays, so that it is the same after a restart.
   */
  keep(publication: Publication): boolean {
    const { topic } = publication;
    const old = this.#tree.at(topic)[0];
    if (old && old.number > publication.number) return true;
    if (publication.propertiesEnd === publication.end) {
      if (old) this.forget(old);
      return true;
    }
    const { retainedMessages, retainedBytes } = this.#core.limits;
    const count = this.#count + (old ? 0 : 1);
    const bytes = this.#bytes + publication.size - (old?.size ?? 0);
    if (count > retainedMessages || bytes > retainedBytes) return false;
    publication.detach();
    if (old) this.forget(old);
    this.#tree.add(topic, publication);
    this.#account(count, bytes);
    if (publication.expiry !== -1) {
      this.#mortal.add(publication);
      this.#cancelSweep ??= this.#core.time.setTimer(sweepMilliseconds, () => this.#sweep());
    }
    return true;
  }

  clear(): void {
    for (const publication of this.all()) this.forget(publication);
  }

  /** Nothing goes by itself any more. */
  stop(): void {
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
  }

  #sweep(): void {
    this.#cancelSweep = undefined;
    const { time } = this.#core;
    const now = time.elapsed();
    for (const publication of this.#mortal) if (publication.secondsLeft(now) === 0) this.forget(publication);
    if (this.#mortal.size > 0) this.#cancelSweep = time.setTimer(sweepMilliseconds, () => this.#sweep());
    if (this.#count === 0) this.#emptied();
  }

  #account(count: number, bytes: number): void {
    const { statistics } = this.#core;
    statistics.retained += count - this.#count;
    statistics.retainedBytes += bytes - this.#bytes;
    this.#count = count;
    this.#bytes = bytes;
  }

  /** One that is there. */
  forget(publication: Publication): void {
    this.#tree.remove(publication.topic, publication);
    this.#account(this.#count - 1, this.#bytes - publication.size);
    if (this.#mortal.delete(publication) && this.#mortal.size === 0) this.stop();
  }

  /** Whether it is what its topic retains. */
  has(publication: Publication): boolean {
    return this.#tree.at(publication.topic)[0] === publication;
  }

  /** One by one; bears that others come and go meanwhile. */
  *all(): Generator<Publication, void> {
    for (const publication of this.#tree.all()) if (publication) yield publication;
  }

  /** What the filter matches, one by one, and `undefined` for a place where there was nothing. See `TopicTree.search`. */
  search(filter: string): Iterator<Publication | undefined, void> {
    return this.#tree.search(filter);
  }
}
