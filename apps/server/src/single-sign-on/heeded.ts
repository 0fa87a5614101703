import { digestSecret, logoutTokenLifetime } from "@holdfast/crypto";
import type { Clock, Id } from "@holdfast/kernel";

const kept = (logoutTokenLifetime + 2 * 60) * 1_000; // milliseconds; two clocks may differ by a minute, each way
const most = 1_000;

/**
 * Which logout tokens were heeded: one that comes again would end a later session. Each is remembered for as long as any is good, so what is
 * over first stands first; and of a provider that sends very many the first are forgotten, of that one alone.
 */
export class Heeded {
  readonly #clock: Pick<Clock, "now">;
  /** Whoever told something last is last. `until`: then all of its tokens are over. */
  readonly #of = new Map<Id<"provider">, { readonly tokens: Map<string, number>; until: number }>();

  constructor({ clock }: { readonly clock: Pick<Clock, "now"> }) {
    this.#clock = clock;
  }

  get size(): number {
    return [...this.#of.values()].reduce((sum, { tokens }) => sum + tokens.size, 0);
  }

  isNew(provider: Id<"provider">, jti: string): boolean {
    const now = this.#clock.now();
    for (const [other, { until }] of this.#of) {
      if (until > now) break;
      this.#of.delete(other);
    }
    const tokens = this.#of.get(provider)?.tokens ?? new Map<string, number>();
    for (const [token, until] of tokens) {
      if (until > now) break;
      tokens.delete(token);
    }
    const token = digestSecret(jti).toHex(); // what a provider calls one is as long as it likes
    if (tokens.has(token)) return false;
    tokens.set(token, now + kept);
    const [oldest] = tokens.keys();
    if (tokens.size > most && oldest !== undefined) tokens.delete(oldest);
    this.#of.delete(provider);
    this.#of.set(provider, { tokens, until: now + kept });
    return true;
  }
}
