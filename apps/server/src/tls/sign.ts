import { webcrypto } from "node:crypto";
import { isIP } from "node:net";
import type { Random } from "@holdfast/kernel";

/** A certificate and its private key (PKCS #8), both PEM. */
export type Signed = { readonly certificate: string; readonly key: string };

type Validity = { readonly notBefore: number; readonly notAfter: number };

const keyKind = { name: "ECDSA", namedCurve: "P-256" };
export const signature = { name: "ECDSA", hash: "SHA-256" };

/**
 * `@peculiar/x509`, loaded when something is signed, not when the platform starts: that is every sixty days, or when a device
 * gets a certificate, and costs 80 ms once. Its container (tsyringe) will not load without a reflection polyfill. It only ever asks for metadata that
 * decorators of a compiler would have left, and there is none, so saying "none" is the whole polyfill.
 */
export async function x509() {
  const none = { configurable: true, writable: true, value: () => undefined };
  for (const name of ["getMetadata", "getOwnMetadata"]) {
    if (!(name in Reflect)) Object.defineProperty(Reflect, name, none);
  }
  return import("@peculiar/x509");
}

export const newKeys = () => webcrypto.subtle.generateKey(keyKind, true, ["sign", "verify"]);

export async function selfSign(
  keys: webcrypto.CryptoKeyPair,
  about: Validity & { commonName: string },
  random: Random,
): Promise<Signed> {
  const lib = await x509();
  const certificate = await lib.X509CertificateGenerator.createSelfSigned(
    {
      keys,
      signingAlgorithm: signature,
      name: nameOf(about.commonName),
      serialNumber: newSerial(random),
      notBefore: wholeSeconds(about.notBefore),
      notAfter: wholeSeconds(about.notAfter),
      extensions: [
        new lib.BasicConstraintsExtension(true, 0, true),
        new lib.KeyUsagesExtension(lib.KeyUsageFlags.keyCertSign | lib.KeyUsageFlags.cRLSign, true),
        await lib.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { certificate: certificate.toString("pem") + "\n", key: await exportKey(keys.privateKey) };
}

/** A server certificate for `names` (host names and addresses), signed by `issuer`, with a key of its own. */
export async function signServer(
  issuer: Signed,
  about: Validity & { commonName: string; names: readonly string[] },
  random: Random,
): Promise<Signed> {
  const lib = await x509();
  const root = new lib.X509Certificate(issuer.certificate);
  const keys = await newKeys();
  const certificate = await lib.X509CertificateGenerator.create(
    {
      publicKey: keys.publicKey,
      signingKey: await importKey(issuer.key),
      signingAlgorithm: signature,
      issuer: root.subjectName,
      subject: nameOf(about.commonName),
      serialNumber: newSerial(random),
      notBefore: wholeSeconds(about.notBefore),
      notAfter: wholeSeconds(about.notAfter),
      extensions: [
        new lib.BasicConstraintsExtension(false, undefined, true),
        new lib.KeyUsagesExtension(lib.KeyUsageFlags.digitalSignature, true),
        new lib.ExtendedKeyUsageExtension([lib.ExtendedKeyUsage.serverAuth]),
        new lib.SubjectAlternativeNameExtension(
          about.names.map((value) => ({ type: isIP(value) ? ("ip" as const) : ("dns" as const), value })),
        ),
        await lib.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
        await lib.AuthorityKeyIdentifierExtension.create(root.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { certificate: certificate.toString("pem") + "\n", key: await exportKey(keys.privateKey) };
}

/** RFC 5280 section 4.1.2.5: times in certificates have no fractions. */
export const wholeSeconds = (milliseconds: number) => new Date(Math.floor(milliseconds / 1000) * 1000);

const nameOf = (commonName: string) => [{ O: ["Holdfast"] }, { CN: [commonName] }];

/** RFC 5280 section 4.1.2.2: positive, at most 20 octets. Sixteen bytes, of which the first two bits are 0 and 1. */
export function newSerial(random: Random): string {
  const bytes = random.bytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toHex();
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const base64 = new Uint8Array(await webcrypto.subtle.exportKey("pkcs8", key)).toBase64();
  return `-----BEGIN PRIVATE KEY-----\n${base64.replaceAll(/.{1,64}/g, "$&\n")}-----END PRIVATE KEY-----\n`;
}

export function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = Uint8Array.fromBase64(pem.replaceAll(/-----[A-Z ]+-----/g, ""));
  return webcrypto.subtle.importKey("pkcs8", der, keyKind, false, ["sign"]);
}
