import { z } from "zod";
import { cursor, duration, id, limit, noReply, pageOf, time } from "./shapes.ts";
import { route } from "./route.ts";

export const listNames = ["allow", "deny"] as const;
export type ListName = (typeof listNames)[number];

/** What an entry is about. */
export const listed = ["address", "device", "person", "topic"] as const;
export type Listed = (typeof listed)[number];

export const comment = z
  .string()
  .trim()
  .max(500)
  .regex(/^[^\p{Cc}\p{Cs}\u200e\u200f\u202a-\u202e\u2066-\u2069]*$/u, "a character that cannot be shown");

const entry = z.object({
  id: id("listEntry"),
  list: z.enum(listNames),
  what: z.enum(listed),
  value: z.string().describe("An address or network, the id of a device or person, or a filter of topics."),
  comment: z.string(),
  author: z.string().describe("The person who made it, or `a program` where no person stands behind it."),
  createdAt: time,
  expiresAt: time.optional(),
  hits: z.number().int().describe("How often it decided; written down every few seconds."),
  lastHitAt: time.optional(),
});

export const listEntries = route({
  method: "GET",
  path: "/v1/lists",
  summary: "The entries of the organisation's allow list and deny list, oldest first.",
  needs: "list.read",
  on: "own",
  query: z.strictObject({ limit, cursor, list: z.enum(listNames).optional(), what: z.enum(listed).optional() }),
  reply: pageOf(entry),
});

export const readListEntry = route({
  method: "GET",
  path: "/v1/lists/{entry}",
  summary: "One entry of a list.",
  needs: "list.read",
  on: "own",
  reply: entry,
});

export const createListEntry = route({
  method: "POST",
  path: "/v1/lists",
  summary:
    "Puts an address, device, person or topic on the allow list or the deny list, at once and for open connections too. Deny wins; where the allow list has any of a kind, no other of that kind is let in.",
  needs: "list.update",
  on: "own",
  body: z.strictObject({
    list: z.enum(listNames),
    what: z.enum(listed),
    value: z.string().min(1).max(256),
    comment: comment.default(""),
    expiresIn: duration.optional(),
  }),
  reply: entry.extend({
    warnings: z.array(z.string()).describe("What about it contradicts other entries, or repeats them."),
  }),
  status: 201,
  location: "/v1/lists/{id}",
  isConfirmed: true,
});

export const removeListEntry = route({
  method: "DELETE",
  path: "/v1/lists/{entry}",
  summary: "Takes an entry from its list.",
  needs: "list.update",
  on: "own",
  reply: noReply,
  isConfirmed: true,
});
