import { Refusal } from "@holdfast/kernel";
import type { Raw } from "../authority/index.ts";

/** RFC 7030, 4.5.2: keys of P-256 or Ed25519, and a signature with SHA-256 by the former. DER, by RFC 8951, 3.3. */
export const attributes = Uint8Array.fromHex(
  "3026" + // CsrAttrs
    "3015" + // an attribute: id-ecPublicKey, of the curve prime256v1
    "06072a8648ce3d0201" +
    "310a06082a8648ce3d030107" +
    "06082a8648ce3d040302" + // ecdsa-with-SHA256
    "06032b6570", // id-Ed25519
).toBase64();

/** A request in PEM, which says in base64 what the body says in base64. @throws Refusal `request.mediaType`, `request.uncertified` */
export function requestIn({ bytes, contentType }: Pick<Raw, "bytes" | "contentType">): string {
  if (!/^application\/pkcs10\s*(;|$)/i.test(contentType))
    throw new Refusal("request.mediaType", { detail: "Send a certificate request: application/pkcs10, in base64." });
  const text = new TextDecoder().decode(bytes).trim();
  // Some clients send the lines around it as well.
  const base64 = text.replaceAll(/-----(BEGIN|END) (NEW )?CERTIFICATE REQUEST-----/g, "").trim();
  if (base64.length > longest || !/^[A-Za-z0-9+/=\s]+$/.test(base64)) throw new Refusal("request.uncertified");
  return `-----BEGIN CERTIFICATE REQUEST-----\n${base64}\n-----END CERTIFICATE REQUEST-----\n`;
}

const longest = 8_192; // characters

/**
 * At most 76 characters a line (RFC 2045, 6.8), as openssl wants it. RFC 8951, 3.1 leaves to senders how lines end: `base64 -d` of GNU refuses
 * a carriage return.
 */
export const inLines = (bytes: Uint8Array): string => bytes.toBase64().replaceAll(/.{1,76}/g, "$&\n");
