import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";

// An authenticator in software (WebAuthn Level 3, 6), which can also do what no honest one does.

/** What it is asked for, as the platform says it. */
export type Asked = {
  readonly challenge: string;
  readonly rpId?: string;
  readonly rp?: { readonly id: string };
  readonly user?: { readonly id: string };
};

/** What to do otherwise than honest ones. */
export type Forged = {
  readonly origin?: string;
  readonly rpId?: string;
  readonly counter?: number;
  readonly isVerified?: boolean;
  readonly crossOrigin?: boolean;
  readonly type?: string;
  readonly credentialId?: string;
  readonly userHandle?: string;
  /** Of four characters: what vouches for the authenticator. */
  readonly format?: string;
  /** Applied to what the browser says once it is signed. */
  readonly tampered?: (clientData: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>;
};

const base64url = (bytes: Uint8Array) => bytes.toBase64({ alphabet: "base64url", omitPadding: true });
const sha256 = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest();

/** One passkey of one site. */
export class Authenticator {
  readonly credentialId = base64url(randomBytes(32));
  counter = 0;
  #userHandle: string | undefined;
  readonly #origin: string;
  readonly #privateKey: KeyObject;
  readonly #x: Uint8Array;
  readonly #y: Uint8Array;

  constructor(origin: string) {
    this.#origin = origin;
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    this.#privateKey = privateKey;
    const { x = "", y = "" } = publicKey.export({ format: "jwk" });
    this.#x = Buffer.from(x, "base64url");
    this.#y = Buffer.from(y, "base64url");
  }

  /** `navigator.credentials.create`, as JSON. */
  make(asked: Asked, forged: Forged = {}) {
    this.#userHandle = asked.user?.id;
    const id = Buffer.from(forged.credentialId ?? this.credentialId, "base64url");
    const length = Buffer.alloc(2);
    length.writeUInt16BE(id.length);
    // RFC 9053, 7.1.1: kty EC2, alg ES256, crv P-256, x, y.
    const key = [Buffer.from("a5010203262001215820", "hex"), this.#x, Buffer.from("225820", "hex"), this.#y];
    const attested = Buffer.concat([Buffer.alloc(16), length, id, ...key]);
    const authData = this.#authData(asked.rp?.id ?? "", forged, attested);
    const size = Buffer.alloc(2);
    size.writeUInt16BE(authData.length);
    const attestationObject = Buffer.concat([
      // {fmt: "none", attStmt: {}, authData: …}
      Buffer.from("a363666d7464", "hex"),
      Buffer.from(forged.format ?? "none"),
      Buffer.from("6761747453746d74a068617574684461746159", "hex"),
      size,
      authData,
    ]);
    const clientDataJSON = this.#clientData("webauthn.create", asked, forged, forged.tampered);
    return {
      id: base64url(id),
      rawId: base64url(id),
      type: "public-key",
      clientExtensionResults: {},
      response: {
        clientDataJSON: base64url(clientDataJSON),
        attestationObject: base64url(attestationObject),
        transports: ["internal"],
      },
    };
  }

  /** `navigator.credentials.get`, as JSON. */
  show(asked: Asked, forged: Forged = {}) {
    const authData = this.#authData(asked.rpId ?? "", forged);
    const clientDataJSON = this.#clientData("webauthn.get", asked, forged);
    const signature = sign("sha256", Buffer.concat([authData, sha256(clientDataJSON)]), this.#privateKey);
    const told = forged.tampered ? this.#clientData("webauthn.get", asked, forged, forged.tampered) : clientDataJSON;
    const userHandle = forged.userHandle ?? this.#userHandle;
    const id = forged.credentialId ?? this.credentialId;
    return {
      id,
      rawId: id,
      type: "public-key",
      clientExtensionResults: {},
      response: {
        clientDataJSON: base64url(told),
        authenticatorData: base64url(authData),
        signature: base64url(signature),
        ...(userHandle !== undefined && { userHandle }),
      },
    };
  }

  #authData(rpId: string, forged: Forged, attested?: Uint8Array): Buffer {
    // User present, user verified, and whether a key follows.
    const flags = 0x01 | (forged.isVerified === false ? 0 : 0x04) | (attested ? 0x40 : 0);
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(forged.counter ?? this.counter);
    return Buffer.concat([sha256(forged.rpId ?? rpId), Buffer.from([flags]), counter, ...(attested ? [attested] : [])]);
  }

  #clientData(type: string, { challenge }: Asked, forged: Forged, tampered?: Forged["tampered"]): Buffer {
    const said = {
      type: forged.type ?? type,
      challenge,
      origin: forged.origin ?? this.#origin,
      crossOrigin: forged.crossOrigin ?? false,
    };
    return Buffer.from(JSON.stringify(tampered ? tampered(said) : said));
  }
}
