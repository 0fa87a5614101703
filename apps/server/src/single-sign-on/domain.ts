import type { Id, Instant } from "@holdfast/kernel";

const hour = 3_600_000; // milliseconds
const day = 24 * hour;

/** How long a domain stays the organisation's after an answer lacked its record, and on how many days an answer has to lack it by then. */
const grace = 7 * day;
const misses = 4;

/** Who says that it is the organisation's. `missingSince`: an answer lacked its record then, and none has had it since; `missed`: on so many days. */
type Proof =
  | { readonly by: "dns"; readonly at: Instant; readonly missingSince?: Instant; readonly missed?: number }
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

/** An answer lacked it. What was proved by it stays so for a while; what was never is not. Who looks often on one day is answered once. */
export function notFound(domain: Domain, now: Instant): Domain {
  const { proof, dueAt } = domain;
  if (proof?.by !== "dns") return { ...domain, dueAt: later(now, day) };
  const { missingSince = now, missed = 0 } = proof;
  if (missed > 0 && now < dueAt) return domain;
  const after = { ...proof, missingSince, missed: missed + 1 };
  const isOver = now - missingSince >= grace && after.missed >= misses;
  return { ...domain, proof: isOver ? undefined : after, dueAt: later(now, day) };
}

/** Nobody answered: that says nothing of whose it is, so what was proved stays so, and it is looked for again soon. */
export const unanswered = (domain: Domain, now: Instant): Domain => ({
  ...domain,
  dueAt: later(now, domain.proof ? hour : day),
});

/** Nobody looks for a record. */
const never = 8_640_000_000_000_000 as Instant; // the last time that there is

export const approved = (domain: Domain, now: Instant): Domain => ({
  ...domain,
  proof: { by: "administrator", at: now },
  dueAt: never,
});

/** Until somebody looks for its record. */
export const withdrawn = (domain: Domain): Domain => ({ ...domain, proof: undefined, dueAt: never });

/** When it is the organisation's no more at the earliest, if nobody finds the record before. */
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
