import { z } from "zod";
import { route } from "./route.ts";
import { id, noReply, time } from "./shapes.ts";

// Somebody lost what she shows beside her password, all of it, recovery codes included.

const reset = z.object({
  askedAt: time,
  dueAt: time.describe("From then on her factors go when she signs in with her password."),
  until: time.describe("Then it is over, whether she came or not."),
});

const seen = z.object({
  person: id("person"),
  email: z.string(),
  factors: z.object({ totp: z.boolean(), passkey: z.boolean() }),
  reset: reset.optional(),
});

const byAdministrator = { needs: "person.resetFactors", on: "own" } as const;

export const listFactorResets = route({
  method: "GET",
  path: "/v1/factor-resets",
  summary: "Whose second factors are to be removed, oldest first; for an administrator of the instance.",
  ...byAdministrator,
  reply: z.object({ items: z.array(seen) }),
});

export const beginFactorReset = route({
  method: "POST",
  path: "/v1/people/{person}/factor-reset",
  summary:
    "Begins the wait after which the codes, passkeys and recovery codes of somebody who lost them go when she signs in with her password; by an administrator of the instance who signed in. She is told by mail, with a link that calls it off, and so are the owners of her organisations.",
  ...byAdministrator,
  reply: seen,
  isConfirmed: true,
});

export const callOffFactorReset = route({
  method: "DELETE",
  path: "/v1/people/{person}/factor-reset",
  summary: "Calls it off; for an administrator of the instance who signed in.",
  ...byAdministrator,
  reply: noReply,
});

export const readOwnFactorReset = route({
  method: "GET",
  path: "/v1/account/factor-reset",
  summary: "Whether the second factors of the person who is signed in are to be removed, and when.",
  needs: "public",
  reply: z.object({ reset: reset.optional() }),
  session: "asks",
});

export const callOffOwnFactorReset = route({
  method: "DELETE",
  path: "/v1/account/factor-reset",
  summary: "The person who is signed in keeps her second factors.",
  needs: "public",
  reply: noReply,
  session: "asks",
});

export const callOffFactorResetByLink = route({
  method: "POST",
  path: "/v1/factor-resets/call-off",
  summary: "Calls it off with the secret of the link in the letter to her.",
  needs: "public",
  body: z.strictObject({ secret: z.string().max(200) }),
  reply: noReply,
});
