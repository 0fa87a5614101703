import { Refusal } from "@holdfast/kernel";

/** Counts down by key. @throws Refusal `rate.exceeded` */
interface Limit {
  take(key: string): unknown;
}

/** Pairs of a login and a network that are remembered. */
const most = 20_000;

/**
 * How often passwords of one login may be guessed, whether there is such a user or not. Nobody is locked out: from where somebody signed in
 * lately attempts are counted apart, and elsewhere one more is let through every few seconds.
 */
export class Attempts {
  readonly #ofPair: Limit;
  readonly #ofLogin: Limit;
  readonly #familiar = new Set<string>();

  constructor(needs: { readonly ofPair: Limit; readonly ofLogin: Limit }) {
    this.#ofPair = needs.ofPair;
    this.#ofLogin = needs.ofLogin;
  }

  /** Before the password is looked at. @throws Refusal `rate.exceeded` */
  begin(login: string, network: string): void {
    const pair = `${login} ${network}`;
    this.#ofPair.take(pair);
    if (!this.#familiar.has(pair)) this.#ofLogin.take(login);
  }

  succeeded(login: string, network: string): void {
    const pair = `${login} ${network}`;
    this.#familiar.delete(pair);
    this.#familiar.add(pair); // the newest is last
    const [oldest] = this.#familiar;
    if (this.#familiar.size > most && oldest !== undefined) this.#familiar.delete(oldest);
  }
}

export const wrong = (): Refusal => new Refusal("credential.invalid");
