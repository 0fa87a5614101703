import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";

export type KeyPair = { readonly privateKey: KeyObject; readonly publicKey: KeyObject };

const newPair = (): KeyPair => generateKeyPairSync("ec", { namedCurve: "P-256" });

type Shown = { readonly cert: string; readonly key: string };
type SelfSigned = { readonly name?: string; readonly until?: string; readonly pair?: KeyPair };

/** A certificate that signs itself, of a pair of P-256 or Ed25519; without one it is made anew each time. Both are PEM text. */
export const selfSigned = ({ pair = newPair(), ...about }: SelfSigned = {}): Shown =>
  signedBy(pair, { ...about, pair });

/** Who signed a certificate, as it says: names of an organisation, and its own (RFC 5280, 4.1.2.4). */
export type Claimed = {
  readonly issuer?: { readonly organisation: string; readonly name: string };
  /** In hexadecimal digits. */
  readonly serial?: string;
  readonly from?: string;
  readonly isAuthority?: boolean;
  readonly forClients?: boolean;
};

/** A certificate that says what it is told to, whoever signs it. */
export function signedBy(
  signer: KeyPair,
  {
    name = "localhost",
    until = "20990101000000Z",
    from = "20200101000000Z",
    pair: { privateKey, publicKey },
    issuer,
    serial = "01",
    isAuthority = false,
    forClients = false,
  }: Claimed & SelfSigned & { readonly pair: KeyPair },
): Shown {
  const isEd25519 = signer.privateKey.asymmetricKeyType === "ed25519";
  // RFC 8410, 3; RFC 5758, 3.2: ecdsa-with-SHA256
  const algorithm = sequence(der(0x06, Buffer.from(isEd25519 ? "2b6570" : "2a8648ce3d040302", "hex")));
  const part = (oid: string, text: string) =>
    der(0x31, sequence(der(0x06, Buffer.from(oid, "hex")), der(0x0c, Buffer.from(text))));
  const who = sequence(part("550403", name));
  const by = issuer ? sequence(part("55040a", issuer.organisation), part("550403", issuer.name)) : who;
  const extension = (oid: string, content: Buffer) =>
    sequence(der(0x06, Buffer.from(oid, "hex")), der(0x04, sequence(content)));
  const more = [
    ...(isAuthority ? [extension("551d13", der(0x01, Buffer.of(255)))] : []),
    ...(forClients ? [extension("551d25", der(0x06, Buffer.from("2b06010505070302", "hex")))] : []),
  ];
  const san = extension("551d11", der(0x82, Buffer.from(name)));
  const body = sequence(
    der(0xa0, der(0x02, Buffer.of(2))), // version 3
    der(0x02, Buffer.from(serial, "hex")),
    algorithm,
    by,
    sequence(der(0x18, Buffer.from(from)), der(0x18, Buffer.from(until))),
    who,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(san, ...more)),
  );
  const signature = sign(isEd25519 ? null : "sha256", body, signer.privateKey);
  const whole = sequence(body, algorithm, der(0x03, Buffer.concat([Buffer.of(0), signature])));
  const lines = whole.toString("base64").replaceAll(/.{64}/g, "$&\n");
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }),
  };
}

/** X.690, 10.1: tag, length in its shortest form, content. */
function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.of(tag, ...size), content]);
}

const sequence = (...parts: Buffer[]): Buffer => der(0x30, Buffer.concat(parts));
