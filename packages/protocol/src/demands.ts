import { z } from "zod";
import { preview } from "./credentials.ts";
import { domain } from "./providers.ts";
import { route } from "./route.ts";
import { id, time } from "./shapes.ts";
import { leastTransports, tlsVersions } from "./transport.ts";

const ofParty = z.strictObject({
  bound: z
    .boolean()
    .optional()
    .describe("They have to be bound to a key. Of people's, what a sign-in gives is not asked."),
  greatestAgeDays: z
    .number()
    .int()
    .min(1)
    .max(3_650)
    .optional()
    .describe("Counted from the last rotation. What is older is refused until it gets another secret."),
  leastTls: z.enum(tlsVersions).optional(),
});

const ofDevices = ofParty.extend({
  leastTransport: z
    .enum(leastTransports)
    .optional()
    .describe(
      "What protects what they send at least, whatever their doors open: `tls` forbids direct sockets altogether.",
    ),
});

const byProvider = z.strictObject({
  domains: z
    .array(domain)
    .min(1)
    .max(50)
    .describe("Of e-mail addresses, proved to be the organisation's: members who have one come by its provider alone."),
  exceptOwners: z
    .array(id("person"))
    .max(5)
    .optional()
    .describe("Owners who may come by a passkey of their own as well, for when the provider does not work."),
});

const ofPeople = ofParty
  .extend({
    factor: z
      .enum(["second", "passkey"])
      .optional()
      .describe(
        "Members need a second factor beside their password, or a passkey. Whoever has none keeps her account and loses the organisation until she has, with her operator keys and tokens; whoever signed in without showing it is asked to sign in again.",
      ),
    provider: byProvider.optional(),
    factorFrom: time.optional().describe("From when on it is demanded; at once where nothing is said."),
  })
  .refine(({ factor, factorFrom }) => factor !== undefined || factorFrom === undefined, {
    path: ["factorFrom"],
    error: "only of a factor that is demanded",
  });
/** Of one sign-in in a browser, wherever it is used. */
export const mostSessionMinutes = 48 * 60;

const ofSessions = z.strictObject({
  absoluteMinutes: z
    .number()
    .int()
    .min(15)
    .max(mostSessionMinutes)
    .optional()
    .describe(
      "How long somebody stays signed in here, from the sign-in on, whatever she does: 15 minutes to 48 hours, and 12 hours where nothing is said.",
    ),
  idleMinutes: z
    .number()
    .int()
    .min(5)
    .max(mostSessionMinutes)
    .optional()
    .describe(
      "After how long she is signed out here who asks nothing here: 5 minutes to 48 hours, and 2 hours where nothing is said.",
    ),
});

/** What an organisation demands of whoever comes to it, for credentials of people, of programs and of devices apart. */
export const demands = z.strictObject({
  people: ofPeople.optional(),
  programs: ofParty.optional(),
  devices: ofDevices.optional(),
  /** Of people in browsers. */
  sessions: ofSessions.optional(),
});
export type Demands = z.infer<typeof demands>;

export const previewDemands = route({
  method: "POST",
  path: "/v1/org/demands/preview",
  summary:
    "What demanding this, in place of what is demanded now, would refuse at this moment, or once it is demanded: credentials that are good, connections that stand open, and the devices behind them. Nothing is demanded. Over which TLS a credential will come is known of what is open alone.",
  needs: "credential.read",
  on: "own",
  body: z.strictObject({ demands }),
  reply: preview,
});
