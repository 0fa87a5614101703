import type { Id } from "@holdfast/kernel";

/** By what a person can show who she is, beside her password. */
export type Factors = { readonly totp: boolean; readonly passkey: boolean };

export const noFactors: Factors = { totp: false, passkey: false };

/** Of everybody with an account: people belong to no organisation. */
export type FactorsOf = (person: Id<"person">) => Factors;
