import { z } from "zod";
import { shown } from "./passkey-shapes.ts";
import { route } from "./route.ts";
import { code, id, noReply, time } from "./shapes.ts";

export const confirmIdentity = route({
  method: "POST",
  path: "/v1/account/confirmation",
  summary:
    "Somebody who is signed in proves once more who she is, by a passkey, or by her password, and by a code or a passkey beside it where she has a second factor. For ten minutes she may do what asks for that; her cookie is replaced.",
  needs: "public",
  isCounted: true,
  body: z
    .strictObject({ password: z.string().max(1_024).optional(), code, passkey: shown.optional() })
    .refine(({ password, passkey }) => password ?? passkey, { error: "a password or a passkey" }),
  reply: z.object({ confirmedUntil: time }),
  session: "renews",
});

/** From where somebody signed in with a browser. Where an address is on a map nobody is asked. */
const place = {
  address: z.string(),
  /** As far as the program says what it is. */
  program: z.object({ name: z.string().optional(), system: z.string().optional() }),
  /** What was shown. */
  proofs: z.array(z.string()),
  createdAt: time,
  lastUsedAt: time,
};

export const listAccountSessions = route({
  method: "GET",
  path: "/v1/account/sessions",
  summary:
    "The sessions of whoever asks, the newest first: from where, by what, since when, when last used, and in which organisations each is good until when if nothing more is asked there.",
  needs: "public",
  reply: z.object({
    items: z.array(
      z.object({
        id: id("session"),
        ...place,
        /** It is the one that asks. */
        isCurrent: z.boolean(),
        /** Nobody had signed in to this account with that browser before. */
        isNewBrowser: z.boolean(),
        orgs: z.array(z.object({ id: id("org"), name: z.string(), expiresAt: time })),
      }),
    ),
  }),
  session: "asks",
});

const ended = z.object({ ended: z.number().int() });

export const endAccountSession = route({
  method: "DELETE",
  path: "/v1/account/sessions/{session}",
  summary: "Ends one of the caller's sessions, everywhere and at once, with what it keeps open.",
  needs: "public",
  reply: noReply,
  session: "asks",
  isConfirmed: true,
});

export const endOtherAccountSessions = route({
  method: "DELETE",
  path: "/v1/account/sessions",
  summary: "Ends all of the caller's sessions but the one that asks.",
  needs: "public",
  reply: ended,
  session: "asks",
  isConfirmed: true,
});

export const listMemberSessions = route({
  method: "GET",
  path: "/v1/members/{person}/sessions",
  summary:
    "The sessions by which a member is signed in to the organisation now, the newest first. `id` is the credential that each of them is here; to end one, revoke that.",
  needs: "credential.revoke",
  on: "own",
  reply: z.object({ items: z.array(z.object({ id: z.string(), ...place, expiresAt: time })) }),
});

export const endMemberSessions = route({
  method: "DELETE",
  path: "/v1/members/{person}/sessions",
  summary:
    "Ends all sessions of a member in the organisation, at once, with what they keep open; elsewhere they go on, and she may sign in again. Nobody ends those of whoever holds more.",
  needs: "credential.revoke",
  on: "own",
  reply: ended,
});
