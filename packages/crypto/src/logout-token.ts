import { createLocalJWKSet, errors, jwtVerify, type JSONWebKeySet, type JWTPayload } from "jose";

/** Whom a provider says has signed out there: somebody, one of her sessions there, or both. */
export type LogoutToken = {
  readonly subject: string | undefined;
  readonly sid: string | undefined;
  /** Which token it is: one is heeded once. */
  readonly jti: string;
};

const longest = 16 * 1024; // characters
/** Seconds. The specification recommends two minutes (2.4); which were heeded is remembered for as long as they are good. */
export const logoutTokenLifetime = 600;
const tolerance = 60; // seconds between two clocks
const event = "http://schemas.openid.net/event/backchannel-logout";
/** Signatures by a key that others cannot have (RFC 7518, 3.1; RFC 8037; RFC 9864). */
const algorithms = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];

/**
 * Reads a logout token (OpenID Connect Back-Channel Logout 1.0, 2.6). `"unknownKey"` where none of the keys signed it, which may be for
 * their being old; `undefined` for whatever else is no such token.
 */
export async function readLogoutToken(
  text: string,
  keys: unknown,
  { issuer, audience, now }: { readonly issuer: string; readonly audience: string; readonly now: number },
): Promise<LogoutToken | "unknownKey" | undefined> {
  if (text.length > longest || !isKeySet(keys)) return undefined;
  try {
    const { payload, protectedHeader } = await jwtVerify(text, createLocalJWKSet(keys), {
      issuer,
      audience,
      algorithms,
      clockTolerance: tolerance,
      currentDate: new Date(now),
      requiredClaims: ["iat", "exp", "jti"],
    });
    // Explicit typing keeps ID tokens out (RFC 8725, 3.11); a provider that says nothing is told by the rest.
    if (protectedHeader.typ !== undefined && !/^(application\/)?logout\+jwt$|^JWT$/i.test(protectedHeader.typ))
      return undefined;
    if ((payload.exp ?? 0) > now / 1_000 + logoutTokenLifetime + tolerance) return undefined;
    return tokenOf(payload);
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed)
      return "unknownKey";
    if (error instanceof errors.JOSEError || error instanceof TypeError) return undefined;
    throw error;
  }
}

function tokenOf({ sub, sid, jti, exp, events, nonce }: JWTPayload): LogoutToken | undefined {
  const isEvent = typeof events === "object" && events !== null && event in events;
  // One with a nonce is an ID token (2.4).
  if (!isEvent || nonce !== undefined || jti === undefined || exp === undefined) return undefined;
  if (sid !== undefined && typeof sid !== "string") return undefined;
  if (sub === undefined && sid === undefined) return undefined;
  return { subject: sub, sid, jti };
}

const isKeySet = (value: unknown): value is JSONWebKeySet =>
  typeof value === "object" && value !== null && "keys" in value && Array.isArray(value.keys);
