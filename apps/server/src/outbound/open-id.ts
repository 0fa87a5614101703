import type { Clock } from "@holdfast/kernel";
import * as client from "openid-client";
import { Unreachable, type Calls } from "./calls.ts";
import { notAccepted, NotAccepted, said } from "./open-id-words.ts";

/** As whom we are known to a provider. */
export type Registration = {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string | undefined;
};

/** What one sign-in has of its own, so that no answer to another one is taken for its own. */
export type Questions = {
  readonly state: string;
  readonly nonce: string;
  /** RFC 7636: who asked proves it when the code is exchanged. */
  readonly verifier: string;
};

export type Asking = Questions & {
  readonly redirectUri: string;
  readonly scopes: readonly string[];
  /** She has to show once more who she is, whether she is signed in there or not. */
  readonly isFresh: boolean;
};

/** What a provider said of somebody. */
export type Said = {
  readonly subject: string;
  readonly claims: Readonly<Record<string, unknown>>;
  /** When she showed the provider who she is, in seconds; not every provider says so. */
  readonly provedAt: number | undefined;
  /** Her session there, for providers that tell when it ends. */
  readonly sid: string | undefined;
  /** Where a browser signs her out there, too, and comes back to `after`. */
  signOutAt(after: string): string | undefined;
};

type Needs = { readonly calls: Pick<Calls, "fetch">; readonly clock: Clock };

const freshWithin = 120; // seconds between her proof there and the end of the way back
const keptFor = 10 * 60_000; // milliseconds that what a provider says of itself is good
const mostKept = 200;

/** Speaks OpenID Connect with a provider: code and PKCE alone, and whatever it signs is looked at, also where TLS would vouch for it. */
export class OpenId {
  readonly #needs: Needs;
  readonly #kept = new Map<string, { readonly config: Promise<client.Configuration>; readonly until: number }>();

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** Where to send her browser. @throws Unreachable, NotAccepted */
  async location(registration: Registration, asking: Asking): Promise<string> {
    const config = await this.discover(registration);
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: asking.redirectUri,
      scope: asking.scopes.join(" "),
      state: asking.state,
      nonce: asking.nonce,
      code_challenge: await client.calculatePKCECodeChallenge(asking.verifier),
      code_challenge_method: "S256",
      ...(asking.isFresh && { prompt: "login", max_age: String(freshWithin) }),
    });
    if (url.protocol !== "https:") throw new NotAccepted("the address where it signs people in is not https");
    return url.href;
  }

  /** What came back by her browser, `callback` with its parameters, for what the provider says of her. @throws Unreachable, NotAccepted */
  async exchange(
    registration: Registration,
    callback: URL,
    { state, nonce, verifier, isFresh }: Questions & { readonly isFresh: boolean },
  ): Promise<Said> {
    const config = await this.discover(registration);
    try {
      const tokens = await client.authorizationCodeGrant(config, callback, {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: verifier,
        idTokenExpected: true,
        ...(isFresh && { maxAge: freshWithin }),
      });
      const { id_token: idToken = "" } = tokens;
      const own = tokens.claims();
      if (!own) throw new NotAccepted("it gave no ID token");
      // Whose the rest is has to be the same as in what was signed.
      const more = config.serverMetadata().userinfo_endpoint
        ? await client.fetchUserInfo(config, tokens.access_token, own.sub)
        : {};
      return {
        subject: own.sub,
        claims: { ...more, ...own },
        provedAt: own.auth_time,
        sid: typeof own["sid"] === "string" ? own["sid"] : undefined,
        signOutAt: (after) => signOutAt(config, idToken, after),
      };
    } catch (error) {
      throw inOurWords(error);
    }
  }

  /** The keys that it signs with, as they are now. @throws Unreachable, NotAccepted */
  async keysOf(registration: Registration): Promise<unknown> {
    const config = await this.discover(registration);
    const { jwks_uri: address } = config.serverMetadata();
    if (address === undefined) throw new NotAccepted("it names no keys");
    const answer = await this.#needs.calls.fetch(address, { headers: { accept: "application/json" } });
    return answer.json().catch((cause: unknown) => {
      throw new NotAccepted("its keys are no JSON", { cause });
    });
  }

  /** What it says of itself. @throws Unreachable, NotAccepted */
  async discover(registration: Registration, isAnew = false): Promise<client.Configuration> {
    const now = this.#needs.clock.elapsed();
    const name = JSON.stringify([registration.issuer, registration.clientId, registration.clientSecret]);
    const there = this.#kept.get(name);
    if (there && !isAnew && now < there.until) return there.config;
    this.#kept.delete(name);
    const config = this.#discover(registration);
    this.#kept.set(name, { config, until: now + keptFor });
    config.catch(() => this.#kept.delete(name)); // asked again by whoever comes next
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > mostKept && oldest !== undefined) this.#kept.delete(oldest);
    return config;
  }

  async #discover({ issuer, clientId, clientSecret }: Registration): Promise<client.Configuration> {
    const { fetch } = this.#needs.calls;
    try {
      const config = await client.discovery(new URL(issuer), clientId, undefined, client.None(), {
        [client.customFetch]: fetch,
        timeout: 10, // seconds
      });
      const metadata = config.serverMetadata();
      if (metadata.issuer !== issuer)
        throw new NotAccepted(`it calls itself ${said(metadata.issuer)}: write the issuer exactly so`);
      const authenticated = new client.Configuration(
        metadata,
        clientId,
        clientSecret,
        authentication(metadata, clientSecret),
      );
      authenticated[client.customFetch] = fetch;
      // An ID token that came from the token endpoint is trusted by its TLS alone otherwise (OpenID Connect Core, 3.1.3.7).
      client.enableNonRepudiationChecks(authenticated);
      return authenticated;
    } catch (error) {
      throw inOurWords(error);
    }
  }
}

function authentication(
  { token_endpoint_auth_methods_supported: methods }: client.ServerMetadata,
  secret: string | undefined,
): client.ClientAuth {
  if (secret === undefined) return client.None();
  // Basic is what a provider takes that says nothing (OpenID Connect Discovery, 3).
  const isBasic =
    methods === undefined || methods.includes("client_secret_basic") || !methods.includes("client_secret_post");
  return isBasic ? client.ClientSecretBasic(secret) : client.ClientSecretPost(secret);
}

/** OpenID Connect RP-Initiated Logout. */
function signOutAt(config: client.Configuration, idToken: string, after: string): string | undefined {
  if (config.serverMetadata().end_session_endpoint === undefined) return undefined;
  const url = client.buildEndSessionUrl(config, { id_token_hint: idToken, post_logout_redirect_uri: after });
  return url.protocol === "https:" ? url.href : undefined;
}

/** What openid-client wraps is what we threw ourselves. */
function inOurWords(error: unknown): Error {
  for (let each: unknown = error; each instanceof Error; each = each.cause)
    if (each instanceof Unreachable || each instanceof NotAccepted) return each;
  return notAccepted(error);
}
