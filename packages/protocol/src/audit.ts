import { z } from "zod";
import { cursor, id, limit, pageOf, time, when } from "./shapes.ts";
import { route } from "./route.ts";

export const listAudit = route({
  method: "GET",
  path: "/v1/audit",
  summary: "What happened in the organisation, newest first: every change, sign-in, refusal and revocation.",
  needs: "audit.read",
  on: "own",
  query: z.strictObject({
    limit,
    cursor,
    about: z.string().max(64).optional(),
    from: when.optional(),
    to: when.optional(),
  }),
  reply: pageOf(
    z.object({
      id: id("entry"),
      time,
      what: z.string(),
      about: z.string(),
      by: z.string(),
      person: id("person").optional(),
      facts: z.record(z.string(), z.unknown()).optional(),
    }),
  ),
});
