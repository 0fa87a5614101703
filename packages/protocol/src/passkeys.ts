import { z } from "zod";
import { login, managing, own, published, reading, signedIn, userPath } from "./application-users.ts";
import { route } from "./route.ts";
import { id, name, noReply, time } from "./shapes.ts";

// Passkeys of application users (WebAuthn, Level 3). The shapes of questions and answers are a browser's own: `parseCreationOptionsFromJSON`,
// `parseRequestOptionsFromJSON` and `toJSON` of PublicKeyCredential read and write them.

const base64url = (most: number) =>
  z
    .string()
    .max(most)
    .regex(/^[A-Za-z0-9_-]+$/, "not base64url");

/** Browsers add more, which is left alone. */
const answered = <const R extends z.ZodRawShape>(response: R) =>
  z.object({
    id: base64url(1_364),
    rawId: base64url(1_364),
    type: z.literal("public-key"),
    response: z.object({ clientDataJSON: base64url(8_192), ...response }),
  });

const made = answered({
  attestationObject: base64url(32_768),
  transports: z.array(z.string().max(32)).max(8).optional(),
});
const shown = answered({
  authenticatorData: base64url(8_192),
  signature: base64url(2_048),
  userHandle: base64url(128).nullish(),
});

/** What `navigator.credentials.create` and `.get` answer, as JSON. */
export type MadePasskey = z.infer<typeof made>;
export type ShownPasskey = z.infer<typeof shown>;

const rpId = z
  .string()
  .max(253)
  .optional()
  .describe(
    "For which site: the page's own host, or that of another origin of the key that the page's is below. Unless said, the widest of them.",
  );
const timeout = z.number().int().describe("Milliseconds until the answer comes too late.");
const creation = z.object({
  challenge: z.string(),
  rp: z.object({ id: z.string(), name: z.string() }),
  user: z.object({ id: z.string(), name: z.string(), displayName: z.string() }),
  pubKeyCredParams: z.array(z.object({ type: z.literal("public-key"), alg: z.number().int() })),
  timeout,
  attestation: z.literal("none"),
  authenticatorSelection: z.object({
    residentKey: z.literal("required"),
    requireResidentKey: z.boolean(),
    userVerification: z.literal("required"),
  }),
  excludeCredentials: z.array(
    z.object({ type: z.literal("public-key"), id: z.string(), transports: z.array(z.string()) }),
  ),
});
const request = z.object({
  challenge: z.string(),
  rpId: z.string(),
  timeout,
  userVerification: z.literal("required"),
});

const passkey = z.object({
  id: id("passkey"),
  name: z.string(),
  site: z.string().describe("The domain that it is good on, and all below it."),
  createdAt: time,
  lastUsedAt: time.optional(),
  isBackedUp: z.boolean().describe("Whether its maker's cloud has it too."),
  clonedAt: time
    .optional()
    .describe("When it counted backwards, as a copy does. It opens nothing from then on; remove it."),
});
const passkeys = z.object({ items: z.array(passkey) });
const passkeyName = name.max(64);

export const passkeySignUpOptions = route({
  method: "POST",
  path: "/v1/application-users/passkey-sign-up/options",
  summary: "What a browser is to make a passkey with, for somebody who signs up; for five minutes and one answer.",
  ...published,
  body: z.strictObject({ login, rpId }),
  reply: creation,
});

export const signUpWithPasskey = route({
  method: "POST",
  path: "/v1/application-users/passkey-sign-up",
  summary:
    "Asks to become a user of the application, with a passkey in place of a password. Answered alike whether the login is taken or not; what is there already stays as it is.",
  ...published,
  isCostly: true,
  body: z.strictObject({ login, name: passkeyName.optional(), answer: made }),
  reply: noReply,
});

export const passkeySignInOptions = route({
  method: "POST",
  path: "/v1/application-users/passkey-sign-in/options",
  summary:
    "What a browser is to show a passkey for; for five minutes and one answer. With a login only a passkey of that user will do; the answer is the same whether there is one.",
  ...published,
  body: z.strictObject({ login: login.optional(), rpId }),
  reply: request,
});

export const signInWithPasskey = route({
  method: "POST",
  path: "/v1/application-users/passkey-sign-in",
  summary:
    "Signs a user of the application in by a passkey, with the login that the options were asked for, if any. With a DPoP proof the tokens are bound to its key.",
  ...published,
  body: z.strictObject({ login: login.optional(), answer: shown }),
  reply: signedIn,
});

export const ownPasskeyOptions = route({
  method: "POST",
  path: "/v1/application-users/me/passkeys/options",
  summary: "What a browser is to make a further passkey with, by a user who signed in within a quarter of an hour.",
  ...own,
  body: z.strictObject({ rpId }),
  reply: creation,
});

export const createOwnPasskey = route({
  method: "POST",
  path: "/v1/application-users/me/passkeys",
  summary: "Adds a passkey to the user who is signed in.",
  ...own,
  body: z.strictObject({ name: passkeyName.optional(), answer: made }),
  reply: passkey,
  status: 201,
  location: "/v1/application-users/me/passkeys/{id}",
});

export const listOwnPasskeys = route({
  method: "GET",
  path: "/v1/application-users/me/passkeys",
  summary: "The passkeys of the user who is signed in, oldest first.",
  ...own,
  reply: passkeys,
});

export const renameOwnPasskey = route({
  method: "PATCH",
  path: "/v1/application-users/me/passkeys/{passkey}",
  summary: "Calls a passkey something else.",
  ...own,
  body: z.strictObject({ name: passkeyName }),
  reply: passkey,
});

export const removeOwnPasskey = route({
  method: "DELETE",
  path: "/v1/application-users/me/passkeys/{passkey}",
  summary: "Removes a passkey of the user who is signed in; the last way in stays.",
  ...own,
  reply: noReply,
});

export const listUserPasskeys = route({
  method: "GET",
  path: `${userPath}/passkeys`,
  summary: "The passkeys of a user, oldest first.",
  ...reading,
  reply: passkeys,
});

export const removeUserPasskey = route({
  method: "DELETE",
  path: `${userPath}/passkeys/{passkey}`,
  summary: "Removes a passkey of a user, also where it is the only way in: then a code sets a password.",
  ...managing,
  reply: noReply,
});
