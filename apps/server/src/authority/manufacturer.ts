import { hash, verify, type KeyObject, type X509Certificate } from "node:crypto";
import type { Id, Instant } from "@holdfast/kernel";

/** The authority of a manufacturer, which signs a birth certificate for each device that it makes (IEEE 802.1AR, IDevID). */
export type Manufacturer = {
  /** In PEM. */
  readonly certificate: string;
  /** Of it: upper-case hex with colons. */
  readonly sha256: string;
};

/** A device as its birth certificate says which it is: its manufacturer counts its devices, and proves by its key who it is. */
export type Manufactured = { readonly by: string; readonly serial: string };

/** What Node does not say of a certificate. */
export type Looked = {
  /** Those of its subject (X.520, 6.2.9). */
  readonly serialNumbers: readonly string[];
  /** Object identifiers of the extensions that whoever does not know them must not pass over. */
  readonly critical: readonly string[];
  /** By its basic constraints alone: Node's word for it hangs on the key usage, too. */
  readonly isAuthority: boolean;
  /** What its key may be used for; `undefined` where that is not said, and then it is anything. */
  readonly keyUsage: { readonly signsCertificates: boolean; readonly signs: boolean } | undefined;
};

const signatures: ReadonlySet<string> = new Set([
  "1.2.840.113549.1.1.11", // RSA (PKCS #1, v1.5) with SHA-256
  "1.2.840.113549.1.1.12", // with SHA-384
  "1.2.840.113549.1.1.13", // with SHA-512
  "1.2.840.10045.4.3.2", // ECDSA with SHA-256
  "1.2.840.10045.4.3.3", // with SHA-384
  "1.2.840.10045.4.3.4", // with SHA-512
  "1.3.101.112", // Ed25519
]);

/** RFC 5280, 4.2: of those that are critical, these are looked at, or say nothing that counts here. */
const understood: ReadonlySet<string> = new Set([
  "2.5.29.15", // keyUsage
  "2.5.29.17", // subjectAltName, of a birth certificate what its hardware module is called
  "2.5.29.19", // basicConstraints
  "2.5.29.37", // extKeyUsage
]);

const clientAuth = "1.3.6.1.5.5.7.3.2"; // RFC 5280, 4.2.1.12
const anyPurpose = "2.5.29.37.0";
/** X.520, 6.2.9: text that is printable, of so many characters. */
const serialNumber = /^[A-Za-z0-9 '()+,\-./:=?]{1,64}$/;

/** P-256, P-384, Ed25519, and RSA where it is neither weak nor slow to check. */
function hasStrongKey(x509: X509Certificate): boolean {
  const { asymmetricKeyType, asymmetricKeyDetails } = keyOf(x509) ?? {};
  const { namedCurve = "", modulusLength = 0, publicExponent = 0n } = asymmetricKeyDetails ?? {};
  if (asymmetricKeyType === "ec") return ["prime256v1", "secp384r1"].includes(namedCurve);
  if (asymmetricKeyType === "rsa")
    return modulusLength >= 2_048 && modulusLength <= 8_192 && publicExponent >= 3n && publicExponent < 1n << 32n;
  return asymmetricKeyType === "ed25519";
}

function keyOf(x509: X509Certificate): KeyObject | undefined {
  try {
    return x509.publicKey;
  } catch {
    return undefined; // OpenSSL says in many ways that it knows no such key
  }
}

/** What is wrong with a certificate, for it to be that of a manufacturer's authority; in words, for whoever brings it. */
export function faultOfAuthority(x509: X509Certificate, looked: Looked, now: Instant): string | undefined {
  if (!looked.isAuthority) return "It is not that of an authority (basicConstraints).";
  if (looked.keyUsage?.signsCertificates === false) return "Its key is not for signing certificates (keyUsage).";
  if (!hasStrongKey(x509)) return "Its key is not of P-256, P-384, Ed25519, or RSA of 2048 to 8192 bits.";
  const strange = looked.critical.find((one) => !understood.has(one));
  if (strange !== undefined) return `It has a critical extension that is not understood here: ${strange}.`;
  const age = ageOf(x509, now);
  return age && `It is ${age}.`;
}

/** Why what this authority signed is no birth certificate of a device that is good now. */
export function faultOfBirth(
  x509: X509Certificate,
  looked: Looked,
  authority: X509Certificate,
  now: Instant,
):
  | "a birth certificate that is none"
  | "a birth certificate that is over"
  | "a birth certificate of later"
  | undefined {
  const isForClients = x509.keyUsage?.every((one) => one !== clientAuth && one !== anyPurpose) !== true;
  const isOne =
    !looked.isAuthority &&
    isForClients &&
    looked.keyUsage?.signs !== false &&
    looked.critical.every((one) => understood.has(one)) &&
    signatures.has(x509.signatureAlgorithmOid ?? "") &&
    hasStrongKey(x509) &&
    serialOf(looked) !== undefined;
  if (!isOne) return "a birth certificate that is none";
  const ages = [ageOf(x509, now), ageOf(authority, now)];
  if (ages.includes("over")) return "a birth certificate that is over";
  return ages.includes("of later") ? "a birth certificate of later" : undefined;
}

/** What the manufacturer calls a device; `undefined` where its certificate says none, or several. */
export function serialOf({ serialNumbers: [first, second] }: Looked): string | undefined {
  return first !== undefined && second === undefined && serialNumber.test(first) ? first : undefined;
}

/** Whether this authority signed it, by its name and by its key. */
export const isSignedBy = (x509: X509Certificate, authority: X509Certificate): boolean =>
  x509.checkIssued(authority) && x509.verify(authority.publicKey);

/** Which key: another certificate of the same one is the same manufacturer's. */
export const printOf = ({ publicKey }: X509Certificate): string =>
  hash("sha256", publicKey.export({ type: "spki", format: "der" }), "hex");

/** What has to be signed with the key of an authority: it names the organisation and the certificate, and is no certificate. */
export const textToSign = (org: Id<"org">, sha256: string, nonce: string): string =>
  `holdfast-manufacturer-1 ${org} ${sha256.replaceAll(":", "").toLowerCase()} ${nonce}`;

/** Ed25519 (RFC 8032); ECDSA in DER, or RSA by PKCS #1 v1.5, with SHA-256. */
export function proves(key: KeyObject, text: string, signature: Uint8Array): boolean {
  return verify(key.asymmetricKeyType === "ed25519" ? null : "sha256", Buffer.from(text, "utf8"), key, signature);
}

/** IEEE 802.1AR, 8.7: a device that outlives all plans has a certificate until 9999-12-31, which is a date like others here. */
function ageOf({ validFromDate, validToDate }: X509Certificate, now: Instant): "over" | "of later" | undefined {
  if (now >= validToDate.getTime()) return "over";
  return now < validFromDate.getTime() ? "of later" : undefined;
}
