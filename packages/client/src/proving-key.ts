import { systemClock, systemRandom, type Clock } from "@holdfast/kernel";

/** A private key as a JWK (RFC 7517), of the two kinds to which a credential can be bound. */
export type PrivateKey =
  | { readonly kty: "OKP"; readonly crv: "Ed25519"; readonly x: string; readonly d: string }
  | { readonly kty: "EC"; readonly crv: "P-256"; readonly x: string; readonly y: string; readonly d: string };

type Request = {
  readonly method: string;
  readonly url: URL;
  /** The credential that the proof goes with. */
  readonly token: string;
  /** The newest that the platform gave. */
  readonly nonce: string | undefined;
};

/** What a credential is bound to, and signs each request that shows it (DPoP, RFC 9449). By WebCrypto alone: the same in Node and in browsers. */
export class ProvingKey {
  readonly #key: PrivateKey;
  readonly #clock: Clock;
  #imported: Promise<CryptoKey> | undefined;

  constructor(key: PrivateKey, clock: Clock = systemClock) {
    this.#key = key;
    this.#clock = clock;
  }

  /** Another one each time, and good once. */
  async proofFor({ method, url, token, nonce }: Request): Promise<string> {
    const { kty, crv, x } = this.#key;
    const jwk = this.#key.kty === "EC" ? { kty, crv, x, y: this.#key.y } : { kty, crv, x };
    const head = { typ: "dpop+jwt", alg: this.#key.kty === "EC" ? "ES256" : "Ed25519", jwk };
    const claims = {
      jti: base64url(systemRandom.bytes(16)),
      htm: method,
      htu: `${url.origin}${url.pathname}`,
      iat: Math.floor(this.#clock.now() / 1_000),
      ath: base64url(await crypto.subtle.digest("SHA-256", utf8(token))),
      ...(nonce !== undefined && { nonce }),
    };
    const text = `${base64url(utf8(JSON.stringify(head)))}.${base64url(utf8(JSON.stringify(claims)))}`;
    return `${text}.${base64url(await this.#sign(utf8(text)))}`;
  }

  async #sign(bytes: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> {
    const { subtle } = crypto;
    const kind = this.#key.kty === "EC" ? { name: "ECDSA", namedCurve: "P-256" } : { name: "Ed25519" };
    this.#imported ??= subtle.importKey("jwk", { ...this.#key }, kind, false, ["sign"]);
    return subtle.sign({ name: kind.name, hash: "SHA-256" }, await this.#imported, bytes);
  }
}

const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

function base64url(bytes: Uint8Array | ArrayBuffer): string {
  const binary = Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
