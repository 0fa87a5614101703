import { hash, X509Certificate } from "node:crypto";
import { publicKeyIn, thumbprint, type PublicKey } from "@holdfast/crypto";
import { isId, type Id, type Instant } from "@holdfast/kernel";

/** An organisation's own certificate authority, as far as whoever looks at a certificate needs it: without its key. */
export type Issuer = {
  readonly id: Id<"certificateAuthority">;
  readonly name: string;
  readonly certificate: string;
  readonly x509: X509Certificate;
  readonly notBefore: Instant;
  readonly notAfter: Instant;
};

/** Which certificate a credential is shown by: its authority, and its number there. What it says of whose it is counts for nothing. */
export type Issued = {
  readonly by: Id<"certificateAuthority">;
  /** 32 hexadecimal digits. */
  readonly serial: string;
  readonly notAfter: Instant;
  /** Since when it has had the key that it has. */
  readonly keySince: Instant;
};

/** Nobody's name, nor anything that people wrote: it stands in every certificate, and is read on the wire. */
export const nameOfIssuer = (id: Id<"certificateAuthority">): string => `Holdfast devices ${id}`;

export function issuerOf(id: Id<"certificateAuthority">, certificate: string): Issuer {
  const x509 = new X509Certificate(certificate);
  return { id, name: nameOfIssuer(id), certificate, x509, ...validityOf(x509) };
}

/** What a certificate says of who issued it, before anybody has looked whether it is so. */
export type Claim = { readonly x509: X509Certificate; readonly key: PublicKey | undefined } & Pick<
  Issued,
  "by" | "serial"
>;

/** `undefined` where it does not say that one of ours did. */
export function claimIn(certificate: Uint8Array): Claim | undefined {
  let x509: X509Certificate;
  try {
    x509 = new X509Certificate(certificate);
  } catch {
    return undefined; // no certificate
  }
  const [, by = ""] = /^O=Holdfast\nCN=Holdfast devices (cau_[0-9a-f]{32})$/.exec(x509.issuer) ?? [];
  if (!isId("certificateAuthority", by)) return undefined;
  return { x509, key: publicKeyIn(certificate), by, serial: x509.serialNumber.toLowerCase() };
}

const clientAuth = "1.3.6.1.5.5.7.3.2"; // RFC 5280, 4.2.1.12

/** Why a certificate is not one that this authority issued and that is good now; whose it is, is for its number to say. */
export function faultOf(
  { x509, by }: Claim,
  issuer: Issuer | undefined,
  now: Instant,
): "a certificate that was not issued here" | "a certificate that is over" | "a certificate of later" | undefined {
  const isOurs =
    issuer !== undefined &&
    issuer.id === by &&
    !x509.ca &&
    x509.keyUsage?.join() === clientAuth &&
    x509.checkIssued(issuer.x509) &&
    x509.verify(issuer.x509.publicKey);
  if (!isOurs) return "a certificate that was not issued here";
  const { notBefore, notAfter } = validityOf(x509);
  if (now < notBefore || now < issuer.notBefore) return "a certificate of later";
  return now >= notAfter || now >= issuer.notAfter ? "a certificate that is over" : undefined;
}

/**
 * What stands for a certificate where the digest of a secret stands elsewhere. The key is in it: even an authority whose own key was
 * stolen makes no second certificate for a credential.
 */
export const digestOf = ({ by, serial }: Pick<Issued, "by" | "serial">, key: PublicKey): Uint8Array<ArrayBuffer> =>
  new Uint8Array(hash("sha256", `issued certificate ${by} ${serial} ${thumbprint(key)}`, { outputEncoding: "buffer" }));

/** X.509 knows whole seconds between the years 0 and 9999: every such date is an instant. */
const validityOf = ({ validFromDate, validToDate }: X509Certificate) => ({
  notBefore: validFromDate.getTime() as Instant,
  notAfter: validToDate.getTime() as Instant,
});
