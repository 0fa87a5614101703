import type { Core } from "./core.ts";
import type { Publication } from "./publication.ts";
import { TopicTree } from "./topic-tree.ts";

/** How long a message whose life is over may still take its room; nobody gets it any more. */
const sweepMilliseconds = 10_000;

/** What is on its way to one topic: accepted, and not settled yet. */
type Coming = {
  open: number;
  /** The highest number that has been settled meanwhile. */
  settled: number;
  /** It is counted among the topics to come, because nothing is retained there yet. */
  isNew: boolean;
};

const isEmpty = ({ propertiesEnd, end }: Publication): boolean => propertiesEnd === end;

/** The last retained message of each topic of a space: of all that were accepted, whenever they were settled. */
export class Retained {
  readonly #core: Core;
  readonly #emptied: () => void;
  readonly #tree = new TopicTree<Publication>();
  /** Those whose life has an end. */
  readonly #mortal = new Set<Publication>();
  #cancelSweep: (() => void) | undefined;
  #count = 0;
  #bytes = 0;
  readonly #coming = new Map<string, Coming>();
  #comingTopics = 0;
  #comingBytes = 0;
  #lastNumber = 0;

  /** `emptied` is called when the last one has gone by itself, or is not coming any more. */
  constructor(core: Core, emptied: () => void) {
    this.#core = core;
    this.#emptied = emptied;
  }

  /** Nothing is retained, nor will be by what was accepted. */
  get isEmpty(): boolean {
    return this.#count === 0 && this.#coming.size === 0;
  }

  /** Whether it finds room beside those that are there and those to come. What clears its topic always does. */
  hasRoomFor(publication: Publication): boolean {
    if (isEmpty(publication)) return true;
    const { topic, size } = publication;
    const old = this.#tree.at(topic)[0];
    const { retainedMessages, retainedBytes } = this.#core.limits;
    const isCounted = old !== undefined || this.#coming.get(topic)?.isNew === true;
    if (!isCounted && this.#count + this.#comingTopics >= retainedMessages) return false;
    const growth = size - (old?.size ?? 0);
    return growth <= 0 || this.#bytes + this.#comingBytes + growth <= retainedBytes;
  }

  /** It is about to be accepted: has its room from now on, and its place in the order in which they were. */
  expect(publication: Publication): void {
    const { topic, size } = publication;
    // Where there is a journal, that has given it one.
    if (publication.number === 0) publication.number = ++this.#lastNumber;
    let coming = this.#coming.get(topic);
    if (!coming) this.#coming.set(topic, (coming = { open: 0, settled: 0, isNew: false }));
    coming.open++;
    publication.expectedBy = this;
    if (isEmpty(publication)) return;
    this.#comingBytes += size;
    if (coming.isNew || this.#tree.at(topic).length > 0) return;
    coming.isNew = true;
    this.#comingTopics++;
  }

  /** It was not kept after all. */
  giveUp(publication: Publication): void {
    this.#come(publication);
    if (this.isEmpty) this.#emptied();
  }

  /** Answers the highest number that was settled before. */
  #come(publication: Publication): number {
    const coming = publication.expectedBy === this ? this.#coming.get(publication.topic) : undefined;
    if (!coming) return 0; // restored, or from before the space was unloaded
    publication.expectedBy = null;
    if (!isEmpty(publication)) this.#comingBytes -= publication.size;
    if (--coming.open === 0) {
      this.#coming.delete(publication.topic);
      this.#isThere(coming);
    }
    return coming.settled;
  }

  #isThere(coming: Coming): void {
    if (!coming.isNew) return;
    coming.isNew = false;
    this.#comingTopics--;
  }

  /**
   * Keeps the publication, or forgets its topic when the payload is empty ([MQTT-3.3.1-6]). Of two the one with the higher number stays,
   * though it be settled first, so that it is the same after a restart.
   */
  keep(publication: Publication): void {
    const { topic, number } = publication;
    const old = this.#tree.at(topic)[0];
    const settled = Math.max(this.#come(publication), old?.number ?? 0);
    if (settled > number) return;
    const coming = this.#coming.get(topic);
    if (coming) coming.settled = number;
    if (isEmpty(publication)) {
      if (old) this.forget(old);
      return;
    }
    if (coming) this.#isThere(coming);
    publication.detach();
    if (old) this.forget(old);
    this.#tree.add(topic, publication);
    this.#account(this.#count + 1, this.#bytes + publication.size);
    if (publication.expiry !== -1) {
      this.#mortal.add(publication);
      this.#cancelSweep ??= this.#core.time.setTimer(sweepMilliseconds, () => this.#sweep());
    }
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
    if (this.isEmpty) this.#emptied();
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
