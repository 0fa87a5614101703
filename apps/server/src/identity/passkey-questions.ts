import { blindIndex } from "@holdfast/crypto";
import { Refusal, type Id, type Instant } from "@holdfast/kernel";
import { answeredIn, askedAs, wantedRpId, type Challenge, type Site } from "../passkeys/index.ts";
import type { Keyring } from "../storage/index.ts";

/** What an answer is good for. Who signs in names nobody. */
export type Purpose =
  | { readonly what: "signIn" }
  | { readonly what: "add"; readonly person: Id<"person"> }
  /** Somebody who has no account becomes a person with an invitation: of that secret, by that e-mail. */
  | { readonly what: "signUp"; readonly invitation: Id<"invitation"> };

type Keys = Pick<Keyring, "instanceKey">;

/** A question as the browser is asked it. */
export const asked = (keys: Keys, purpose: Purpose, challenge: Challenge<"person">): Uint8Array<ArrayBuffer> =>
  askedAs(tagBy(keys), inWords(purpose), challenge);

/** The question of ours that is in an answer. */
export const questionIn =
  (keys: Keys, purpose: Purpose, now: Instant) =>
  (bytes: Uint8Array): Challenge<"person"> | undefined =>
    answeredIn(tagBy(keys), inWords(purpose), "person", bytes, now);

const tagBy = (keys: Keys) => (text: string) => blindIndex(keys.instanceKey("person-passkey/challenge"), text);

function inWords(purpose: Purpose): string {
  switch (purpose.what) {
    case "signIn":
      return "signIn";
    case "add":
      return `add|${purpose.person}`;
    case "signUp":
      return `signUp|${purpose.invitation}`;
  }
}

/** Whether a host is one of ours: our certificate is good for it. */
export type IsOurs = (host: string) => boolean;

/** The platform's own page, which has the passkeys of its host alone. @throws Refusal `passkey.invalid` for every other page */
export function ownSite(origin: string | undefined, isOurs: IsOurs): Site {
  const url = origin !== undefined && URL.canParse(origin) ? new URL(origin) : undefined;
  if (url?.protocol === "https:" && url.origin === origin && isOurs(url.hostname)) return { origin, origins: [] };
  const detail = "A passkey is one of a page: ask from a page of the platform, by a name that is in its certificate.";
  throw new Refusal("passkey.invalid", { detail });
}

export const rpIdOf = (site: Site): string => wantedRpId(site, undefined);
