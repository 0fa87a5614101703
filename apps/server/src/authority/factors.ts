import { parseInstant, Refusal, type Id, type Instant } from "@holdfast/kernel";
import type { Demands } from "@holdfast/protocol";
import type { Credential } from "./credential.ts";
import type { Proof } from "./session.ts";

/** By what a person can show who she is, beside her password. */
export type Factors = { readonly totp: boolean; readonly passkey: boolean };

export const noFactors: Factors = { totp: false, passkey: false };

/** What is demanded, and what people have that meets it: they have it wherever they are members. */
export type Demanding = { readonly demands: Demands; factorsOf(person: Id<"person">): Factors };

/** Something that is a person's, and by what she came where she is here herself. */
type Hers = Pick<Credential, "person" | "inPerson" | "proofs">;

/** A factor that is not there, or was not shown: at once, or from then on. */
export type Lacking = {
  readonly code: "factor.demanded" | "factor.unshown";
  readonly because: string;
  readonly from: Instant | undefined;
};

type Way = { readonly name: string; readonly by: readonly Proof[]; has(factors: Factors): boolean };

const ways: Readonly<Record<NonNullable<NonNullable<Demands["people"]>["factor"]>, Way>> = {
  second: {
    name: "a second factor",
    by: ["totp", "recoveryCode", "passkey"],
    has: ({ totp, passkey }) => totp || passkey,
  },
  passkey: { name: "a passkey", by: ["passkey"], has: ({ passkey }) => passkey },
};

/** What a demand for a factor says to whatever is a person's: that she has it and, where she is here herself, that she came by it. */
export function lackingOf(demanding: Demanding, hers: Hers, now: Instant): Lacking | undefined {
  const { factor, factorFrom } = demanding.demands.people ?? {};
  const { person, inPerson, proofs = ["password"] } = hers;
  // Whoever comes by the organisation's own provider is asked there: what that demands is the organisation's own choice.
  if (!factor || !person || (inPerson && proofs.includes("provider"))) return undefined;
  const way = ways[factor];
  const isThere = way.has(demanding.factorsOf(person));
  if (isThere && (!inPerson || proofs.some((proof) => way.by.includes(proof)))) return undefined;
  const from = factorFrom === undefined ? undefined : parseInstant(factorFrom);
  return {
    code: isThere ? "factor.unshown" : "factor.demanded",
    because: `the organisation demands ${way.name} of people, and ${isThere ? "none was shown" : `${person} has none`}`,
    from: from !== undefined && now < from ? from : undefined,
  };
}

/** Before something is made for somebody who just showed who she is, and would be good for nothing. @throws Refusal `factor.demanded`, `factor.unshown` */
export function refuseLacking(
  demanding: Demanding,
  shown: { readonly person: Id<"person">; readonly proofs: readonly Proof[] },
  now: Instant,
): void {
  const lacking = lackingOf(demanding, { ...shown, inPerson: true }, now);
  if (lacking && lacking.from === undefined) throw new Refusal(lacking.code);
}
