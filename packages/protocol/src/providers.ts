import { z } from "zod";
import { cursor, id, limit, name, noReply, pageOf, role, time, version } from "./shapes.ts";
import { route } from "./route.ts";

/** Below it is where a provider sends a browser back to: `/sign-in/org_…/callback`. */
export const callbackOf = (org: string): string => `/sign-in/${org}/callback`;

/** What an organisation may be called by at the sign-in page, by whoever knows it. */
const shortName = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{1,38}[a-z0-9])$/, "3 to 40 of a-z, 0-9 and -, which is neither the first nor the last");

/** RFC 1035, 2.3.1, of at least two labels; one of another script as its ASCII form (RFC 5890). */
export const domain = z
  .string()
  .max(253)
  .toLowerCase()
  .regex(
    /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$/,
    "not a domain such as example.com",
  );

const issuer = z.url({ protocol: /^https$/ }).max(1_000);
const clientId = z.string().min(1).max(1_000);
const clientSecret = z.string().min(1).max(1_000);
// RFC 6749, 3.3
const scope = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/);
const claim = z.string().min(1).max(200);
const values = z.array(z.string().min(1).max(256)).min(1).max(32);

const roleMap = z.strictObject({
  claim: claim.describe("What the provider calls it; a claim inside another is written with dots."),
  map: z
    .array(z.strictObject({ value: z.string().min(1).max(256), role }))
    .min(1)
    .max(100)
    .describe("The first that whoever comes has decides."),
});

const secondFactor = z
  .strictObject({ amr: values.optional(), acr: values.optional() })
  .refine(({ amr, acr }) => amr !== undefined || acr !== undefined, "name what the provider says: amr, acr or both")
  .describe("What the provider says (RFC 8176) of whoever showed it a second factor.");

const settings = {
  name: name.max(100),
  issuer: issuer.describe("As the provider calls itself, to the letter."),
  clientId,
  scopes: z.array(scope).max(20).describe("Beside `openid`."),
  shortName: shortName.describe(
    "What the organisation is called at the sign-in page. Whoever guesses it learns that there is one.",
  ),
  joins: role.describe(
    "As what whoever comes for the first time becomes a member; without it, only who is one already, or was invited, is let in.",
  ),
  roles: roleMap,
  secondFactor,
};

const proofs = ["none", "dns", "administrator"] as const;

const provenDomain = z.object({
  domain: z.string(),
  record: z.object({ name: z.string(), value: z.string() }).describe("The TXT record that proves it."),
  proof: z.enum(proofs),
  provedAt: time.optional(),
  lapsesAt: time
    .optional()
    .describe("It was not found when it was looked for last: when the proof is over, unless it is found before."),
  isDemanded: z.boolean().describe("Members with an address of it come by the provider alone."),
});

const provider = z.object({
  id: id("provider"),
  ...settings,
  issuer: z.string(),
  hasSecret: z.boolean().describe("The secret itself is shown never again."),
  shortName: settings.shortName.optional(),
  joins: settings.joins.optional(),
  roles: settings.roles.optional(),
  secondFactor: settings.secondFactor.optional(),
  isEnabled: z.boolean(),
  madeBy: id("person").describe(
    "Who said last what people become who come by it: nobody becomes more than she may give.",
  ),
  callback: z
    .string()
    .describe("To be entered at the provider, below the platform's address, as where it sends people back."),
  backChannelLogout: z
    .string()
    .describe("To be entered there, below the platform's address, as where it says that somebody signed out."),
  domains: z.array(provenDomain),
  createdAt: time,
  version,
});

export const listProviders = route({
  method: "GET",
  path: "/v1/providers",
  summary:
    "The providers (OpenID Connect) that people sign in to this organisation by, oldest first; never their secrets.",
  needs: "provider.read",
  on: "own",
  reply: z.object({ items: z.array(provider) }),
});

export const readProvider = route({
  method: "GET",
  path: "/v1/providers/{provider}",
  summary: "One provider.",
  needs: "provider.read",
  on: "own",
  reply: provider,
  versioned: true,
});

export const createProvider = route({
  method: "POST",
  path: "/v1/providers",
  summary:
    "Enters a provider, by a person who signed in and may give the roles that it names. Nobody comes by it until it is switched on.",
  needs: "provider.manage",
  on: "own",
  isConfirmed: true,
  body: z.strictObject({
    name: settings.name,
    issuer: settings.issuer,
    clientId,
    clientSecret: clientSecret.optional(),
    scopes: settings.scopes.default(["email", "profile"]),
    shortName: settings.shortName.optional(),
    joins: settings.joins.optional(),
    roles: settings.roles.optional(),
    secondFactor: settings.secondFactor.optional(),
  }),
  reply: provider,
  status: 201,
  location: "/v1/providers/{id}",
});

export const updateProvider = route({
  method: "PATCH",
  path: "/v1/providers/{provider}",
  summary:
    "Changes a provider; null takes something away. Who came by it is signed out within a second where it is switched off, becomes another one, or lets do less. Another issuer needs the secret again.",
  needs: "provider.manage",
  on: "own",
  isConfirmed: true,
  body: z.strictObject({
    name: settings.name.optional(),
    issuer: settings.issuer.optional(),
    clientId: clientId.optional(),
    clientSecret: clientSecret.nullable().optional(),
    scopes: settings.scopes.optional(),
    shortName: settings.shortName.nullable().optional(),
    joins: settings.joins.nullable().optional(),
    roles: settings.roles.nullable().optional(),
    secondFactor: settings.secondFactor.nullable().optional(),
    isEnabled: z.boolean().optional(),
  }),
  reply: provider,
  versioned: true,
});

export const removeProvider = route({
  method: "DELETE",
  path: "/v1/providers/{provider}",
  summary:
    "Removes a provider, what it knew of people, and its domains; who came by it is signed out within a second. Memberships stay.",
  needs: "provider.manage",
  on: "own",
  isConfirmed: true,
  reply: noReply,
});

export const tryProvider = route({
  method: "POST",
  path: "/v1/providers/{provider}/try",
  summary:
    "Asks the provider what it says of itself, and whether it knows our client, and says in words what is wrong. Nobody is signed in.",
  needs: "provider.manage",
  on: "own",
  isCostly: true,
  reply: z.object({
    isUsable: z.boolean(),
    findings: z.array(
      z.object({
        level: z.enum(["wrong", "note"]),
        code: z.enum(["provider.unreachable", "provider.refused"]).optional(),
        says: z.string(),
      }),
    ),
  }),
});

const linked = z.object({ person: id("person"), email: z.string(), isMember: z.boolean(), linkedAt: time });

export const listLinkedPeople = route({
  method: "GET",
  path: "/v1/providers/{provider}/people",
  summary:
    "Who comes by a provider, and since when it is known as whom. One who was removed from the organisation stays here, and is not let in.",
  needs: "provider.read",
  on: "own",
  query: z.strictObject({ limit, cursor }),
  reply: pageOf(linked),
});

export const unlinkPerson = route({
  method: "DELETE",
  path: "/v1/providers/{provider}/people/{person}",
  summary:
    "Forgets who somebody is at a provider: she is signed out within a second, and comes by it as for the first time.",
  needs: "provider.manage",
  on: "own",
  isConfirmed: true,
  reply: noReply,
});

export const addDomain = route({
  method: "POST",
  path: "/v1/providers/{provider}/domains",
  summary:
    "Enters a domain of e-mail addresses. It is the organisation's once the record that is answered stands in the DNS, or the administrator of the instance says so.",
  needs: "provider.manage",
  on: "own",
  isConfirmed: true,
  body: z.strictObject({ domain }),
  reply: provenDomain,
  status: 201,
  location: "/v1/providers/{provider}",
});

export const proveDomain = route({
  method: "POST",
  path: "/v1/providers/{provider}/domains/{domain}/proof",
  summary:
    "Looks for the domain's record now. It is looked for again each day; after seven days without it the domain is the organisation's no more.",
  needs: "provider.manage",
  on: "own",
  isCostly: true,
  reply: provenDomain,
});

export const removeDomain = route({
  method: "DELETE",
  path: "/v1/providers/{provider}/domains/{domain}",
  summary: "Takes a domain away. One that the organisation demands its provider for stays until it does so no more.",
  needs: "provider.manage",
  on: "own",
  isConfirmed: true,
  reply: noReply,
});

export const approveDomain = route({
  method: "PUT",
  path: "/v1/orgs/{org}/domains/{domain}",
  summary: "Says, as the administrator of the instance, that a domain which an organisation entered is its own.",
  needs: "domain.approve",
  on: "own",
  isConfirmed: true,
  reply: noReply,
});

export const withdrawDomain = route({
  method: "DELETE",
  path: "/v1/orgs/{org}/domains/{domain}",
  summary:
    "Says, as the administrator of the instance, that a domain is not an organisation's, however it was proved: nobody needs to come by its provider any more for an address of it.",
  needs: "domain.approve",
  on: "own",
  isConfirmed: true,
  reply: noReply,
});
