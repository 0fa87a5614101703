import { z } from "zod";
import { duration, name, noReply } from "./shapes.ts";
import { route } from "./route.ts";

/**
 * How a program without a browser comes to a token: the device authorization grant (RFC 8628). Its words are the RFC's, forms and errors too;
 * in ours it is an *activation*, and the person's side of it stands in `activations.ts`.
 */
export const deviceCodeGrant = "urn:ietf:params:oauth:grant-type:device_code";

/** The one program that is known by name: `holdfast`, the command. It is public, so whoever says so may be another. */
export const commandClient = "holdfast-command";

const longest = 30 * 86_400_000; // milliseconds
/** How long a program is let in for. */
export const lentFor = duration.refine((milliseconds) => milliseconds <= longest, "30d at most");

const client = z.string().max(200);

export const authorizeDevice = route({
  method: "POST",
  path: "/v1/oauth/device_authorization",
  summary:
    "A program asks to be let in by a person in her browser (RFC 8628, 3.1). `scope`: grants with spaces between, all that she may without it; `machine`: where it runs; `lifetime`: how long it asks for, as 24h.",
  needs: "public",
  speaks: "oauth",
  body: z.object({
    client_id: client,
    scope: z.string().max(4_096).optional(),
    machine: name.optional(),
    lifetime: lentFor.optional(),
  }),
  reply: z.object({
    device_code: z.string(),
    /** What she types, or compares: it is good for ten minutes. */
    user_code: z.string(),
    verification_uri: z.string(),
    verification_uri_complete: z.string(),
    /** Seconds. */
    expires_in: z.number().int(),
    /** Seconds between two questions at the token endpoint. */
    interval: z.number().int(),
  }),
});

export const obtainToken = route({
  method: "POST",
  path: "/v1/oauth/token",
  summary:
    "The API token of a program that somebody let in, once (RFC 8628, 3.4). Until then `authorization_pending`, `slow_down`; else `access_denied`, `expired_token`, `invalid_grant`.",
  needs: "public",
  speaks: "oauth",
  isPolled: true,
  body: z.object({ grant_type: z.string().max(200), device_code: z.string().max(200), client_id: client }),
  reply: z.object({
    access_token: z.string(),
    token_type: z.literal("Bearer"),
    /** Seconds. */
    expires_in: z.number().int(),
    /** Its grants, with spaces between. */
    scope: z.string(),
  }),
});

export const revokeToken = route({
  method: "POST",
  path: "/v1/oauth/revoke",
  summary:
    "Ends the API token that is handed in, and what was made with it (RFC 7009). The answer is the same where it was none.",
  needs: "public",
  speaks: "oauth",
  body: z.object({ token: z.string().max(16_384) }),
  reply: noReply,
});

export const readOAuth = route({
  method: "GET",
  path: "/.well-known/oauth-authorization-server",
  summary: "Where a program without a browser asks to be let in (RFC 8414).",
  needs: "public",
  reply: z.object({
    issuer: z.string(),
    device_authorization_endpoint: z.string(),
    token_endpoint: z.string(),
    revocation_endpoint: z.string(),
    grant_types_supported: z.array(z.string()),
    /** None: nothing is answered to a page that a browser is sent back to. */
    response_types_supported: z.array(z.string()),
    token_endpoint_auth_methods_supported: z.array(z.string()),
    revocation_endpoint_auth_methods_supported: z.array(z.string()),
  }),
});

/** How RFC 6749, 5.2, has a refusal told; the rest is as in every refusal. */
export const oauthErrors = [
  "access_denied",
  "authorization_pending",
  "expired_token",
  "invalid_client",
  "invalid_grant",
  "invalid_request",
  "invalid_scope",
  "server_error",
  "slow_down",
  "temporarily_unavailable",
  "unsupported_grant_type",
] as const;
export type OAuthError = (typeof oauthErrors)[number];
