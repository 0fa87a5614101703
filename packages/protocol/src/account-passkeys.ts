import { z } from "zod";
import { creation, made, passkey, passkeyName, passkeys, request } from "./passkey-shapes.ts";
import { route } from "./route.ts";
import { noReply } from "./shapes.ts";

// Passkeys of people. They are of the platform's own page, by the name in its certificate under which a browser has it.

export const passkeyQuestion = route({
  method: "GET",
  path: "/v1/sessions/passkey-options",
  summary:
    "What a browser is to show a passkey for when a person signs in; for five minutes and one answer. Nobody is named in it; the site is the page's own.",
  needs: "public",
  reply: request.omit({ rpId: true }),
});

export const accountPasskeyOptions = route({
  method: "POST",
  path: "/v1/account/passkeys/options",
  summary: "What a browser is to make a passkey with for the person who is signed in; for five minutes and one answer.",
  needs: "public",
  reply: creation,
  session: "asks",
  isConfirmed: true,
});

export const createAccountPasskey = route({
  method: "POST",
  path: "/v1/account/passkeys",
  summary:
    "Adds a passkey to the person who is signed in. She signs in with it alone from then on, and her password alone no longer does.",
  needs: "public",
  body: z.strictObject({ name: passkeyName.optional(), answer: made }),
  reply: passkey,
  status: 201,
  location: "/v1/account/passkeys/{id}",
  session: "renews",
  isConfirmed: true,
});

export const listAccountPasskeys = route({
  method: "GET",
  path: "/v1/account/passkeys",
  summary: "The passkeys of the person who is signed in, oldest first.",
  needs: "public",
  reply: passkeys,
  session: "asks",
});

export const renameAccountPasskey = route({
  method: "PATCH",
  path: "/v1/account/passkeys/{passkey}",
  summary: "Calls a passkey something else.",
  needs: "public",
  body: z.strictObject({ name: passkeyName }),
  reply: passkey,
  session: "asks",
});

export const removeAccountPasskey = route({
  method: "DELETE",
  path: "/v1/account/passkeys/{passkey}",
  summary:
    "Removes a passkey of the person who is signed in, and ends her other sessions; without a password the last one stays.",
  needs: "public",
  reply: noReply,
  session: "asks",
  isConfirmed: true,
});
