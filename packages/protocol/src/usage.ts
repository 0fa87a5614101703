import { isId } from "@holdfast/kernel";
import { z } from "zod";
import { cursor, id, limit, noReply, pageOf, time, when } from "./shapes.ts";
import { route } from "./route.ts";

export const usageSteps = ["hour", "day", "month"] as const;
export const usageGroups = ["organisation", "application", "device", "credential"] as const;

/** What a plan may bound: connections and devices at a time, the others in a month of UTC. */
export const quotaNames = ["connections", "devices", "messages", "bytes", "points", "requests"] as const;
export type QuotaName = (typeof quotaNames)[number];

const ways = z.enum(["http", "mqtt", "eventStream", "webSocket", "socket"]);
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

const credential = z
  .string()
  .refine((text) => (["key", "token", "session"] as const).some((kind) => isId(kind, text)), "not a credential's id");

const narrow = {
  over: ways.optional().describe("Only what came by this way."),
  application: id("application").optional(),
  device: id("device").optional(),
  credential: credential.optional(),
  from: when.optional(),
  to: when.optional(),
  cursor,
};

const traffic = { messagesIn: count, messagesOut: count, bytesIn: count, bytesOut: count };
const format = z.enum(["json", "csv"]).optional().describe("`csv` is what `Accept: text/csv` asks for, too.");

export const readUsage = route({
  method: "GET",
  path: "/v1/usage",
  summary:
    "What was used, by hour, day or month of UTC: of the organisation, or of each application, device or credential. Of HTTP the bytes are those of the bodies. What is older than 90 days is known by the day.",
  needs: "usage.read",
  on: "own",
  query: z.strictObject({
    ...narrow,
    every: z.enum(usageSteps).default("day"),
    by: z.enum(usageGroups).default("organisation"),
    limit: z.coerce.number().int().min(1).max(10_000).default(1_000),
    format,
  }),
  reply: pageOf(
    z.object({
      time,
      /** The application, device or credential; absent where it is none of them, or the organisation. */
      about: z.string().optional(),
      connections: count,
      ...traffic,
      requests: count,
      points: count,
    }),
  ),
  csv: ["time", "about", "connections", "messagesIn", "messagesOut", "bytesIn", "bytesOut", "requests", "points"],
});

export const listConnections = route({
  method: "GET",
  path: "/v1/sessions",
  summary:
    "Every session of MQTT, event stream and WebSocket of the last 90 days, open or over, newest first: who, from where, how long, why it ended, and what went each way.",
  needs: "usage.read",
  on: "own",
  query: z.strictObject({ ...narrow, open: z.enum(["true", "false"]).optional(), limit, format }),
  reply: pageOf(
    z.object({
      id: id("connection"),
      over: ways,
      transport: z.string(),
      address: z.string(),
      /** MQTT's client id. */
      client: z.string().optional(),
      /** For whoever may read credentials. */
      credential: credential.optional(),
      application: id("application").optional(),
      device: id("device").optional(),
      person: id("person").optional(),
      beganAt: time,
      endedAt: time.optional(),
      /** Why it ended; `crash` where the platform ended without a word, and the numbers are what was last written down. */
      cause: z.string().optional(),
      ...traffic,
    }),
  ),
  csv: [
    "id",
    "over",
    "transport",
    "address",
    "credential",
    "application",
    "device",
    "person",
    "beganAt",
    "endedAt",
    "cause",
    "messagesIn",
    "messagesOut",
    "bytesIn",
    "bytesOut",
  ],
});

export const readQuotas = route({
  method: "GET",
  path: "/v1/quotas",
  summary: "What the organisation's plan bounds, how much of it is used, and what is nearly or wholly used up.",
  needs: "quota.read",
  on: "own",
  reply: z.object({
    plan: z.string().optional(),
    /** The month that counts are of. */
    from: time,
    to: time,
    items: z.array(
      z.object({
        quota: z.enum(quotaNames),
        limit: count,
        used: count,
        /** `warned` from four fifths on; `exhausted`: more is refused. */
        state: z.enum(["fine", "warned", "exhausted"]),
      }),
    ),
  }),
});

/** What people call a plan by, in an address too. */
const planName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "not a plan's name: small letters, digits and hyphens, 63 at most");
const quotas = z.strictObject(
  Object.fromEntries(quotaNames.map((name) => [name, count.optional()])) as Record<
    QuotaName,
    z.ZodOptional<typeof count>
  >,
); // a field for each name

export const listPlans = route({
  method: "GET",
  path: "/v1/plans",
  summary: "The plans of this deployment: named sets of quotas, and how many organisations have each.",
  needs: "plan.manage",
  on: "own",
  reply: z.object({ items: z.array(z.object({ name: z.string(), quotas, orgs: count })) }),
});

export const savePlan = route({
  method: "POST",
  path: "/v1/plans",
  summary: "Makes a plan, or gives one that there is other quotas: they hold at once for all that have it.",
  needs: "plan.manage",
  on: "own",
  body: z.strictObject({ name: planName, quotas }),
  reply: z.object({ name: z.string(), quotas }),
});

export const removePlan = route({
  method: "DELETE",
  path: "/v1/plans/{plan}",
  summary: "Removes a plan that no organisation has.",
  needs: "plan.manage",
  on: "own",
  reply: noReply,
});

export const givePlan = route({
  method: "PUT",
  path: "/v1/orgs/{org}/plan",
  summary: "Gives an organisation a plan, or none: then nothing is bounded.",
  needs: "plan.manage",
  on: "own",
  body: z.strictObject({ plan: planName.nullable() }),
  reply: noReply,
});
