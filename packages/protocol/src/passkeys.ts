import { z } from "zod";
import { login, managing, own, published, reading, signedIn, userPath } from "./application-users.ts";
import { creation, made, passkey, passkeyName, passkeys, request, shown } from "./passkey-shapes.ts";
import { route } from "./route.ts";
import { noReply } from "./shapes.ts";

// Passkeys of application users.

const rpId = z
  .string()
  .max(253)
  .optional()
  .describe(
    "For which site: the page's own host, or that of another origin of the key that the page's is below. Unless said, the widest of them.",
  );

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
