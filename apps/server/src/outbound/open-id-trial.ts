import * as client from "openid-client";
import { Unreachable } from "./calls.ts";
import { NotAccepted, notAccepted, said } from "./open-id-words.ts";
import type { OpenId, Registration } from "./open-id.ts";

/** What somebody who sets a provider up should know: "wrong" is what keeps everybody from signing in. */
export type Finding = {
  readonly level: "wrong" | "note";
  readonly says: string;
  /** Where the provider was asked and that came to nothing: it was not reached, or what it answered was not taken. */
  readonly code?: "provider.unreachable" | "provider.refused";
};

type Trial = {
  readonly scopes: readonly string[];
  /** Claims that something hangs on. */
  readonly claims: readonly string[];
  readonly redirectUri: string;
};

const wrong = (says: string): Finding => ({ level: "wrong", says });
const note = (says: string): Finding => ({ level: "note", says });

/** Asks a provider all that a sign-in will ask, but for somebody who signs in. */
export async function tryOut(openId: OpenId, registration: Registration, trial: Trial): Promise<readonly Finding[]> {
  try {
    const config = await openId.discover(registration, true);
    return [
      ...endpointsOf(config.serverMetadata()),
      ...waysOf(config.serverMetadata(), trial),
      ...(await keysOf(openId, registration)),
      ...(await clientOf(config, trial)),
    ];
  } catch (error) {
    return [failed(error)];
  }
}

function endpointsOf(metadata: client.ServerMetadata): readonly Finding[] {
  return (["authorization_endpoint", "token_endpoint", "jwks_uri"] as const).flatMap((name) => {
    const address = metadata[name];
    if (address === undefined) return [wrong(`It does not say where its ${name} is.`)];
    return /^https:/i.test(address) ? [] : [wrong(`Its ${name} is not https.`)];
  });
}

function waysOf(metadata: client.ServerMetadata, { scopes, claims }: Trial): readonly Finding[] {
  const {
    response_types_supported: types,
    code_challenge_methods_supported: challenges,
    id_token_signing_alg_values_supported: algorithms,
    scopes_supported: offered,
    claims_supported: told,
  } = metadata;
  const missing = offered ? scopes.filter((scope) => !offered.includes(scope)) : [];
  const untold = told ? claims.filter((claim) => !told.includes(claim.split(".")[0] ?? claim)) : [];
  return [
    ...(types && !types.includes("code")
      ? [wrong("It does not do the authorization code flow (response type code).")]
      : []),
    ...(challenges && !challenges.includes("S256") ? [wrong("It does not do PKCE with S256.")] : []),
    ...(challenges ? [] : [note("It does not say whether it does PKCE with S256; it is asked for in any case.")]),
    ...(algorithms && !algorithms.some((name) => /^(RS|PS|ES|Ed)/.test(name))
      ? [wrong("It signs ID tokens with no key that could be looked up: let it sign them with RS256 or ES256.")]
      : []),
    ...missing.map((scope) => note(`It does not list the scope ${scope}.`)),
    ...untold.map((claim) => note(`It does not list the claim ${claim}.`)),
    ...(metadata.end_session_endpoint === undefined
      ? [note("It has no address to sign out at: whoever signs out here stays signed in there.")]
      : []),
    ...(metadata["backchannel_logout_supported"] === true
      ? []
      : [note("It does not say that it tells us when somebody signs out there (back-channel logout).")]),
  ];
}

async function keysOf(openId: OpenId, registration: Registration): Promise<readonly Finding[]> {
  try {
    const set = await openId.keysOf(registration);
    const has =
      typeof set === "object" && set !== null && "keys" in set && Array.isArray(set.keys) && set.keys.length > 0;
    return has ? [] : [wrong("It has no keys to look its signatures up with.")];
  } catch (error) {
    return [failed(error, "Its keys: ")];
  }
}

/** A code that nobody gave is refused as such to a client that it knows, and to another one for being another. */
async function clientOf(config: client.Configuration, { redirectUri }: Trial): Promise<readonly Finding[]> {
  const callback = new URL(redirectUri);
  callback.search = String(new URLSearchParams({ code: "none", state: "none", iss: config.serverMetadata().issuer }));
  try {
    await client.authorizationCodeGrant(config, callback, { expectedState: "none", pkceCodeVerifier: "0".repeat(43) });
    return [wrong("It took a code that it never gave.")];
  } catch (error) {
    const answer = notAccepted(error);
    switch (answer.code) {
      case "invalid_grant":
        return [];
      case "invalid_client":
      case "unauthorized_client":
        return [wrong(`It does not know the client, or the secret is wrong (${answer.code}).`)];
      default:
        return [note(`Whether it knows the client is not known yet: ${answer.message}.`)];
    }
  }
}

function failed(error: unknown, about = ""): Finding {
  if (!(error instanceof Unreachable) && !(error instanceof NotAccepted)) throw error;
  const { message } = error;
  const says = `${about}${said(`${message.charAt(0).toUpperCase()}${message.slice(1)}.`)}`;
  return { ...wrong(says), code: error instanceof Unreachable ? "provider.unreachable" : "provider.refused" };
}
