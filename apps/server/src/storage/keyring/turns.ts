/** One after the other, in the order asked; a failure is its asker's, and does not stop the next. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work);
    this.#last = turn;
    return turn;
  }
}

/** Work that many may ask for. It runs once at a time; those who ask while it runs share the next run, which begins after they asked. */
export class Shared {
  readonly #work: () => Promise<void>;
  readonly #turns = new Turns();
  #next: Promise<void> | undefined;

  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  ask(): Promise<void> {
    this.#next ??= this.#turns.take(() => {
      this.#next = undefined;
      return this.#work();
    });
    return this.#next;
  }

  /** When nothing runs any more, however it ended: whoever asked was told. */
  async idle(): Promise<void> {
    await this.#turns.take(async () => undefined);
  }
}
