import { z } from "zod";
import { preview } from "./credentials.ts";
import { route } from "./route.ts";
import { tlsVersions } from "./transport.ts";

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

/** What an organisation demands of whoever comes to it, for credentials of people, of programs and of devices apart. */
export const demands = z.strictObject({
  people: ofParty.optional(),
  programs: ofParty.optional(),
  devices: ofParty.optional(),
});
export type Demands = z.infer<typeof demands>;

export const previewDemands = route({
  method: "POST",
  path: "/v1/org/demands/preview",
  summary:
    "What demanding this, in place of what is demanded now, would refuse at this moment: credentials that are good, connections that stand open, and the devices behind them. Nothing is demanded. Over which TLS a credential will come is known of what is open alone.",
  needs: "credential.read",
  on: "own",
  body: z.strictObject({ demands }),
  reply: preview,
});
