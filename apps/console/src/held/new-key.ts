import { base64, type PublicKey } from "./public-key.ts";

/** A key pair that was made here. The private one leaves this page by download alone. */
export type NewKey = { readonly publicKey: PublicKey; readonly pem: string; readonly jwk: string };

/** Of P-256: every browser makes it, and every TLS library can show a certificate of it. */
export async function newKey(): Promise<NewKey> {
  const { subtle } = crypto;
  const { privateKey } = await subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
  const { x = "", y = "", d = "" } = await subtle.exportKey("jwk", privateKey);
  const lines = base64(await subtle.exportKey("pkcs8", privateKey))
    .replace(/.{64}/g, "$&\n")
    .trimEnd();
  const publicKey = { kty: "EC", crv: "P-256", x, y } as const;
  return {
    publicKey,
    pem: `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`,
    jwk: `${JSON.stringify({ ...publicKey, d })}\n`,
  };
}
