// Hot path: asked for each message of a device whose door has a rate, and of a credential that has one.
import { Refusal, type CredentialId, type Id } from "@holdfast/kernel";

/** How often something may be done: so many at once, and so many more each minute. */
export type Rate = { readonly perMinute: number; readonly burst: number };

/** A credential's own, which what it made draws on too. */
export type Allowance = { readonly of: CredentialId | Lane | Share | Renewals | SecretChecks; readonly rate: Rate };

/** A device's messages, by what its door or its product's allows. */
export type Lane = `${Id<"device">} ${Id<"device"> | Id<"product">}`;

/** What one network draws of a credential that everybody has. */
export type Share = `${CredentialId} from ${string}`;

/** How often a device may have its certificate renewed: each is a signature, and an entry in the audit log. */
export type Renewals = `${Id<"device">} renews`;
export const renewalsOf = (device: Id<"device">): Allowance => ({
  of: `${device} renews`,
  rate: { perMinute: 1, burst: 10 },
});

/** How often an organisation may ask what is wrong with a thousand secrets: whether one is a device's is in the answer. */
export type SecretChecks = `${Id<"org">} checks secrets`;
export const secretChecksOf = (org: Id<"org">): Allowance => ({
  of: `${org} checks secrets`,
  rate: { perMinute: 2, burst: 40 },
});

/** So that nobody uses up alone what is there for all: a quarter each, and one at least. */
export const sharesOf = (allowances: readonly Allowance[], network: string): readonly Allowance[] =>
  allowances.map(({ of, rate: { perMinute, burst } }) => ({
    of: `${of as CredentialId} from ${network}`, // a key's own: it is no device
    rate: { perMinute: Math.ceil(perMinute / 4), burst: Math.ceil(burst / 4) },
  }));

/** What of an allowance is left, and how many seconds it takes until it is whole again. */
export type Left = { readonly rate: Rate; readonly left: number; readonly whole: number };

type Bucket = { rate: Rate; tokens: number; at: number };

const sweepEvery = 60_000; // milliseconds

/**
 * What was drawn on the allowances of one organisation's credentials. Time is what passes evenly, in milliseconds. An allowance that is whole
 * again needs no memory.
 */
export class Drawn {
  readonly #buckets = new Map<Allowance["of"], Bucket>();
  #sweptAt = 0;

  /**
   * One of each, or none of any. Answers the one of which least is left.
   * @throws Refusal `rate.exceeded`, with how long to wait
   */
  draw(
    allowances: readonly Allowance[],
    elapsed: number,
    detail = "It is the credential's own rate, that of one that made it, or one network's share of a published key's.",
  ): Left | undefined {
    this.#sweep(elapsed);
    let longest = 0;
    for (const { of, rate } of allowances) {
      const { tokens } = this.#refilled(of, rate, elapsed);
      if (tokens < 1) longest = Math.max(longest, ((1 - tokens) * 60) / rate.perMinute);
    }
    if (longest > 0) {
      throw new Refusal("rate.exceeded", { detail, retryAfterSeconds: Math.max(1, Math.ceil(longest)) });
    }
    let least: Bucket | undefined;
    for (const { of, rate } of allowances) {
      const bucket = this.#refilled(of, rate, elapsed);
      bucket.tokens -= 1;
      if (!least || bucket.tokens < least.tokens) least = bucket;
    }
    if (!least) return undefined;
    const { rate, tokens } = least;
    return { rate, left: Math.floor(tokens), whole: Math.ceil(((rate.burst - tokens) * 60) / rate.perMinute) };
  }

  #refilled(of: Allowance["of"], rate: Rate, elapsed: number): Bucket {
    let bucket = this.#buckets.get(of);
    if (!bucket) this.#buckets.set(of, (bucket = { rate, tokens: rate.burst, at: elapsed }));
    bucket.rate = rate;
    refill(bucket, elapsed);
    return bucket;
  }

  #sweep(elapsed: number): void {
    if (elapsed - this.#sweptAt < sweepEvery) return;
    this.#sweptAt = elapsed;
    for (const [of, bucket] of this.#buckets) {
      refill(bucket, elapsed);
      if (bucket.tokens >= bucket.rate.burst) this.#buckets.delete(of);
    }
  }
}

function refill(bucket: Bucket, elapsed: number): void {
  const { perMinute, burst } = bucket.rate;
  bucket.tokens = Math.min(burst, bucket.tokens + ((elapsed - bucket.at) * perMinute) / 60_000);
  bucket.at = elapsed;
}
