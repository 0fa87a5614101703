import type { Clock } from "@holdfast/kernel";
import type { Caller } from "../../authority/index.ts";
import { networkOf } from "../guard.ts";
import { RateLimit } from "../rate.ts";

/** How many requests a credential may make: as many as every credential, and as many as its own rate allows where it has one. */
export class Quotas {
  readonly #all: RateLimit;

  constructor(clock: Clock) {
    this.#all = new RateLimit({ perSecond: 200, burst: 2_000 }, clock);
  }

  /** `say` is given the headers, before anything is refused too. @throws Refusal `rate.exceeded` */
  draw(caller: Caller, address: string, say: (headers: Readonly<Record<string, string>>) => void): void {
    const { perSecond, burst } = this.#all.rate;
    const [own] = caller.allowances;
    if (own) say(headersOf(own.rate.burst, secondsOf(own.rate), 0, secondsOf(own.rate)));
    else say(headersOf(burst, burst / perSecond, 0, burst / perSecond));
    // First, so that whoever is beyond his share of a published key takes nothing from the others.
    const drawn = caller.draw(networkOf(address));
    const left = this.#all.take(caller.credential.id);
    if (drawn) say(headersOf(drawn.rate.burst, secondsOf(drawn.rate), drawn.left, drawn.whole));
    else say(headersOf(burst, burst / perSecond, left, Math.ceil((burst - left) / perSecond)));
  }
}

const secondsOf = ({ burst, perMinute }: { readonly burst: number; readonly perMinute: number }): number =>
  Math.ceil((burst * 60) / perMinute);

/** draft-ietf-httpapi-ratelimit-headers-10 */
const headersOf = (quota: number, seconds: number, left: number, whole: number) => ({
  "RateLimit-Policy": `"credential";q=${quota};w=${seconds}`,
  RateLimit: `"credential";r=${left};t=${whole}`,
});
