import type { Id, Instant } from "@holdfast/kernel";

/** The public half of a passkey, which a user's device or its maker's cloud keeps (WebAuthn, Level 3). */
export type Passkey = {
  readonly id: Id<"passkey">;
  readonly user: Id<"user">;
  readonly application: Id<"application">;
  /** What the user calls it. */
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
  readonly issuedSeq: number;
  readonly createdAt: Instant;
  readonly lastUsedAt: Instant | undefined;
  /** It counted backwards: two have it, and it opens nothing any more. */
  readonly clonedAt: Instant | undefined;
  readonly version: number;
};

export const mostPasskeys = 20;

/** What an authenticator said when it signed. */
export type Signed = { readonly counter: number; readonly isBackedUp: boolean };

/**
 * WebAuthn Level 3, 7.2, step 22: a counter that does not grow is that of a copy, unless the authenticator does not count at all. What was
 * copied stays so: whoever has the higher counter now may be the thief.
 */
export function used(passkey: Passkey, { counter, isBackedUp }: Signed, now: Instant): Passkey {
  const version = passkey.version + 1;
  if ((counter > 0 || passkey.counter > 0) && counter <= passkey.counter) return { ...passkey, clonedAt: now, version };
  return { ...passkey, counter, isBackedUp, lastUsedAt: now, version };
}

/** From which page somebody asks, and which origins the published key has that it shows. */
export type Site = { readonly origin: string; readonly origins: readonly string[] };

/**
 * For which sites a page may make and use passkeys, the widest first: its own host, and those hosts of the key's other origins that it is below. So a
 * passkey of shop.example is good on www.shop.example where the key names both, and no list of public suffixes is needed: nobody
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
