import * as client from "openid-client";

/** A provider answered, and what it said is not to be relied on: why, in words that tell nothing of what it keeps. */
export class NotAccepted extends Error {
  override readonly name = "NotAccepted";
  /** RFC 6749, 4.1.2.1 and 5.2: what it calls its own refusal. */
  readonly code: string | undefined;

  constructor(message: string, { cause, code }: { readonly cause?: unknown; readonly code?: string | undefined } = {}) {
    super(message, { cause });
    this.code = code;
  }
}

const claims: Readonly<Record<string, string>> = {
  iss: "it names another issuer",
  aud: "it is for another client",
  azp: "it is for another client",
  nonce: "it answers another sign-in",
  sub: "it is about somebody else",
};

/** Of what openid-client throws. */
export function notAccepted(error: unknown): NotAccepted {
  if (error instanceof client.AuthorizationResponseError || error instanceof client.ResponseBodyError) {
    const code = said(error.error);
    return new NotAccepted(`it answered ${code}`, { cause: error, code });
  }
  // RFC 6749, 5.2: whom it does not know may be challenged so.
  if (error instanceof client.WWWAuthenticateChallengeError)
    return new NotAccepted("it answered invalid_client", { cause: error, code: "invalid_client" });
  if (!(error instanceof Error)) throw error;
  const claim = claimIn(error);
  if (claim !== undefined)
    return new NotAccepted(`its ID token is not good: ${claims[claim] ?? claim}`, { cause: error });
  if ("code" in error && error.code === "OAUTH_JWT_TIMESTAMP_CHECK_FAILED")
    return new NotAccepted("its ID token is over, or not good yet: look at both clocks", { cause: error });
  if (error instanceof client.ClientError)
    return new NotAccepted(`what it said does not hold: ${said(messageOf(error))}`, { cause: error });
  throw error;
}

function claimIn(error: Error): string | undefined {
  for (let each: unknown = error; each instanceof Error; each = each.cause) {
    const { cause } = each;
    if (typeof cause === "object" && cause !== null && "claim" in cause && typeof cause.claim === "string")
      return cause.claim;
  }
  return undefined;
}

const messageOf = (error: Error): string => (error.cause instanceof Error ? error.cause.message : error.message);

/** A text that somebody else wrote, fit to be shown. */
export const said = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 160);
