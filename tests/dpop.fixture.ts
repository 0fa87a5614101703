import { generateKeyPairSync, randomUUID, sign } from "node:crypto";

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A key of P-256, and the proofs that it signs (RFC 9449), by nothing but Node. */
export function dpopKey() {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { kty, crv, x, y } = publicKey.export({ format: "jwk" });
  const head = { typ: "dpop+jwt", alg: "ES256", jwk: { kty, crv, x, y } };
  return (claims: { htm: string; htu: string; iat: number; nonce?: string | undefined; ath?: string }): string => {
    const text = `${part(head)}.${part({ jti: randomUUID(), ...claims })}`;
    const signature = sign("sha256", Buffer.from(text), { key: privateKey, dsaEncoding: "ieee-p1363" });
    return `${text}.${signature.toString("base64url")}`;
  };
}
