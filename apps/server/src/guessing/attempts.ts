import type { Clock } from "@holdfast/kernel";
import { Failures, type Patience } from "./failures.ts";

export type { Patience } from "./failures.ts";

/** One that is under way, and counts as failed until it is told how it ended. */
export interface Attempt {
  /** How many others at this account failed lately, from where nobody signs in to it. */
  readonly others: number;
  /** What was shown was right, or nobody looked at it. */
  takeBack(): void;
}

/** What is guessed at, and from where. Keys are compared, and nothing else is done with them. */
export type Guess = {
  /** From where somebody signs in to it: then that is all that counts, and nobody keeps her out by guessing elsewhere. */
  readonly familiar: string | undefined;
  readonly from: string;
  /** `undefined` where nothing is named that could be guessed at. */
  readonly account: string | undefined;
};

/**
 * How often somebody may guess, whether there is such an account or not: by account, and by where it comes from. Nobody is locked out: whoever
 * fails too often waits, longer each time, and from where she signs in attempts are counted apart.
 */
export class Attempts {
  readonly #ofFamiliar: Failures;
  readonly #ofPlace: Failures;
  readonly #ofAccount: Failures;

  constructor({
    clock,
    familiar,
    place,
    account,
  }: {
    readonly clock: Clock;
    readonly familiar: Patience;
    readonly place: Patience;
    readonly account: Patience;
  }) {
    this.#ofFamiliar = new Failures(familiar, clock);
    this.#ofPlace = new Failures(place, clock);
    this.#ofAccount = new Failures(account, clock);
  }

  /** How much is remembered. */
  get size(): number {
    return this.#ofFamiliar.size + this.#ofPlace.size + this.#ofAccount.size;
  }

  /** Before what is shown is looked at. @throws Refusal `rate.exceeded` */
  begin({ familiar, from, account }: Guess): Attempt {
    const counted: readonly (readonly [Failures, string])[] =
      familiar !== undefined
        ? [[this.#ofFamiliar, familiar]]
        : [[this.#ofPlace, from] as const, ...(account === undefined ? [] : [[this.#ofAccount, account] as const])];
    const others = account === undefined ? 0 : this.#ofAccount.of(account);
    for (const [failures, key] of counted) failures.refuse(key);
    for (const [failures, key] of counted) failures.add(key);
    return {
      others,
      takeBack() {
        for (const [failures, key] of counted) failures.takeBack(key);
      },
    };
  }
}
