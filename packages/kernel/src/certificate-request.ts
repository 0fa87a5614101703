/** A private key (PKCS #8), which stays where it was made, and a certificate request of it (PKCS #10); both PEM. */
export type KeyAndRequest = { readonly key: string; readonly csr: string };

type Pair = { readonly privateKey: CryptoKey; readonly publicKey: CryptoKey };

const p256 = { name: "ECDSA", namedCurve: "P-256" };

/** A new key of P-256 and a request for its certificate. The platform reads nothing of a request but its key, so it names nobody. */
export async function newKeyAndRequest(): Promise<KeyAndRequest> {
  const pair = await crypto.subtle.generateKey(p256, true, ["sign", "verify"]);
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey));
  return { key: pemOf("PRIVATE KEY", pkcs8), csr: await requestOf(pair) };
}

/** A request for a certificate of a key of P-256 or Ed25519 (RFC 2986), signed with it. */
export async function requestOf({ privateKey, publicKey }: Pair): Promise<string> {
  const isEd25519 = publicKey.algorithm.name === "Ed25519";
  // RFC 8410, 3; RFC 5758, 3.2: ecdsa-with-SHA256
  const algorithm = sequence(
    der(0x06, isEd25519 ? [0x2b, 0x65, 0x70] : [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]),
  );
  const spki = [...new Uint8Array(await crypto.subtle.exportKey("spki", publicKey))];
  const body = sequence(der(0x02, [0]), sequence(), spki, der(0xa0, []));
  const how = isEd25519 ? { name: "Ed25519" } : { name: "ECDSA", hash: "SHA-256" };
  const signed = [...new Uint8Array(await crypto.subtle.sign(how, privateKey, Uint8Array.from(body)))];
  // WebCrypto answers r and s of 32 bytes each; X.509 wants them as two integers (RFC 3279, 2.2.3).
  const signature = isEd25519 ? signed : sequence(integer(signed.slice(0, 32)), integer(signed.slice(32)));
  return pemOf("CERTIFICATE REQUEST", sequence(body, algorithm, der(0x03, [0, ...signature])));
}

/** X.690, 10.1: tag, length in its shortest form, content. */
function der(tag: number, content: readonly number[]): number[] {
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return [tag, ...size, ...content];
}

const sequence = (...parts: readonly (readonly number[])[]): number[] => der(0x30, parts.flat());

/** X.690, 8.3: without zeros before it, but for the one that keeps it from being negative. */
function integer(bytes: readonly number[]): number[] {
  const first = bytes.findIndex((byte) => byte !== 0);
  const least = first < 0 ? [0] : bytes.slice(first);
  return der(0x02, (least[0] ?? 0) > 127 ? [0, ...least] : least);
}

function pemOf(label: string, bytes: Iterable<number>): string {
  const lines = btoa(String.fromCharCode(...bytes)).replaceAll(/.{1,64}/g, "$&\n");
  return `-----BEGIN ${label}-----\n${lines}-----END ${label}-----\n`;
}
