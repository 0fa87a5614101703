import { parseInstant, Refusal, type Id, type Instant } from "@holdfast/kernel";
import type { Demands } from "@holdfast/protocol";
import { lacksProvider, providerRequired, type Housed } from "./by-provider.ts";
import type { Credential } from "./credential.ts";
import type { Proof } from "./session.ts";

/** By what a person can show who she is, beside her password. */
export type Factors = { readonly totp: boolean; readonly passkey: boolean };

export const noFactors: Factors = { totp: false, passkey: false };

/** What is demanded, and what people have that meets it: they have it wherever they are members. */
export type Demanding = Housed & { factorsOf(person: Id<"person">): Factors };

/** An organisation as it would be if it demanded this. */
export const demanding = (space: Demanding, demands: Demands): Demanding => ({
  org: space.org,
  demands,
  homes: space.homes,
  member: (person) => space.member(person),
  factorsOf: (person) => space.factorsOf(person),
});

/** Something that is a person's, and by what she came where she is here herself. */
type Hers = Pick<Credential, "person" | "inPerson" | "proofs" | "by">;

/** Another way in that is demanded; or a factor that is not there, or was not shown: at once, or from then on. */
export type Lacking = {
  readonly code: "factor.demanded" | "factor.unshown" | "provider.required";
  readonly because: string;
  readonly from: Instant | undefined;
};

type Way = { readonly name: string; readonly by: readonly Proof[]; has(factors: Factors): boolean };

const ways: Readonly<Record<NonNullable<NonNullable<Demands["people"]>["factor"]>, Way>> = {
  second: {
    name: "a second factor",
    by: ["totp", "recoveryCode", "passkey", "providerFactor"],
    has: ({ totp, passkey }) => totp || passkey,
  },
  passkey: { name: "a passkey", by: ["passkey"], has: ({ passkey }) => passkey },
};

/** What a demand for a way in, or a factor, says to whatever is a person's: that she has it and, where she is here herself, that she came by it. */
export function lackingOf(demanding: Demanding, hers: Hers, now: Instant): Lacking | undefined {
  if (lacksProvider(demanding, hers)) {
    const because = `the organisation demands that ${hers.person} comes by its provider`;
    return { code: "provider.required", because, from: undefined };
  }
  const { factor, factorFrom } = demanding.demands.people ?? {};
  const { person, inPerson, proofs = ["password"] } = hers;
  if (!factor || !person) return undefined;
  const way = ways[factor];
  const isShown = proofs.some((proof) => way.by.includes(proof));
  // Whoever comes by the organisation's own provider is asked there; what it says of that counts where the organisation says so,
  // and for what she made then.
  const isThere = way.has(demanding.factorsOf(person)) || (proofs.includes("provider") && (inPerson || isShown));
  if (isThere && (!inPerson || isShown)) return undefined;
  const from = factorFrom === undefined ? undefined : parseInstant(factorFrom);
  return {
    code: isThere ? "factor.unshown" : "factor.demanded",
    because: `the organisation demands ${way.name} of people, and ${isThere ? "none was shown" : `${person} has none`}`,
    from: from !== undefined && now < from ? from : undefined,
  };
}

/** Before something is made for somebody who just showed who she is, and would be good for nothing. @throws Refusal `factor.demanded`, `factor.unshown`, `provider.required` */
export function refuseLacking(
  demanding: Demanding,
  shown: { readonly person: Id<"person">; readonly proofs: readonly Proof[] },
  now: Instant,
): void {
  const lacking = lackingOf(demanding, { ...shown, inPerson: true }, now);
  if (!lacking || lacking.from !== undefined) return;
  throw lacking.code === "provider.required" ? providerRequired(demanding.org) : new Refusal(lacking.code);
}
