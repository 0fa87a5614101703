import { createHash, X509Certificate } from "node:crypto";
import type { Instant } from "@holdfast/kernel";

/** One certificate as people and programs are shown it. */
export type CertificateInfo = {
  /** The common name, or the whole subject when there is none. */
  readonly name: string;
  /** A file name for it, for example `holdfast-3f9a1c2d-root-1.pem`. */
  readonly file: string;
  /** An authority is to be trusted by clients; a server certificate is what they are shown. */
  readonly purpose: "authority" | "server";
  /** In service; to be embedded now because it will be; or because it will be once the keys of the others are no secret any more. */
  readonly state: "current" | "coming" | "spare";
  readonly pem: string;
  /** SHA-256 of the certificate: upper-case hex with colons. */
  readonly sha256: string;
  /** SHA-256 of the public key (SubjectPublicKeyInfo) in base64, as RFC 7469 section 2.4 and curl's `--pinnedpubkey sha256//…` write it. */
  readonly publicKeyPin: string;
  readonly notBefore: Instant;
  readonly notAfter: Instant;
};

export function describe(
  certificate: X509Certificate,
  { purpose, state }: Pick<CertificateInfo, "purpose" | "state">,
): CertificateInfo {
  const name = /^CN=(.+)$/m.exec(certificate.subject)?.[1] ?? certificate.subject.replaceAll("\n", ", ");
  const slug = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "");
  return {
    name,
    file: `${slug || "certificate"}.pem`,
    purpose,
    state,
    pem: pemOf(certificate),
    sha256: certificate.fingerprint256,
    publicKeyPin: createHash("sha256").update(spkiOf(certificate)).digest("base64"),
    ...validityOf(certificate),
  };
}

/** SHA-256 of the first certificate in `pem`, as the banner, browsers and `openssl x509 -fingerprint -sha256` show it. */
export const fingerprint = (pem: string): string => new X509Certificate(pem).fingerprint256;

/** One PEM block, ending in a line break, so that blocks can be joined. */
export const pemOf = (certificate: X509Certificate): string => certificate.toString().trimEnd() + "\n";

const spkiOf = (certificate: X509Certificate): Buffer => certificate.publicKey.export({ type: "spki", format: "der" });

export function validityOf(certificate: X509Certificate): { notBefore: Instant; notAfter: Instant } {
  // X.509 knows whole seconds between the years 0 and 9999: every such date is an instant.
  return {
    notBefore: certificate.validFromDate.getTime() as Instant,
    notAfter: certificate.validToDate.getTime() as Instant,
  };
}

/** The DNS names and addresses in a certificate, wildcards left out: something a URL can carry. */
export function namesIn(certificate: X509Certificate): string[] {
  const names: string[] = [];
  for (const [, kind, value = ""] of (certificate.subjectAltName ?? "").matchAll(/(DNS|IP Address):([^,\s]+)/g)) {
    if (kind === "DNS" && !value.startsWith("*")) names.push(value);
    if (kind === "IP Address") {
      names.push(value.includes(":") ? new URL(`http://[${value}]`).hostname.slice(1, -1) : value);
    }
  }
  return names;
}
