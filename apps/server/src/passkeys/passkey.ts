import { Refusal, rfc3339, type Id, type Instant } from "@holdfast/kernel";

/** The public half of a passkey, which somebody's device or its maker's cloud keeps (WebAuthn, Level 3). */
export type Passkey = {
  readonly id: Id<"passkey">;
  /** What its owner calls it. */
  readonly name: string;
  /** What the authenticator calls it, in base64url. */
  readonly credentialId: string;
  /** A COSE key (RFC 9053), in base64url. */
  readonly publicKey: string;
  /** The site that it was made for, and is good on: a domain, and all below it. */
  readonly rpId: string;
  /** How often the authenticator said that it signed; 0 where it does not count. */
  readonly counter: number;
  /** How the authenticator is reached, as the browser said. */
  readonly transports: readonly string[];
  /** It is in its maker's cloud too, so losing one device does not lose it. */
  readonly isBackedUp: boolean;
  /** Its place among revocations. */
  readonly issuedSeq: number;
  readonly createdAt: Instant;
  readonly lastUsedAt: Instant | undefined;
  /** It counted backwards: two have it, and it opens nothing any more. */
  readonly clonedAt: Instant | undefined;
  readonly version: number;
};

/** What an authenticator said of the one that it made. */
export type NewPasskey = Pick<Passkey, "credentialId" | "publicKey" | "rpId" | "counter" | "transports" | "isBackedUp">;

export const mostPasskeys = 20;

const usualName = "Passkey";

export const begun = (
  made: NewPasskey,
  { name = usualName, ...as }: Pick<Passkey, "id" | "issuedSeq" | "createdAt"> & { readonly name?: string | undefined },
): Passkey => ({ ...made, ...as, name, lastUsedAt: undefined, clonedAt: undefined, version: 1 });

export const renamed = <P extends Passkey>(passkey: P, name: string): P => ({
  ...passkey,
  name,
  version: passkey.version + 1,
});

/** What an authenticator said when it signed. */
export type Signed = { readonly counter: number; readonly isBackedUp: boolean };

/**
 * WebAuthn Level 3, 7.2, step 22: a counter that does not grow is that of a copy, unless the authenticator does not count at all. What was
 * copied stays so: whoever has the higher counter now may be the thief.
 */
export function used<P extends Passkey>(passkey: P, { counter, isBackedUp }: Signed, now: Instant): P {
  const version = passkey.version + 1;
  if ((counter > 0 || passkey.counter > 0) && counter <= passkey.counter) return { ...passkey, clonedAt: now, version };
  return { ...passkey, counter, isBackedUp, lastUsedAt: now, version };
}

/** From which page somebody asks, and which origins there are beside it that may share its passkeys. */
export type Site = { readonly origin: string; readonly origins: readonly string[] };

/**
 * For which sites a page may make and use passkeys, the widest first: its own host, and those hosts of the other origins that it is below. So a
 * passkey of shop.example is good on www.shop.example where both are named, and no list of public suffixes is needed: nobody
 * has an origin at co.uk. A page at an address has none (WebAuthn, 5.1.2).
 */
export function rpIdsOf({ origin, origins }: Site): readonly string[] {
  const own = hostOf(origin);
  const hosts = [origin, ...origins].map(hostOf).filter((host) => !/^[\d.]+$|\[/.test(host));
  return [...new Set(hosts)]
    .filter((host) => host === own || own.endsWith(`.${host}`))
    .toSorted((a, b) => a.length - b.length);
}

const hostOf = (origin: string): string => (URL.canParse(origin) ? new URL(origin).hostname : "");

/** @throws Refusal `passkey.invalid` where a page has no such site */
export function wantedRpId(site: Site, wanted: string | undefined): string {
  const all = rpIdsOf(site);
  const rpId = wanted === undefined ? all[0] : all.find((one) => one === wanted);
  if (rpId !== undefined) return rpId;
  const detail = `A page of ${site.origin} has passkeys ${all.length === 0 ? "of no site: it has no name" : `of ${all.join(" or ")}`}.`;
  throw new Refusal("passkey.invalid", { detail });
}

export const passkeyReply = ({ id, name, rpId, createdAt, lastUsedAt, isBackedUp, clonedAt }: Passkey) => ({
  id,
  name,
  site: rpId,
  createdAt: rfc3339(createdAt),
  isBackedUp,
  ...(lastUsedAt !== undefined && { lastUsedAt: rfc3339(lastUsedAt) }),
  ...(clonedAt !== undefined && { clonedAt: rfc3339(clonedAt) }),
});
