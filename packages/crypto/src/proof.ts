import { createPublicKey, hash, verify, X509Certificate, type KeyObject } from "node:crypto";
import { encode, isCanonical } from "./base64url.ts";

/** A public key as a JWK (RFC 7517) of the members that say which key it is, and no others. */
export type PublicKey =
  | { readonly kty: "OKP"; readonly crv: "Ed25519"; readonly x: string }
  | { readonly kty: "EC"; readonly crv: "P-256"; readonly x: string; readonly y: string };

/** Enhanced authentication of MQTT 5 by possession of a key: docs/proof.md. On the wire: append only. */
export const proofMethod = "holdfast-proof";
/** RFC 5705, section 4: labels that begin so need no registration. */
export const proofLabel = "EXPERIMENTAL-Holdfast-Proof-1";
export const proofBytes = { nonce: 32, exporter: 32, signature: 64 } as const;

/** What is signed: who, for which nonce, on which connection. */
export type ProofOf = { readonly id: string; readonly nonce: Uint8Array; readonly exporter: Uint8Array };

const prefix = "holdfast-proof-1\0";

export function proofMessage({ id, nonce, exporter }: ProofOf): Uint8Array {
  const message = Buffer.concat([Buffer.from(`${prefix}${id}\0`), nonce, exporter]);
  if (nonce.length !== proofBytes.nonce || exporter.length !== proofBytes.exporter) {
    throw new RangeError("A nonce and what a connection exports have 32 bytes each.");
  }
  return message;
}

/** The key in its one form, or `undefined` for what is no public key of these kinds. */
export function parsePublicKey(jwk: PublicKey): PublicKey | undefined {
  const coordinates = jwk.kty === "EC" ? [jwk.x, jwk.y] : [jwk.x];
  if (!coordinates.every((coordinate) => isCanonical(coordinate, 32))) return undefined;
  const key: PublicKey =
    jwk.kty === "EC" ? { kty: "EC", crv: "P-256", x: jwk.x, y: jwk.y } : { kty: "OKP", crv: "Ed25519", x: jwk.x };
  return objectOf(key) && key;
}

/** OpenSSL looks whether the point is on the curve. */
function objectOf(key: PublicKey): KeyObject | undefined {
  try {
    return createPublicKey({ key, format: "jwk" });
  } catch {
    return undefined; // which of its reasons it is, OpenSSL does not say the same in each version
  }
}

/** RFC 7638 with SHA-256: 43 characters that name the key. */
export function thumbprint(key: PublicKey): string {
  const { crv, kty, x } = key;
  const canonical = key.kty === "EC" ? { crv, kty, x, y: key.y } : { crv, kty, x };
  return encode(new Uint8Array(hash("sha256", JSON.stringify(canonical), { outputEncoding: "buffer" })));
}

export const proves = (key: PublicKey, proof: ProofOf, signature: Uint8Array): boolean =>
  signature.length === proofBytes.signature && signedBy(key, proofMessage(proof), signature);

/** Ed25519 (RFC 8032), or ECDSA with SHA-256 whose signature is r and s of 32 bytes each (IEEE P1363). */
export function signedBy(key: PublicKey, message: Uint8Array, signature: Uint8Array): boolean {
  const object = objectOf(key);
  if (!object || signature.length !== proofBytes.signature) return false;
  if (key.kty === "OKP") return verify(null, message, object, signature);
  return verify("sha256", message, { key: object, dsaEncoding: "ieee-p1363" }, signature);
}

/** Whether the certificate (DER) is of this key. Who signed it, and until when it was meant to be good, does not count: the key alone does. */
export function isCertificateOf(key: PublicKey, certificate: Uint8Array): boolean {
  const object = objectOf(key);
  const certified = keyIn(certificate);
  return object !== undefined && certified !== undefined && object.equals(certified);
}

/** The key of a certificate (DER), where a credential can be bound to such a one. */
export function publicKeyIn(certificate: Uint8Array): PublicKey | undefined {
  const key = keyIn(certificate);
  return key && publicKeyOf(key);
}

/** The key, where a credential can be bound to such a one. */
export function publicKeyOf(key: KeyObject): PublicKey | undefined {
  const { kty, crv, x, y } = key.export({ format: "jwk" });
  if (kty === "OKP" && crv === "Ed25519" && x !== undefined) return parsePublicKey({ kty, crv, x });
  return kty === "EC" && crv === "P-256" && x !== undefined && y !== undefined
    ? parsePublicKey({ kty, crv, x, y })
    : undefined;
}

/** What a pinned key is found by. No secret has this digest: none is written like this. */
export const pinOf = (key: PublicKey): Uint8Array<ArrayBuffer> =>
  new Uint8Array(hash("sha256", `pinned key ${thumbprint(key)}`, { outputEncoding: "buffer" }));

function keyIn(certificate: Uint8Array): KeyObject | undefined {
  try {
    return new X509Certificate(certificate).publicKey;
  } catch {
    return undefined; // no certificate, or a key that this OpenSSL does not know
  }
}
