import { z } from "zod";
import { conditions } from "./conditions.ts";
import { transports } from "./transport.ts";
import { cursor, duration, id, limit, name, noReply, pageOf, publicKey, time } from "./shapes.ts";
import { certificateLife } from "./certificates.ts";
import { mostEnrolled } from "./manufacturers.ts";
import { mqttSessions } from "./mqtt-sessions.ts";
import { mostGrants } from "./grant.ts";
import { route } from "./route.ts";
import { findings } from "./upkeep.ts";

const grants = z.array(z.string().max(4_096)).min(1).max(mostGrants);
const minting = {
  name,
  grants,
  expiresIn: duration.optional(),
  publicKey: publicKey.optional(),
  conditions: conditions.optional(),
};

export const createToken = route({
  method: "POST",
  path: "/v1/tokens",
  summary:
    "Makes an API token with exactly these grants, shown this once. It ends no later than the credential that made it; by a person in her browser, when she says.",
  needs: "token.create",
  on: "own",
  body: z.strictObject(minting),
  reply: z.object({ id: id("token"), token: z.string().optional(), expiresAt: time.optional() }),
  status: 201,
  location: "/v1/credentials/{id}",
  mints: "token",
  isConfirmed: true,
});

const key = z.object({ id: id("key"), secret: z.string().optional(), expiresAt: time.optional() });

export const createOperatorKey = route({
  method: "POST",
  path: "/v1/operator-keys",
  summary: "Makes an operator key: administration of the organisation, within what its maker may do.",
  needs: "operatorKey.create",
  on: "own",
  body: z.strictObject({ ...minting, grants: grants.default(["*"]) }),
  reply: key,
  status: 201,
  location: "/v1/credentials/{id}",
  mints: "secret",
  isConfirmed: true,
});

const enrols = z
  .strictObject({
    product: id("product").optional().describe("Which product each device is of."),
    most: z
      .number()
      .int()
      .min(1)
      .max(mostEnrolled)
      .optional()
      .describe("How many devices it enrols; without it any number."),
    validFor: certificateLife.describe("How long the certificates are good that it gets for devices."),
  })
  .describe("Of a key of the kind `enrolment` alone.");

export const createAccessKey = route({
  method: "POST",
  path: "/v1/applications/{application}/keys",
  summary:
    "Makes a key of one application, shown this once: an access key, a trusted one for its server, or one to publish with its pages, or one by which devices enrol. Its grants hold within the application only.",
  needs: "accessKey.create",
  on: { path: "application" },
  body: z.strictObject({
    ...minting,
    kind: z.enum(["accessKey", "trustedApplication", "application", "enrolment"]).default("accessKey"),
    grants: grants.optional(),
    enrols: enrols.optional(),
  }),
  reply: key,
  status: 201,
  location: "/v1/credentials/{id}",
  mints: "secret",
  isConfirmed: true,
});

const credential = z.object({
  id: z.string(),
  kind: z.string(),
  name: z.string(),
  state: z.enum(["active", "revoked", "expired"]),
  /** Whose it is, where all of some sort are ended. */
  party: z.enum(["people", "programs", "devices"]),
  grants: z.array(z.string()),
  /** What it ends with. */
  parent: z.string().optional(),
  /** What made it, whether it ends with that or not. */
  madeBy: z.string().optional(),
  person: id("person").optional(),
  application: id("application").optional(),
  device: id("device").optional(),
  /**
   * Of a key by which devices enrol: of which product they are, how many it enrols at most, how long their certificates are good, and of the
   * authority of a manufacturer which one it is (SHA-256 of its certificate).
   */
  enrols: z
    .object({
      product: id("product").optional(),
      most: z.number().int().optional(),
      validFor: z.string(),
      manufacturer: z.string().optional(),
    })
    .optional(),
  /** Which it shows to whoever has the link. */
  dashboard: id("dashboard").optional(),
  user: id("user").optional(),
  createdAt: time,
  /** The key that whoever shows it has to prove: its thumbprint (RFC 7638). */
  boundTo: z.string().optional(),
  /** The certificate that an authority of the organisation's own issued for it last. */
  issued: z.object({ by: id("certificateAuthority"), serial: z.string(), notAfter: time }).optional(),
  /** Of a socket: what its frames begin with, and what numbers in them stand for. */
  socket: z.object({ address: z.string(), attributes: z.array(z.string()) }).optional(),
  /** Where, when, how often and by what it may be used, beside those of all above it. */
  conditions: conditions.optional(),
  expiresAt: time.optional(),
  lastUsedAt: time.optional(),
  /** When it got the secret that it has; none while that is its first. */
  rotatedAt: time.optional(),
  /** Its secret stood where others may have read it. */
  exposed: z.object({ at: time, where: z.enum(["url", "topic", "filter"]) }).optional(),
  /** Somebody handed its secret in, and that ended it. */
  leakedAt: time.optional(),
  /** Platforms of before found nothing. */
  findings: z.array(z.enum(findings)).default([]),
});

const count = z.number().int();

const worn = credential.extend({
  /** None where it was used before that was kept. */
  use: z
    .object({
      granted: count,
      /** How many of the grants: those whose action was done in the last thirty days, or since then. */
      used: count,
      since: time,
      /** The grants that would have been enough. */
      narrower: z.array(z.string()),
      /** The address that it last came from. */
      from: z.string().optional(),
      transport: z.enum(transports).optional(),
    })
    .optional(),
  /** The secret before this one, while it is good: when it was last shown since, if it was. */
  former: z.object({ endsAt: time, lastUsedAt: time.optional() }).optional(),
});

export const listCredentials = route({
  method: "GET",
  path: "/v1/credentials",
  summary: "The organisation's credentials, oldest first; never a secret.",
  needs: "credential.read",
  on: "own",
  query: z.strictObject({ limit, cursor, kind: z.string().max(32).optional(), device: id("device").optional() }),
  reply: pageOf(credential),
});

export const readCredential = route({
  method: "GET",
  path: "/v1/credentials/{credential}",
  summary: "One credential, and how much of what it may do it was used for; never its secret.",
  needs: "credential.read",
  on: "own",
  reply: worn,
});

const day = 86_400_000; // milliseconds
const mostOverlap = 30 * day;
const overlap = z
  .union([z.literal("0").transform(() => 0), duration])
  .refine((milliseconds) => milliseconds <= mostOverlap, "30 days at most")
  .default(day)
  .describe("How long the secret before is good as well: 0, or as 24h; 30d at most.");

export const rotateCredential = route({
  method: "POST",
  path: "/v1/credentials/{credential}/rotate",
  summary:
    "Gives a key or a token another secret, shown this once. The one before is good for a while yet; what it may do, and when it expires, stays.",
  needs: "credential.rotate",
  on: "own",
  body: z.strictObject({ overlap }),
  reply: z.object({
    id: z.string(),
    /** A key's secret, or the whole token. */
    secret: z.string().optional(),
    formerEndsAt: time.optional(),
  }),
  mints: "secret",
  isConfirmed: true,
});

export const listCredentialSessions = route({
  method: "GET",
  path: "/v1/credentials/{credential}/sessions",
  summary:
    "The MQTT sessions of a program that comes with this credential, or of the device whose key it is; as those of a device.",
  needs: "credential.read",
  on: "own",
  reply: mqttSessions,
});

/** What something would end now, or refuse. */
export const preview = z.object({
  /** Those that are good now; it is not among them. At most a hundred are named. */
  credentials: z.object({
    count,
    items: z.array(z.object({ id: z.string(), kind: z.string(), name: z.string() })),
  }),
  connections: z.object({ mqtt: count, eventStreams: count, webSockets: count }),
  /** At most a hundred are named, and only to who may read them. */
  devices: z.object({ count, items: z.array(id("device")) }),
});

export const previewRevocation = route({
  method: "GET",
  path: "/v1/credentials/{credential}/revocation",
  summary:
    "What revoking this credential would end now: those that hang on it, connections that stand open, and the devices behind them. Nothing ends.",
  needs: "credential.read",
  on: "own",
  query: z.strictObject({ made: z.enum(["true", "false"]).default("false") }),
  reply: preview,
});
export const revokeCredential = route({
  method: "DELETE",
  path: "/v1/credentials/{credential}",
  summary:
    "Ends a credential and its children; with made=true also the keys of devices and applications that were made with any of these.",
  needs: "credential.revoke",
  on: "own",
  query: z.strictObject({ made: z.enum(["true", "false"]).default("false") }),
  reply: noReply,
});

const parties = ["people", "programs", "devices"] as const;
/** A tag's key and value may be this long together. */
const about = z.string().max(400);

export const revoke = route({
  method: "POST",
  path: "/v1/revocations",
  summary:
    "Ends every credential issued so far under an organisation, application, product, device or person, or of the devices that have a tag (`tag:KEY=VALUE`) now.",
  needs: "credential.revoke",
  on: "own",
  body: z.strictObject({
    about,
    ends: z
      .array(z.enum(parties))
      .min(1)
      .default([...parties]),
  }),
  reply: noReply,
});

export const previewRevocationUnder = route({
  method: "GET",
  path: "/v1/revocations/preview",
  summary: "What ending every credential under this would end now, as of one credential. Nothing ends.",
  needs: "credential.read",
  on: "own",
  query: z.strictObject({
    about,
    ends: z
      .string()
      .default(parties.join(","))
      .transform((text) => text.split(","))
      .pipe(z.array(z.enum(parties)).min(1))
      .describe("Of these parties, with commas between."),
  }),
  reply: preview,
});

export const explain = route({
  method: "POST",
  path: "/v1/explain",
  summary: "May this credential do this to that, and which clause decides?",
  needs: "authority.explain",
  on: "own",
  body: z.strictObject({
    credential: z.string().max(64),
    action: z.string().max(64),
    resource: z.string().max(64).optional(),
    from: z
      .string()
      .max(64)
      .optional()
      .describe("The address that it would come from; where an answer hangs on it, it says so."),
    transport: z.enum(transports).optional().describe("What it would come over."),
  }),
  reply: z.object({ allowed: z.boolean(), because: z.string() }),
});
