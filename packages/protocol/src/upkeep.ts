import { z } from "zod";
import { route } from "./route.ts";
import { noReply } from "./shapes.ts";

/** What somebody should look at: its secret leaked, stood where others may have read it, or is old. */
export const findings = ["leaked", "exposed", "old"] as const;
export type Finding = (typeof findings)[number];

const endExposed = z.boolean().describe("A credential that stands in a URL or a topic is revoked at once.");
const oldAfterDays = z.number().int().min(1).max(3_650).describe("From when a secret is called old.");
const endingWithinDays = z
  .number()
  .int()
  .min(1)
  .max(3_650)
  .describe(
    "From how long before its end a certificate is said to end: so many days, or a third of the time that it is good, whichever is less.",
  );
const upkeep = z.object({ endExposed, oldAfterDays, endingWithinDays });
export type Upkeep = z.infer<typeof upkeep>;

export const readUpkeep = route({
  method: "GET",
  path: "/v1/org/upkeep",
  summary:
    "What the organisation wants done about secrets that are old, or that others may have read, and about certificates that end.",
  needs: "org.read",
  on: "own",
  reply: upkeep,
});

export const updateUpkeep = route({
  method: "PATCH",
  path: "/v1/org/upkeep",
  summary:
    "Says what is done about secrets that are old, or that others may have read, and about certificates that end.",
  needs: "org.update",
  on: "own",
  body: z.strictObject({
    endExposed: endExposed.optional(),
    oldAfterDays: oldAfterDays.optional(),
    endingWithinDays: endingWithinDays.optional(),
  }),
  reply: upkeep,
  isConfirmed: true,
});

export const reportLeak = route({
  method: "POST",
  path: "/v1/leaks",
  summary:
    "Takes a secret that was found somewhere, a whole token, `key_….hfs_…`, a direct socket's `hfu_…`, a customer's refresh token or what a browser's cookie holds, and ends it if it is one of ours. The answer is the same whatever it was.",
  needs: "public",
  body: z.strictObject({ secret: z.string().min(1).max(10_000) }),
  reply: noReply,
});
