import { createPrivateKey, generateKeyPairSync, sign, X509Certificate, webcrypto } from "node:crypto";
import { request } from "node:https";
import type { KeyPair } from "@holdfast/client/testing";
import { x509 } from "../apps/server/src/tls/sign.ts";
import type { TestPlatform } from "../apps/server/src/testing/index.ts";
import { placeOf } from "./clients.fixture.ts";
import { csrOf, p256, type Shows } from "./issued.fixture.ts";

// A manufacturer that signs birth certificates (IEEE 802.1AR), good ones and others.

type Kind = "P-256" | "P-384" | "P-521" | "Ed25519" | "RSA-2048" | "RSA-1024";

const kinds = {
  "P-256": { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  "P-384": { name: "ECDSA", namedCurve: "P-384", hash: "SHA-384" },
  "P-521": { name: "ECDSA", namedCurve: "P-521", hash: "SHA-512" },
  Ed25519: { name: "Ed25519" },
  "RSA-2048": { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  "RSA-1024": { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
} as const;

export function pairOf(kind: Kind): KeyPair {
  if (kind === "Ed25519") return generateKeyPairSync("ed25519");
  if (kind === "P-256" || kind === "P-384" || kind === "P-521") return generateKeyPairSync("ec", { namedCurve: kind });
  return generateKeyPairSync("rsa", { modulusLength: Number(kind.slice("RSA-".length)) });
}

export type Says = {
  /** Of the subject, in order. */
  readonly subject?: readonly Record<string, string[]>[];
  readonly isAuthority?: boolean;
  readonly usage?: "signs certificates" | "signs" | "neither" | "unsaid";
  readonly purposes?: readonly string[];
  readonly notBefore?: number;
  readonly notAfter?: number;
  /** An extension that nobody knows. */
  readonly strange?: boolean;
  readonly hash?: "SHA-1";
};

/** RFC 5280, 4.1.2.5: no end. */
export const never = Date.UTC(9999, 11, 31, 23, 59, 59);
const day = 86_400_000;

export class Manufacturer {
  readonly kind: Kind;
  readonly pair: KeyPair;
  readonly name: string;
  readonly now: number;
  certificate = "";

  private constructor(name: string, kind: Kind, now: number, pair: KeyPair) {
    [this.name, this.kind, this.now, this.pair] = [name, kind, now, pair];
  }

  static async of(
    now: number,
    says: Says & { kind?: Kind; name?: string; pair?: KeyPair } = {},
  ): Promise<Manufacturer> {
    const { kind = "P-256", name = "Acme births", pair = pairOf(kind), ...rest } = says;
    const made = new Manufacturer(name, kind, now, pair);
    const subject = [{ O: ["Acme"] }, { CN: [name] }];
    made.certificate = await made.#certify(pair, { subject, isAuthority: true, usage: "signs certificates", ...rest });
    return made;
  }

  get key(): string {
    return pemOf(this.pair);
  }

  /** As the command of openssl in docs/enrolment.md does it. */
  sign(text: string): string {
    const key = createPrivateKey(this.key);
    return sign(this.kind === "Ed25519" ? null : "sha256", Buffer.from(text), key).toString("base64");
  }

  /** What is burnt into a device. */
  async birth(
    serial: string,
    says: Says & { pair?: KeyPair } = {},
  ): Promise<Shows & { readonly x509: X509Certificate }> {
    const { pair = p256(), ...rest } = says;
    const subject = [{ O: ["Acme"] }, { "2.5.4.5": [serial] }];
    const cert = await this.#certify(pair, { subject, notAfter: never, usage: "signs", ...rest });
    return { cert, key: pemOf(pair), x509: new X509Certificate(cert) };
  }

  async #certify({ publicKey }: KeyPair, says: Says): Promise<string> {
    const lib = await x509();
    const { subject = [], isAuthority = false, usage = "unsaid", purposes = [], strange, hash } = says;
    const { notBefore = this.now - day, notAfter = this.now + 3_650 * day } = says;
    const algorithm = { ...kinds[this.kind], ...(hash && { hash }) };
    const { keyCertSign, digitalSignature, keyEncipherment } = lib.KeyUsageFlags;
    const flags = { "signs certificates": keyCertSign, signs: digitalSignature, neither: keyEncipherment, unsaid: 0 }[
      usage
    ];
    const certificate = await lib.X509CertificateGenerator.create(
      {
        publicKey: new lib.PublicKey(new Uint8Array(publicKey.export({ type: "spki", format: "der" }))),
        signingKey: await webcrypto.subtle.importKey(
          "pkcs8",
          this.pair.privateKey.export({ type: "pkcs8", format: "der" }),
          algorithm,
          false,
          ["sign"],
        ),
        signingAlgorithm: algorithm,
        issuer: [{ O: ["Acme"] }, { CN: [this.name] }],
        subject: subject.map((one) => ({ ...one })),
        notBefore: new Date(notBefore),
        notAfter: new Date(notAfter),
        extensions: [
          new lib.BasicConstraintsExtension(isAuthority, undefined, true),
          ...(flags === 0 ? [] : [new lib.KeyUsagesExtension(flags, true)]),
          ...(purposes.length === 0 ? [] : [new lib.ExtendedKeyUsageExtension([...purposes])]),
          ...(strange ? [new lib.Extension("1.2.3.4.5", true, Uint8Array.of(5, 0))] : []),
        ],
      },
      webcrypto,
    );
    return `${certificate.toString("pem")}\n`;
  }
}

const pemOf = ({ privateKey }: KeyPair): string => privateKey.export({ type: "pkcs8", format: "pem" }).toString();

export type Enrolled = { readonly status: number; readonly code: string | undefined; readonly text: string };

/** A device that comes with its birth certificate, on the port for certificates. */
export function enrolling(test: TestPlatform) {
  const { ca } = placeOf(test);
  const { clientCertificateUrl = "" } = test.platform;
  return async (
    shows: Shows,
    label: string,
    { pair = p256(), operation = "simpleenroll" }: { pair?: KeyPair; operation?: string } = {},
  ): Promise<Enrolled> => {
    const body = (await csrOf(pair)).replaceAll(/-----[A-Z ]+-----\n/g, "");
    const where = label === "" ? "" : `/${label}`;
    return new Promise((resolve, reject) => {
      const call = request(`${clientCertificateUrl}/.well-known/est${where}/${operation}`, {
        ca,
        agent: false,
        cert: shows.cert,
        key: shows.key,
        method: "POST",
        headers: { "content-type": "application/pkcs10" },
      });
      call.on("error", reject).on("response", (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part: string) => (text += part));
        response.on("end", () => {
          const status = response.statusCode ?? 0;
          resolve({ status, text, code: status < 300 ? undefined : (JSON.parse(text) as { code: string }).code }); // RFC 9457
        });
      });
      call.end(body);
    });
  };
}
