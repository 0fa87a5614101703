import { hash } from "node:crypto";
import { decode, encode, isCanonical } from "./base64url.ts";
import { textOf, utf8 } from "./bytes.ts";
import { parsePublicKey, signedBy, type PublicKey } from "./proof.ts";

/** What a proof of RFC 9449 says, once it is known that the key's holder said it. Whether it is so, is the caller's question. */
export type DpopClaims = {
  readonly jti: string;
  readonly htm: string;
  readonly htu: string;
  /** Seconds since the epoch. */
  readonly iat: number;
  /** The digest of the credential that came with it. */
  readonly ath: string;
  readonly nonce?: string;
};

type FirstClaims = Omit<DpopClaims, "ath"> & { readonly ath?: string };

/** The algorithms (RFC 9864, RFC 7518) of the keys that a credential can be bound to, as a challenge names them. */
export const dpopAlgorithms = ["Ed25519", "EdDSA", "ES256"] as const;

const longest = 4 * 1024; // characters
const longestJti = 256;

/**
 * Reads a proof by the key that is known already: what its header says of keys and algorithms decides nothing, and has to agree. There is
 * one spelling of each part, and no member of the header but the three that RFC 9449 has, so that nothing in it leads anywhere else.
 * `undefined` for whatever is not signed by this key in this form.
 */
export function readDpop(text: string, key: PublicKey): DpopClaims | undefined {
  const claims = signedClaims(text, key);
  return claims?.ath === undefined ? undefined : { ...claims, ath: claims.ath };
}

/**
 * The same where no credential comes with it yet (RFC 9449, 5): the key is the one that stands in it, to which what is asked for will be
 * bound. A proof that names a credential was made for something else.
 */
export function readFirstDpop(text: string): { readonly key: PublicKey; readonly claims: FirstClaims } | undefined {
  if (text.length > longest) return undefined;
  const { jwk } = objectIn(text.split(".")[0] ?? "") ?? {};
  const key = isObject(jwk) ? keyOf(jwk) : undefined;
  const claims = key && signedClaims(text, key);
  return key && claims && claims.ath === undefined ? { key, claims } : undefined;
}

function keyOf({ kty, crv, x, y }: Members): PublicKey | undefined {
  if (typeof x !== "string") return undefined;
  if (kty === "OKP" && crv === "Ed25519" && y === undefined) return parsePublicKey({ kty, crv, x });
  return kty === "EC" && crv === "P-256" && typeof y === "string" ? parsePublicKey({ kty, crv, x, y }) : undefined;
}

function signedClaims(text: string, key: PublicKey): FirstClaims | undefined {
  if (text.length > longest) return undefined;
  const [header, payload, signed, ...more] = text.split(".");
  if (header === undefined || payload === undefined || signed === undefined || more.length > 0) return undefined;
  const signature = decode(signed);
  if (!signature || !isOurs(objectIn(header), key)) return undefined;
  if (!signedBy(key, utf8(`${header}.${payload}`), signature)) return undefined;
  return claimsOf(objectIn(payload));
}

/** RFC 9449, 4.2: what the proof says of the credential. */
export const digestForDpop = (credential: string): string =>
  encode(new Uint8Array(hash("sha256", credential, { outputEncoding: "buffer" })));

type Members = Readonly<Record<string, unknown>>;

function isOurs(header: Members | undefined, key: PublicKey): boolean {
  const { alg, typ, jwk, ...more } = header ?? {};
  const algorithms: readonly unknown[] = key.kty === "OKP" ? ["Ed25519", "EdDSA"] : ["ES256"];
  if (typ !== "dpop+jwt" || !algorithms.includes(alg) || Object.keys(more).length > 0) return false;
  return isObject(jwk) && !("d" in jwk) && isSame(jwk, key);
}

function isSame({ kty, crv, x, y }: Members, key: PublicKey): boolean {
  if (kty !== key.kty || crv !== key.crv || x !== key.x) return false;
  return key.kty === "OKP" ? y === undefined : y === key.y;
}

function claimsOf(members: Members | undefined): FirstClaims | undefined {
  const { jti, htm, htu, iat, ath, nonce } = members ?? {};
  if (typeof jti !== "string" || jti === "" || jti.length > longestJti) return undefined;
  if (typeof htm !== "string" || typeof htu !== "string" || !Number.isSafeInteger(iat)) return undefined;
  if (ath !== undefined && (typeof ath !== "string" || !isCanonical(ath, 32))) return undefined;
  if (nonce !== undefined && typeof nonce !== "string") return undefined;
  return { jti, htm, htu, iat: Number(iat), ...(ath !== undefined && { ath }), ...(nonce !== undefined && { nonce }) };
}

function objectIn(part: string): Members | undefined {
  const bytes = decode(part);
  if (!bytes) return undefined;
  try {
    const read: unknown = JSON.parse(textOf(bytes));
    return isObject(read) ? read : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const isObject = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);
