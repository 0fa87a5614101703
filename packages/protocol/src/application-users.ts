import { z } from "zod";
import { device } from "./devices.ts";
import { cursor, id, limit, noReply, pageOf, password, time, unshowable } from "./shapes.ts";
import { route } from "./route.ts";

// Customers of an organisation's application. What its pages ask comes with its published key, from the origins of that key.

/** What a user signs in with: an e-mail, or any other name. Spelled in one way, whatever its case. */
export const login = z
  .string()
  .trim()
  .min(1)
  .max(254)
  .refine((text) => text.isWellFormed() && !unshowable.test(text), "a character that cannot be shown");

const user = z.object({
  id: id("user"),
  application: id("application"),
  login: z.string(),
  state: z
    .enum(["pending", "active", "suspended"])
    .describe(
      "`pending`: signed up and not confirmed, or invited and without a password yet. Only an active one signs in.",
    ),
  createdAt: time,
});

const session = z.object({
  id: id("session"),
  createdAt: time,
  seenAt: time.describe("When it was last renewed."),
  expiresAt: time,
  from: z.string().optional().describe("The address that signed in."),
  exposedAt: time
    .optional()
    .describe("When a refresh token of it stood in a URL or a topic, where others may have read it."),
  isCurrent: z.literal(true).optional().describe("The one that asks."),
  /** The thumbprint (RFC 7638) of the key that its tokens need a proof of. */
  boundTo: z.string().optional(),
});
const sessions = z.object({ items: z.array(session) });

export const signedIn = z.object({
  user: id("user"),
  session: id("session"),
  accessToken: z.string(),
  accessExpiresAt: time,
  refreshToken: z.string().describe("For one use: the answer to it brings the next."),
  expiresAt: time.describe("When the session is over, however often it is renewed."),
});

export const published = { needs: "publishedKey", pages: true } as const;
export const own = { needs: "applicationUser", pages: true } as const;
const refreshToken = z.string().max(128);

export const signUpUser = route({
  method: "POST",
  path: "/v1/application-users",
  summary:
    "Asks to become a user of the application. Answered alike whether the login is taken or not; what is there already stays as it is.",
  ...published,
  isCostly: true,
  body: z.strictObject({ login, password }),
  reply: noReply,
});

export const signInUser = route({
  method: "POST",
  path: "/v1/application-users/sign-in",
  summary: "Signs a user of the application in. With a DPoP proof the tokens are bound to its key.",
  ...published,
  isCostly: true,
  body: z.strictObject({ login, password }),
  reply: signedIn,
});

export const setUserPassword = route({
  method: "POST",
  path: "/v1/application-users/password",
  summary:
    "Sets a password with a code that whoever runs the application handed over. It works once, and ends every session of the user.",
  ...published,
  isCostly: true,
  body: z.strictObject({ login, code: z.string().max(128), password }),
  reply: noReply,
});

export const refreshUser = route({
  method: "POST",
  path: "/v1/application-users/refresh",
  summary:
    "New tokens for a refresh token, which is worth nothing from then on: shown again it ends the session, except within ten seconds, as long as its successor was not used.",
  ...published,
  body: z.strictObject({ refreshToken }),
  reply: signedIn,
});

export const signOutUser = route({
  method: "POST",
  path: "/v1/application-users/sign-out",
  summary: "Ends a session with all its tokens, and what they keep open.",
  ...published,
  body: z.strictObject({ refreshToken }),
  reply: noReply,
});

export const readOwnUser = route({
  method: "GET",
  path: "/v1/application-users/me",
  summary: "The user who is signed in.",
  ...own,
  reply: user,
});

export const removeOwnUser = route({
  method: "DELETE",
  path: "/v1/application-users/me",
  summary: "Removes the user who is signed in, for ever. The devices belong to nobody from then on.",
  ...own,
  reply: noReply,
});

export const listOwnUserSessions = route({
  method: "GET",
  path: "/v1/application-users/me/sessions",
  summary: "Where the user who is signed in is signed in.",
  ...own,
  reply: sessions,
});

export const endOtherUserSessions = route({
  method: "DELETE",
  path: "/v1/application-users/me/sessions",
  summary: "Ends every session of the user who is signed in, but the one that asks.",
  ...own,
  reply: noReply,
});

export const endOwnUserSession = route({
  method: "DELETE",
  path: "/v1/application-users/me/sessions/{session}",
  summary: "Ends one session of the user who is signed in, with all its tokens and what they keep open.",
  ...own,
  reply: noReply,
});

const on = { path: "application" } as const;
export const reading = { needs: "applicationUser.read", on } as const;
export const managing = { needs: "applicationUser.manage", on } as const;
export const userPath = "/v1/applications/{application}/users/{user}";
const code = {
  code: z.string().optional().describe("Shown this once. Sets a password, together with the login."),
  codeExpiresAt: time,
};

export const listUsers = route({
  method: "GET",
  path: "/v1/applications/{application}/users",
  summary: "The users of an application, oldest first.",
  ...reading,
  query: z.strictObject({ limit, cursor }),
  reply: pageOf(user),
});

export const createUser = route({
  method: "POST",
  path: "/v1/applications/{application}/users",
  summary: "Invites a user into an application, with a code for the first password, which whoever invites hands over.",
  ...managing,
  body: z.strictObject({ login }),
  reply: user.extend(code),
  status: 201,
  location: "/v1/applications/{application}/users/{id}",
  mints: "code",
  isConfirmed: true,
});

export const readUser = route({
  method: "GET",
  path: userPath,
  summary: "One user of an application.",
  ...reading,
  reply: user,
});

export const suspendUser = route({
  method: "POST",
  path: `${userPath}/suspend`,
  summary: "Signs a user out everywhere, and lets her in no more until she is activated.",
  ...managing,
  reply: user,
});

export const activateUser = route({
  method: "POST",
  path: `${userPath}/activate`,
  summary: "Confirms a user who signed up, or lets a suspended one in again.",
  ...managing,
  reply: user,
});

export const removeUser = route({
  method: "DELETE",
  path: userPath,
  summary: "Removes a user for ever, with all sessions. The devices belong to nobody from then on.",
  ...managing,
  reply: noReply,
});

export const resetUser = route({
  method: "POST",
  path: `${userPath}/reset`,
  summary:
    "A code for a new password, for a day, in place of any before. The old password is good until the code is used.",
  ...managing,
  reply: z.object(code),
  mints: "code",
  isConfirmed: true,
});

export const listUserDevices = route({
  method: "GET",
  path: `${userPath}/devices`,
  summary: "The devices of a user, of those that the caller may read.",
  ...reading,
  query: z.strictObject({ limit, cursor: z.string().max(1_200).optional() }),
  reply: pageOf(device),
});

export const listUserSessions = route({
  method: "GET",
  path: `${userPath}/sessions`,
  summary: "Where a user is signed in.",
  ...reading,
  reply: sessions,
});

export const endUserSessions = route({
  method: "DELETE",
  path: `${userPath}/sessions`,
  summary: "Signs a user out everywhere. She may sign in again.",
  ...managing,
  reply: noReply,
});

export const endUserSession = route({
  method: "DELETE",
  path: `${userPath}/sessions/{session}`,
  summary: "Ends one session of a user, with all its tokens and what they keep open.",
  ...managing,
  reply: noReply,
});
