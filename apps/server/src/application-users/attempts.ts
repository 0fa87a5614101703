import { Refusal, type Clock } from "@holdfast/kernel";
import { Attempts, type Patience } from "../guessing/index.ts";

const second = 1_000; // milliseconds
const forgotten = 3_600 * second;

/** Guesses at the password of one login: from one network, and from all networks from which nobody signed in to it lately. */
const ofPair: Patience = { free: 10, first: second, longest: 30 * second, forgotten };
const ofLogin: Patience = { free: 100, first: second, longest: 60 * second, forgotten };

/** Pairs of a login and a network that are remembered. */
const most = 20_000;

/**
 * How often passwords of one login may be guessed, whether there is such a user or not. Nobody is locked out: from where somebody signed in
 * lately attempts are counted apart.
 */
export class LoginAttempts {
  readonly #attempts: Attempts;
  readonly #familiar = new Set<string>();

  constructor({ clock }: { readonly clock: Clock }) {
    this.#attempts = new Attempts({ clock, familiar: ofPair, place: ofPair, account: ofLogin });
  }

  /** Before the password is looked at. Answers what is called when it was right. @throws Refusal `rate.exceeded` */
  begin(login: string, network: string): () => void {
    const pair = `${login} ${network}`;
    const familiar = this.#familiar.has(pair) ? pair : undefined;
    const attempt = this.#attempts.begin({ familiar, from: pair, account: login });
    return () => {
      attempt.takeBack();
      this.#familiar.delete(pair);
      this.#familiar.add(pair); // the newest is last
      const [oldest] = this.#familiar;
      if (this.#familiar.size > most && oldest !== undefined) this.#familiar.delete(oldest);
    };
  }
}

export const wrong = (): Refusal => new Refusal("credential.invalid");
