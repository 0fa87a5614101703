import { z } from "zod";
import { id, noReply, time } from "./shapes.ts";
import { route } from "./route.ts";

/** A person's own account, by the cookie of her session: it is of no organisation, and none is named. */
const account = z.object({
  person: z.object({ id: id("person"), email: z.string() }),
  /** Codes of an authenticator app (RFC 6238). */
  totp: z.object({ since: time }).optional(),
  /** Whoever signs in with a passkey alone has none. */
  hasPassword: z.boolean(),
  /** How many are left. */
  recoveryCodes: z.number().int(),
});

export const readAccount = route({
  method: "GET",
  path: "/v1/account",
  summary: "The account of whoever is signed in by the cookie: her e-mail, and what she has to show who she is.",
  needs: "public",
  reply: account,
  session: "asks",
});

export const takeInvitation = route({
  method: "POST",
  path: "/v1/account/invitations",
  summary:
    "Takes an invitation, once, as whoever is signed in by the cookie, if it was sent to her e-mail: she has shown who she is.",
  needs: "public",
  body: z.strictObject({ secret: z.string().max(200) }),
  reply: z.object({ org: id("org") }),
  status: 201,
  location: "/v1/account",
  session: "asks",
});

export const offerTotp = route({
  method: "POST",
  path: "/v1/account/totp/offer",
  summary:
    "A new secret for an authenticator app, as text and as the address of a picture. It is nothing until a code of it is shown, within a quarter of an hour.",
  needs: "public",
  body: z.strictObject({}),
  reply: z.object({ secret: z.string(), uri: z.string(), offer: z.string(), expiresAt: time }),
  session: "asks",
  isConfirmed: true,
});

/** Ten, each good once. */
const codes = z.object({ recoveryCodes: z.array(z.string()) });

export const addTotp = route({
  method: "PUT",
  path: "/v1/account/totp",
  summary:
    "From now on a code of that app is asked for whenever the password is shown, in place of any before. Answers with ten recovery codes, shown this once; her cookie is replaced.",
  needs: "public",
  body: z.strictObject({ offer: z.string().max(256), code: z.string().max(64) }),
  reply: codes,
  session: "renews",
  isConfirmed: true,
});

export const removeTotp = route({
  method: "DELETE",
  path: "/v1/account/totp",
  summary:
    "Codes of the app are asked for no more. Where an organisation demands a second factor and no other is left, she loses it until there is one.",
  needs: "public",
  reply: noReply,
  session: "asks",
  isConfirmed: true,
});

export const renewRecoveryCodes = route({
  method: "POST",
  path: "/v1/account/recovery-codes",
  summary:
    "Ten new recovery codes in place of those that there were, shown this once. Each stands in for a second factor, once.",
  needs: "public",
  body: z.strictObject({}),
  reply: codes,
  session: "asks",
  isConfirmed: true,
});
