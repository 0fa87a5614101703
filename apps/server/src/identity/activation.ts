import { Refusal, type CredentialId, type Id, type Instant, type Random } from "@holdfast/kernel";
import { formatGrant, parseGrants, type Grant } from "@holdfast/protocol";

/** What a program says of itself, and asks for. */
export type Asking = {
  readonly program: string;
  /** Where it runs, as it says. */
  readonly machine: string | undefined;
  /** All that the person may who lets it in, when it does not say. */
  readonly grants: readonly Grant[] | undefined;
  /** In milliseconds. */
  readonly lifetime: number;
};

/** A program without a browser that asks to be let in by a person, in her browser, wherever that is (RFC 8628). */
type Described = Asking & {
  /** SHA-256 of the secret that the program shows. */
  readonly digest: Uint8Array;
  /** Where it asked from. */
  readonly address: string;
  readonly askedAt: Instant;
  readonly expiresAt: Instant;
};

/** By whom it was let in, as a member of which organisation, by which session of hers there, and for how long. */
export type Approval = {
  readonly person: Id<"person">;
  readonly org: Id<"org">;
  readonly session: CredentialId;
  /** Its place among revocations. */
  readonly issuedSeq: number;
  readonly grants: readonly Grant[];
  readonly lifetime: number;
};

export type Waiting = Described & { readonly state: "waiting" };
export type Approved = Described & { readonly state: "approved"; readonly by: Approval };
export type Refused = Described & { readonly state: "refused" };
export type Activation = Waiting | Approved | Refused;

/** What revocations call all that she has let in and that has not come yet. */
export const lettingInBy = (person: Id<"person">): string => `activations/${person}`;

/** How long somebody has to let a program in, and how often that may ask, in milliseconds. */
export const lifetime = 10 * 60_000;
export const interval = 5_000;

/** What is not decided yet and not over: nobody decides twice. @throws Refusal `activation.unknown` */
export function undecided(activation: Activation | undefined, now: Instant): Waiting {
  if (activation?.state !== "waiting" || now >= activation.expiresAt) throw new Refusal("activation.unknown");
  return activation;
}

export const approve = (activation: Waiting, by: Approval): Approved => ({ ...activation, state: "approved", by });
export const refuse = (activation: Waiting): Refused => ({ ...activation, state: "refused" });

/** Consonants, so that no words come of it, and none that are taken for another (RFC 8628, 6.1): 8 of these 20 are 34.5 bits. */
const letters = "BCDFGHJKLMNPQRSTVWXZ";
const codeLength = 8;

/** Each letter as likely as any other. */
export function newCode(random: Random): string {
  let code = "";
  while (code.length < codeLength) {
    const [byte = 0] = random.bytes(1);
    if (byte < 256 - (256 % letters.length)) code += letters[byte % letters.length];
  }
  return code;
}

/** As it is shown: `WDJB-MJHT`. */
export const shownCode = (code: string): string => `${code.slice(0, codeLength / 2)}-${code.slice(codeLength / 2)}`;

/** However somebody typed it; `undefined` where that is no code at all. */
export function codeIn(text: string): string | undefined {
  const code = text.toUpperCase().replaceAll(/[\s-]/g, "");
  const isOurs = code.length === codeLength && Array.from(code).every((letter) => letters.includes(letter));
  return isOurs ? code : undefined;
}

/** A scope is words without spaces and quotes (RFC 6749, 3.3), and a tag in a grant may have them. */
export const scopeOf = (grants: readonly Grant[]): string =>
  grants.map((grant) => encodeURI(formatGrant(grant))).join(" ");

/** @throws Refusal `grant.malformed` */
export function grantsIn(scope: string): readonly Grant[] {
  const words = scope.split(" ").filter((word) => word !== "");
  if (words.length === 0) throw new Refusal("grant.malformed");
  return parseGrants(words.map(decoded));
}

function decoded(word: string): string {
  try {
    return decodeURI(word);
  } catch {
    throw new Refusal("grant.malformed");
  }
}
