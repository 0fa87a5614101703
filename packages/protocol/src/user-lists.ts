import { z } from "zod";
import { visitorKinds } from "./doors.ts";
import { comment, listNames } from "./lists.ts";
import { route } from "./route.ts";
import { duration, id, noReply, time } from "./shapes.ts";

// What an application user lets reach what her devices measure. The organisation has lists of its own.

export const userListed = ["address", "credential"] as const;
export type UserListed = (typeof userListed)[number];

/** Kinds of credential that others than the user and her device come with. */
export const programKinds = visitorKinds.filter((kind) => kind !== "applicationUser");

const entry = z.object({
  id: id("listEntry"),
  list: z.enum(listNames),
  what: z.enum(userListed),
  value: z.string().describe("An address or network; the id of a credential, or a kind of them."),
  device: id("device").optional().describe("The device it is about; none where it is about all of hers."),
  comment: z.string(),
  createdAt: time,
  expiresAt: time.optional(),
  hits: z
    .number()
    .int()
    .describe("How often it refused somebody, or let a request in; written down every few seconds."),
  lastHitAt: time.optional(),
});

const own = { needs: "applicationUser", pages: true } as const;
const lists = "/v1/application-users/me/lists";

export const listOwnListEntries = route({
  method: "GET",
  path: lists,
  summary: "What the user who is signed in lets reach her devices, and what not, oldest first: at most 50 entries.",
  ...own,
  query: z.strictObject({ device: id("device").optional().describe("Only what is about this device of hers.") }),
  reply: z.object({ items: z.array(entry) }),
});

export const readOwnListEntry = route({
  method: "GET",
  path: `${lists}/{entry}`,
  summary: "One entry of the lists of the user who is signed in.",
  ...own,
  reply: entry,
});

export const createOwnListEntry = route({
  method: "POST",
  path: lists,
  summary:
    "Lets an address or a credential reach what the user's devices measure no more, or nobody but these; at once and for open connections too. Deny wins, and nobody is let in whom the organisation does not let in.",
  ...own,
  body: z.strictObject({
    list: z.enum(listNames),
    what: z.enum(userListed),
    value: z
      .string()
      .min(1)
      .max(256)
      .describe(`An address or network; the id of a credential, or a kind of them: ${programKinds.join(", ")}.`),
    device: id("device").optional().describe("Without it, about all that are hers, now and later."),
    comment: comment.default(""),
    expiresIn: duration.optional(),
  }),
  reply: entry.extend({
    warnings: z.array(z.string()).describe("What about it contradicts other entries of hers, or repeats them."),
  }),
  status: 201,
  location: `${lists}/{id}`,
});

export const removeOwnListEntry = route({
  method: "DELETE",
  path: `${lists}/{entry}`,
  summary: "Takes an entry from the lists of the user who is signed in.",
  ...own,
  reply: noReply,
});

export const listDeviceUserEntries = route({
  method: "GET",
  path: "/v1/devices/{device}/lists",
  summary:
    "What the application user whose the device is lets reach it, and what not. Where an entry names a credential it needs credential.read as well.",
  needs: "device.read",
  pages: true,
  on: { path: "device" },
  reply: z.object({ user: id("user").optional().describe("Whose the device is."), items: z.array(entry) }),
});
