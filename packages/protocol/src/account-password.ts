import { z } from "zod";
import { route } from "./route.ts";
import { email, noReply, password, time } from "./shapes.ts";

/** How links reach people: by mail, or by whoever runs the instance, who finds them in a file. */
const by = z.enum(["mail", "file"]);

export const changePassword = route({
  method: "POST",
  path: "/v1/account/password",
  summary:
    "Another password for whoever is signed in by the cookie and shows the one that she has, if she has one. Wherever else she is signed in, she no longer is; keys and tokens for programs go on.",
  needs: "public",
  isCounted: true,
  body: z.strictObject({ password: password.optional(), newPassword: password }),
  reply: noReply,
  session: "asks",
  isConfirmed: true,
});

export const removePassword = route({
  method: "DELETE",
  path: "/v1/account/password",
  summary:
    "From now on whoever is signed in by the cookie signs in with a passkey alone, of which she has to have one. Wherever else she is signed in, she no longer is.",
  needs: "public",
  reply: noReply,
  session: "asks",
  isConfirmed: true,
});

export const forgotPassword = route({
  method: "POST",
  path: "/v1/password/forgot",
  summary:
    "Sends a link for a new password, if somebody has this e-mail; the answer is the same if nobody has. Where no mail is set up, `by` is `file`, and whoever runs the instance finds the link and hands it over.",
  needs: "public",
  body: z.strictObject({ email }),
  reply: z.object({ by }),
});

export const resetPassword = route({
  method: "POST",
  path: "/v1/password/reset",
  summary:
    "Takes the link for a new password, once and within an hour. Every sign-in of hers ends. It signs nobody in: a second factor is asked for as always.",
  needs: "public",
  body: z.strictObject({ secret: z.string().max(200), password }),
  reply: noReply,
});

export const readEmail = route({
  method: "GET",
  path: "/v1/account/email",
  summary:
    "The address of whoever is signed in by the cookie, when she proved that she reads it, and how links reach people here.",
  needs: "public",
  reply: z.object({ email: z.string(), verifiedAt: time.optional(), by }),
  session: "asks",
});

export const askVerification = route({
  method: "POST",
  path: "/v1/account/email/verification",
  summary: "Sends a link to the address of whoever is signed in by the cookie: opened, it proves that she reads it.",
  needs: "public",
  body: z.strictObject({}),
  reply: noReply,
  session: "asks",
});

export const changeEmail = route({
  method: "POST",
  path: "/v1/account/email",
  summary:
    "Sends a link to another address for whoever is signed in by the cookie. It becomes hers when the link is opened, and the one before is told.",
  needs: "public",
  isCostly: true,
  body: z.strictObject({ email }),
  reply: z.object({ by }),
  session: "asks",
  isConfirmed: true,
});

export const verifyEmail = route({
  method: "POST",
  path: "/v1/email/verification",
  summary:
    "Takes the link that was sent to an address, once and within a day: the address is proved, and hers. It signs nobody in.",
  needs: "public",
  body: z.strictObject({ secret: z.string().max(200) }),
  reply: z.object({ email: z.string() }),
});
