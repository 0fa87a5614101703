import { createHash, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { client, type House } from "./provider.fixture.ts";

type Claims = Readonly<Record<string, unknown>>;

/** What it does otherwise than it should. */
export type Trick = {
  /** What it says of itself. */
  readonly metadata?: Claims;
  /** In the address that it sends browsers back to. */
  readonly back?: Readonly<Record<string, string | undefined>>;
  /** In the ID token. */
  readonly claims?: Claims;
  readonly header?: Claims;
  readonly signer?: KeyObject | "nobody";
  readonly userinfo?: Claims;
  /** How it answers a code, in place of tokens. */
  readonly token?: { readonly status: number; readonly body: Claims };
  /** The answer to whatever path. */
  readonly raw?: Readonly<Record<string, (response: ServerResponse) => void>>;
};

type Asked = { readonly nonce: string; readonly challenge: string; readonly redirectUri: string };

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
export const stranger = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A provider that says what a test lets it say, and else what is right: of Ada, for whoever comes. */
export class HostileProvider {
  readonly #house: House;
  readonly #codes = new Map<string, Asked>();
  #made = 0;
  trick: Trick = {};
  /** Who comes, if nobody is named. */
  who = "ada";
  /** What was asked of it, in order. */
  readonly asked: string[] = [];

  constructor(house: House) {
    this.#house = house;
    house.server.removeAllListeners("request");
    house.server.on("request", (request, response) => void this.#answer(request, response));
  }

  get #metadata(): Claims {
    const { issuer } = this.#house;
    return {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
      userinfo_endpoint: `${issuer}/userinfo`,
      response_types_supported: ["code"],
      subject_types_supported: ["public"],
      code_challenge_methods_supported: ["S256"],
      id_token_signing_alg_values_supported: ["ES256"],
      authorization_response_iss_parameter_supported: true,
      ...this.trick.metadata,
    };
  }

  /** Where it would send a browser back to that comes with this address. */
  back(location: string): URL {
    const { searchParams } = new URL(location);
    const text = (name: string) => searchParams.get(name) ?? "";
    const code = `code ${(this.#made += 1)}`;
    this.#codes.set(code, {
      nonce: text("nonce"),
      challenge: text("code_challenge"),
      redirectUri: text("redirect_uri"),
    });
    const back = new URL(text("redirect_uri"));
    const said = { code, state: text("state"), iss: this.#house.issuer, ...this.trick.back };
    for (const [name, value] of Object.entries(said)) if (value !== undefined) back.searchParams.set(name, value);
    return back;
  }

  /** Signed by its key, unless the trick is in that. */
  sign(header: Claims, claims: Claims): string {
    const { signer = privateKey } = this.trick;
    const text = `${encode(header)}.${encode(claims)}`;
    if (signer === "nobody") return `${text}.`;
    return `${text}.${sign("sha256", Buffer.from(text), { key: signer, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? "", this.#house.issuer);
    this.asked.push(pathname);
    const raw = this.trick.raw?.[pathname];
    if (raw) return raw(response);
    const parts: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
    const { status, body } = this.#reply(pathname, request, new URLSearchParams(Buffer.concat(parts).toString()));
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  }

  #reply(path: string, request: IncomingMessage, form: URLSearchParams): { status: number; body: unknown } {
    switch (path) {
      case "/.well-known/openid-configuration":
        return { status: 200, body: this.#metadata };
      case "/jwks":
        return {
          status: 200,
          body: { keys: [{ ...publicKey.export({ format: "jwk" }), kid: "one", alg: "ES256", use: "sig" }] },
        };
      case "/userinfo":
        const email = `${this.who}@house.example`;
        return { status: 200, body: { sub: this.who, email, email_verified: true, ...this.trick.userinfo } };
      case "/token":
        return this.trick.token ?? this.#tokens(request, form);
      default:
        return { status: 404, body: {} };
    }
  }

  #tokens({ headers }: IncomingMessage, form: URLSearchParams) {
    const basic = Buffer.from(
      `${encodeURIComponent(client.id)}:${encodeURIComponent(client.secret).replaceAll("%20", "+")}`,
    );
    if (headers.authorization !== `Basic ${basic.toString("base64")}`)
      return { status: 401, body: { error: "invalid_client" } };
    const code = form.get("code") ?? "";
    const asked = this.#codes.get(code);
    this.#codes.delete(code);
    const challenge = createHash("sha256")
      .update(form.get("code_verifier") ?? "")
      .digest("base64url");
    if (asked?.challenge !== challenge || asked.redirectUri !== form.get("redirect_uri"))
      return { status: 400, body: { error: "invalid_grant" } };
    const now = Math.floor(Date.now() / 1_000);
    const claims = {
      iss: this.#house.issuer,
      aud: client.id,
      sub: this.who,
      iat: now,
      exp: now + 300,
      nonce: asked.nonce,
      ...this.trick.claims,
    };
    const token = this.sign({ alg: "ES256", kid: "one", ...this.trick.header }, claims);
    return { status: 200, body: { access_token: "opaque", token_type: "Bearer", id_token: token } };
  }
}
