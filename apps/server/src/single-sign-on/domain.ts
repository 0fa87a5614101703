import type { Id, Instant } from "@holdfast/kernel";

const day = 24 * 3_600_000; // milliseconds

/** How long a domain stays the organisation's after its record was not found. */
const grace = 7 * day;

/** Who says that it is the organisation's. `missingSince`: its record was not found then, nor since. */
type Proof =
  | { readonly by: "dns"; readonly at: Instant; readonly missingSince?: Instant }
  | { readonly by: "administrator"; readonly at: Instant };

/** A domain of e-mail addresses that an organisation says is its own, and whether that is proved. */
export type Domain = {
  readonly domain: string;
  readonly provider: Id<"provider">;
  /** What its record has to say. */
  readonly token: string;
  readonly proof: Proof | undefined;
  /** When its record is to be looked for. */
  readonly dueAt: Instant;
};

/** Where its record is. */
export const recordOf = (domain: string): string => `_holdfast-challenge.${domain}`;

/** The record was found. */
export const found = (domain: Domain, now: Instant): Domain => ({
  ...domain,
  proof: { by: "dns", at: now },
  dueAt: later(now, day),
});

/** It was not. What was proved by it stays so for a while; what was never is not. */
export function notFound(domain: Domain, now: Instant): Domain {
  const { proof } = domain;
  if (proof?.by !== "dns") return { ...domain, dueAt: later(now, day) };
  const { missingSince = now } = proof;
  return now - missingSince >= grace
    ? { ...domain, proof: undefined, dueAt: later(now, day) }
    : { ...domain, proof: { ...proof, missingSince }, dueAt: later(now, day) };
}

/** Nobody looks for a record. */
const never = 8_640_000_000_000_000 as Instant; // the last time that there is

export const approved = (domain: Domain, now: Instant): Domain => ({
  ...domain,
  proof: { by: "administrator", at: now },
  dueAt: never,
});

/** Until somebody looks for its record. */
export const withdrawn = (domain: Domain): Domain => ({ ...domain, proof: undefined, dueAt: never });

/** When it is the organisation's no more, if nobody finds the record before. */
export const lapsesAt = ({ proof }: Pick<Domain, "proof">): Instant | undefined =>
  proof?.by === "dns" && proof.missingSince !== undefined ? later(proof.missingSince, grace) : undefined;

/** What somebody should hear of who did not ask. */
export function newsOf(
  before: Domain,
  after: Domain,
): "domain.proved" | "domain.lapsed" | "domain.missing" | undefined {
  if (!before.proof !== !after.proof) return after.proof ? "domain.proved" : "domain.lapsed";
  return lapsesAt(before) === undefined && lapsesAt(after) !== undefined ? "domain.missing" : undefined;
}

const later = (at: Instant, by: number): Instant => (at + by) as Instant; // milliseconds both
