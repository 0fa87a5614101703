import { z } from "zod";
import { shown } from "./passkey-shapes.ts";
import { code, id, time } from "./shapes.ts";
import { route } from "./route.ts";

/**
 * A person in a browser. The cookie `__Host-holdfast` says which session, the header `Holdfast-Org` as a member of which of her
 * organisations she asks; whatever changes something must come from the console's own origin.
 */
const session = z.object({
  person: z.object({ id: id("person"), email: z.string() }),
  expiresAt: time,
  /** An organisation's provider said who she is, so the session is good in that one alone. */
  provider: id("provider").optional(),
  orgs: z.array(
    z.object({
      id: id("org"),
      name: z.string(),
      /** What it is called. */
      role: z.string(),
      /** What the role holds, as grants are written. */
      grants: z.array(z.string()),
      /** Made by the platform to show itself; everything in it is simulated. */
      isSimulated: z.boolean(),
      /** What it demands of its people, beside their passwords. */
      factor: z.enum(["second", "passkey"]).optional(),
      factorFrom: time.optional(),
      /** When she is signed out there, whatever she does. */
      expiresAt: time.optional(),
      /** From then on it lets her in no more, unless she has what is demanded by then. */
      lacksFrom: time.optional(),
      /** It is erased then, unless one of its owners calls that off. */
      endsAt: time.optional(),
      /** By the administrator of the instance: its owners see it, and may nothing. */
      isSuspended: z.literal(true).optional(),
      /** It was restored from a backup: its owners look through who may what, and confirm it. */
      unconfirmedSince: time.optional(),
      /** It does not let her in as she is signed in now, and holds nothing for her: why, and what to do. */
      refused: z.object({ code: z.string(), because: z.string() }).optional(),
    }),
  ),
});

/** The cookie: `__Host-` makes a browser take it from this host alone, over TLS, for every path (RFC 6265bis, 4.1.3.2). */
export const sessionCookie = "__Host-holdfast";

/** The cookie by which a browser is known again that somebody has signed in with; it opens nothing. */
export const browserCookie = "__Host-holdfast-browser";

/** As a member of which organisation somebody asks who shows the cookie: every other credential says that itself. */
export const orgHeader = "Holdfast-Org";

const shownByPerson = z
  .strictObject({
    email: z.email().max(254).optional(),
    password: z.string().max(1_024).optional(),
    code,
    passkey: shown.optional().describe("The answer of a browser to GET /v1/sessions/passkey-options."),
  })
  .refine(({ email, password, passkey }) => (email === undefined ? password === undefined && passkey : password), {
    error: "e-mail and password, or a passkey",
  });

export const createSession = route({
  method: "POST",
  path: "/v1/sessions",
  summary:
    "Signs a person in by a passkey, or by e-mail and password, and by a code or a passkey beside them where she has a second factor, for a browser: the session is a cookie that no script can read.",
  needs: "public",
  body: shownByPerson,
  reply: session,
  status: 201,
  location: "/v1/session",
  session: "begins",
  isCounted: true,
});

export const readSession = route({
  method: "GET",
  path: "/v1/session",
  summary:
    "Who is signed in by the cookie, of which organisations she is a member, and until when. Asking this keeps the session no longer.",
  needs: "public",
  reply: session,
  session: "asks",
  alsoByProvider: true,
});

export const deleteSession = route({
  method: "DELETE",
  path: "/v1/session",
  summary: "Signs out: the session ends in every organisation, and with it what it keeps open.",
  needs: "public",
  reply: z.object({
    signOutAt: z
      .url()
      .optional()
      .describe("Whom a provider brought: where the browser goes to be signed out there, too."),
  }),
  session: "ends",
});
