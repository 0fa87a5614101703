import type { Limits } from "./limits.ts";
import type { Publication } from "./publication.ts";
import type { Statistics } from "./statistics.ts";
import { TopicTree } from "./topic-tree.ts";

/** The last retained message of each topic of a space. */
export class Retained {
  readonly #limits: Limits;
  readonly #statistics: Statistics;
  readonly #tree = new TopicTree<Publication>();
  #count = 0;
  #bytes = 0;

  constructor(limits: Limits, statistics: Statistics) {
    this.#limits = limits;
    this.#statistics = statistics;
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
    const { retainedMessages, retainedBytes } = this.#limits;
    const count = this.#count + (old ? 0 : 1);
    const bytes = this.#bytes + publication.size - (old?.size ?? 0);
    if (count > retainedMessages || bytes > retainedBytes) return false;
    publication.detach();
    if (old) this.#tree.remove(topic, old);
    this.#tree.add(topic, publication);
    this.#account(count, bytes);
    return true;
  }

  clear(): void {
    for (const publication of this.all()) this.forget(publication);
  }

  #account(count: number, bytes: number): void {
    this.#statistics.retained += count - this.#count;
    this.#statistics.retainedBytes += bytes - this.#bytes;
    this.#count = count;
    this.#bytes = bytes;
  }

  /** One that is there. */
  forget(publication: Publication): void {
    this.#tree.remove(publication.topic, publication);
    this.#account(this.#count - 1, this.#bytes - publication.size);
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
