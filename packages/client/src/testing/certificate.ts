import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";

export type KeyPair = { readonly privateKey: KeyObject; readonly publicKey: KeyObject };

const newPair = (): KeyPair => generateKeyPairSync("ec", { namedCurve: "P-256" });

/** A certificate that signs itself, of a pair of P-256 or Ed25519; without one it is made anew each time. Both are PEM text. */
export function selfSigned({
  name = "localhost",
  until = "20990101000000Z",
  pair: { privateKey, publicKey } = newPair(),
}: { name?: string; until?: string; pair?: KeyPair } = {}): { cert: string; key: string } {
  const isEd25519 = privateKey.asymmetricKeyType === "ed25519";
  // RFC 8410, 3; RFC 5758, 3.2: ecdsa-with-SHA256
  const algorithm = sequence(der(0x06, Buffer.from(isEd25519 ? "2b6570" : "2a8648ce3d040302", "hex")));
  const commonName = sequence(der(0x06, Buffer.from("550403", "hex")), der(0x0c, Buffer.from(name)));
  const who = sequence(der(0x31, commonName));
  const san = sequence(der(0x06, Buffer.from("551d11", "hex")), der(0x04, sequence(der(0x82, Buffer.from(name)))));
  const body = sequence(
    der(0xa0, der(0x02, Buffer.of(2))), // version 3
    der(0x02, Buffer.of(1)),
    algorithm,
    who,
    sequence(der(0x18, Buffer.from("20200101000000Z")), der(0x18, Buffer.from(until))),
    who,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(san)),
  );
  const signature = sign(isEd25519 ? null : "sha256", body, privateKey);
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
