import type { Core } from "./core.ts";

/** That one entry of a record is durable, and somebody hears of it, costs one: a quarter of a microsecond. */
const mostPerTurn = 10_000;

type Done = (code: number) => void;
type Notice = { readonly cost: number; readonly done: Done; readonly code: number };

/**
 * What clients are told of records that have become durable, in order. One commit may be of a hundred thousand that came over many turns: what
 * would take one turn too long is told in the next ones.
 */
export class Notices {
  readonly #core: Pick<Core, "safely">;
  #waiting: Notice[] = [];
  /** Of those that wait, the first that was not given. */
  #next = 0;
  #left = mostPerTurn;
  #isScheduled = false;
  readonly #turn = () => {
    this.#isScheduled = false;
    this.#left = mostPerTurn;
    while (this.#left > 0) {
      const notice = this.#waiting[this.#next++];
      if (!notice) {
        this.#waiting = [];
        this.#next = 0;
        return;
      }
      this.#spend(notice.cost);
      this.#core.safely(() => notice.done(notice.code));
    }
  };

  constructor(core: Pick<Core, "safely">) {
    this.#core = core;
  }

  /** Now, or behind those that wait. */
  give(cost: number, done: Done, code: number): void {
    if (this.#waiting.length > 0 || (cost > 0 && this.#left <= 0)) {
      this.#waiting.push({ cost, done, code });
      return;
    }
    this.#spend(cost);
    done(code);
  }

  #spend(cost: number): void {
    this.#left -= cost;
    if (cost === 0 || this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#turn);
  }
}
