import { createPublicKey, webcrypto } from "node:crypto";
import { publicKeyOf, type PublicKey } from "@holdfast/crypto";
import type { Instant, Random } from "@holdfast/kernel";
import { look, type Looked } from "./look.ts";
import { importKey, newKeys, newSerial, selfSign, signature, wholeSeconds, x509, type Signed } from "./sign.ts";

type About = { readonly commonName: string; readonly notBefore: Instant; readonly notAfter: Instant };

type Ended = { readonly serial: string; readonly since: Instant };

const block = /^-----BEGIN (NEW )?CERTIFICATE REQUEST-----([A-Za-z0-9+/=\s]+)-----END \1?CERTIFICATE REQUEST-----$/;

/** Signs certificates of devices' keys, for an authority whose own key it is given each time. */
export class Signing {
  readonly #random: Random;

  constructor(needs: { readonly random: Random }) {
    this.#random = needs.random;
  }

  /**
   * The key of a certificate request (RFC 2986) in PEM, whose signature proves that whoever made it has the private one. What else it
   * asks for, a name or extensions, is nobody's word for anything, and is not looked at. `undefined` where there is no such key.
   */
  async keyIn(request: string): Promise<PublicKey | undefined> {
    const base64 = block.exec(request.trim())?.[2];
    if (base64 === undefined) return undefined;
    try {
      const lib = await x509();
      const read = new lib.Pkcs10CertificateRequest(Uint8Array.fromBase64(base64));
      const spki = Buffer.from(read.publicKey.rawData);
      const key = publicKeyOf(createPublicKey({ key: spki, type: "spki", format: "der" }));
      return key && (await read.verify(webcrypto)) ? key : undefined;
    } catch {
      return undefined; // no such request, or an algorithm that this OpenSSL does not know
    }
  }

  /** What such a request calls itself. */
  async nameIn(request: string): Promise<string | undefined> {
    const base64 = block.exec(request.trim())?.[2];
    if (base64 === undefined) return undefined;
    const lib = await x509();
    const [name] = new lib.Pkcs10CertificateRequest(Uint8Array.fromBase64(base64)).subjectName.getField("CN");
    return name;
  }

  async bundle(certificates: readonly string[]): Promise<Uint8Array> {
    const lib = await x509();
    const all = new lib.X509Certificates(certificates.map((one) => new lib.X509Certificate(one)));
    return new Uint8Array(all.export("raw"));
  }

  look(certificate: Uint8Array): Promise<Looked | undefined> {
    return look(certificate);
  }

  /** An authority of its own, that signs certificates and no other authority. */
  async newAuthority(about: About): Promise<Signed> {
    return selfSign(await newKeys(), about, this.#random);
  }

  /** The numbers of an authority's certificates that were ended, as of `at`, in DER. RFC 5280, 5. */
  async list(
    issuer: Signed,
    { at, next, ended }: { readonly at: Instant; readonly next: Instant; readonly ended: readonly Ended[] },
  ): Promise<Uint8Array> {
    const lib = await x509();
    const root = new lib.X509Certificate(issuer.certificate);
    const number = at.toString(16);
    const digits = number.length % 2 === 0 ? `00${number}` : `0${number}`; // positive, whatever its first bit
    const bytes = Uint8Array.fromHex(`02${(digits.length / 2).toString(16).padStart(2, "0")}${digits}`);
    const list = await lib.X509CrlGenerator.create(
      {
        issuer: root.subjectName,
        thisUpdate: wholeSeconds(at),
        nextUpdate: wholeSeconds(next),
        signingAlgorithm: signature,
        signingKey: await importKey(issuer.key),
        entries: ended.map(({ serial, since }) => ({ serialNumber: serial, revocationDate: wholeSeconds(since) })),
        extensions: [
          await lib.AuthorityKeyIdentifierExtension.create(root.publicKey, false, webcrypto),
          new lib.Extension("2.5.29.20", false, bytes), // cRLNumber
        ],
      },
      webcrypto,
    );
    return new Uint8Array(list.rawData);
  }

  /** A client certificate of a key that was proved before. */
  async certify(
    issuer: Signed,
    { commonName, notBefore, notAfter, key }: About & { readonly key: PublicKey },
  ): Promise<{ readonly certificate: string; readonly serial: string }> {
    const lib = await x509();
    const root = new lib.X509Certificate(issuer.certificate);
    const spki = createPublicKey({ key, format: "jwk" }).export({ type: "spki", format: "der" });
    const publicKey = new lib.PublicKey(new Uint8Array(spki));
    const serial = newSerial(this.#random);
    const certificate = await lib.X509CertificateGenerator.create(
      {
        publicKey,
        signingKey: await importKey(issuer.key),
        signingAlgorithm: signature,
        issuer: root.subjectName,
        subject: [{ CN: [commonName] }],
        serialNumber: serial,
        notBefore: wholeSeconds(notBefore),
        notAfter: wholeSeconds(notAfter),
        extensions: [
          new lib.BasicConstraintsExtension(false, undefined, true),
          new lib.KeyUsagesExtension(lib.KeyUsageFlags.digitalSignature, true),
          new lib.ExtendedKeyUsageExtension([lib.ExtendedKeyUsage.clientAuth]),
          await lib.SubjectKeyIdentifierExtension.create(publicKey, false, webcrypto),
          await lib.AuthorityKeyIdentifierExtension.create(root.publicKey, false, webcrypto),
        ],
      },
      webcrypto,
    );
    return { certificate: certificate.toString("pem") + "\n", serial };
  }
}
