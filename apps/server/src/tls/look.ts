import { x509 } from "./sign.ts";

/** What Node's own reader of certificates leaves out. */
export type Looked = {
  /** Those of its subject (X.520, 6.2.9). */
  readonly serialNumbers: readonly string[];
  /** Object identifiers of its critical extensions. */
  readonly critical: readonly string[];
  /** By its basic constraints alone: Node's word for it hangs on the key usage, too. */
  readonly isAuthority: boolean;
  /** RFC 5280, 4.2.1.3; `undefined` where that is not said. */
  readonly keyUsage: { readonly signsCertificates: boolean; readonly signs: boolean } | undefined;
};

const serialNumber = "2.5.4.5";

/** Of a certificate in DER; `undefined` where it is none. */
export async function look(certificate: Uint8Array): Promise<Looked | undefined> {
  const { BasicConstraintsExtension, KeyUsageFlags, KeyUsagesExtension, X509Certificate } = await x509();
  try {
    const { subjectName, extensions } = new X509Certificate(new Uint8Array(certificate));
    const usage = extensions.find((one) => one instanceof KeyUsagesExtension)?.usages;
    return {
      serialNumbers: subjectName.getField(serialNumber),
      critical: extensions.filter(({ critical }) => critical).map(({ type }) => type),
      isAuthority: extensions.some((one) => one instanceof BasicConstraintsExtension && one.ca),
      keyUsage:
        usage === undefined
          ? undefined
          : {
              signsCertificates: (usage & KeyUsageFlags.keyCertSign) !== 0,
              signs: (usage & KeyUsageFlags.digitalSignature) !== 0,
            },
    };
  } catch {
    return undefined; // no certificate, or one that this library does not read
  }
}
