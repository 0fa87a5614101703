import { z } from "zod";
import { id, noReply, time } from "./shapes.ts";
import { route } from "./route.ts";

/** A place of the console, and nothing else. */
const ownPath = z
  .string()
  .max(2_000)
  .regex(/^\/(?![/\\])[^\\]*$/, "not a path of the console");

const going = z.object({ location: z.url().describe("Where the browser has to go now: the provider.") });

/** What came back by the browser: the query of the callback, word for word. */
const answer = z.strictObject({ org: id("org"), query: z.string().max(8_000) });

export const beginProviderSignIn = route({
  method: "POST",
  path: "/v1/provider-sign-ins",
  summary:
    "Begins a sign-in by an organisation's provider. The organisation is called by its id, its short name, a domain that it proved, or an invitation's secret; whatever is not there, is switched off or has no provider is answered alike. A cookie keeps what the answer has to match, for ten minutes.",
  needs: "public",
  body: z.strictObject({
    org: z.string().min(1).max(254).optional(),
    provider: id("provider").optional(),
    invitation: z.string().max(200).optional(),
    to: ownPath.optional().describe("Where she goes then."),
    isFresh: z.boolean().default(false).describe("She has to show the provider once more who she is."),
  }),
  reply: going,
  errand: "begins",
});

export const endProviderSignIn = route({
  method: "POST",
  path: "/v1/provider-sign-ins/answer",
  summary:
    "Signs in whom the provider sent back, in the browser that was sent there: the session is good in that organisation alone.",
  needs: "public",
  body: answer,
  reply: z.object({ to: z.string().optional(), org: id("org") }),
  status: 201,
  location: "/v1/session",
  session: "begins",
  errand: "ends",
});

/** OpenID Connect Back-Channel Logout 1.0, 2.5: a form with a logout token. */
export const providerSignedOut = route({
  method: "POST",
  path: "/v1/orgs/{org}/providers/{provider}/back-channel-logout",
  summary:
    "A provider says, in a token that it signed, that somebody signed out there: her sessions by it end within a second.",
  needs: "public",
  body: z.object({ logout_token: z.string().max(16_384) }),
  speaks: "oauth",
  reply: noReply,
});

export const listOwnProviders = route({
  method: "GET",
  path: "/v1/account/providers",
  summary: "By which organisations' providers the person comes, and by which she could be.",
  needs: "public",
  session: "asks",
  reply: z.object({
    items: z.array(
      z.object({
        provider: id("provider"),
        name: z.string(),
        org: id("org"),
        orgName: z.string(),
        linkedAt: time.optional(),
      }),
    ),
  }),
});

export const beginLink = route({
  method: "POST",
  path: "/v1/account/providers",
  summary:
    "Sends a person who signed in by her own means to a provider of an organisation that she is a member of, so that she can come by it from now on.",
  needs: "public",
  session: "asks",
  isConfirmed: true,
  body: z.strictObject({ org: id("org"), provider: id("provider") }),
  reply: going,
  errand: "begins",
});

export const endLink = route({
  method: "POST",
  path: "/v1/account/providers/answer",
  summary: "Links the person whom the provider sent back, in the browser and the session that were sent there.",
  needs: "public",
  session: "asks",
  body: answer,
  reply: z.object({ provider: id("provider"), org: id("org") }),
  errand: "ends",
});

export const removeLink = route({
  method: "DELETE",
  path: "/v1/account/providers/{provider}",
  summary: "Comes by that provider no more: sessions that began so end within a second.",
  needs: "public",
  session: "asks",
  isConfirmed: true,
  reply: noReply,
});
