import { z } from "zod";
import { door } from "./doors.ts";
import { listed, listNames } from "./lists.ts";
import { createRole } from "./roles.ts";
import { id, time } from "./shapes.ts";
import { route } from "./route.ts";

/** For so many days it is kept what authority was asked. */
const mostDays = 30;
export const usualDays = 7;

const change = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("door"),
    of: z.union([id("product"), id("device")]),
    door: door.describe("As it would be set, as a whole; an empty one demands nothing."),
  }),
  z.strictObject({
    kind: z.literal("entryAdded"),
    list: z.enum(listNames),
    what: z.enum(listed),
    value: z.string().min(1).max(256),
  }),
  z.strictObject({ kind: z.literal("entryRemoved"), entry: id("listEntry") }),
  z.strictObject({
    kind: z.literal("role"),
    role: z.string().min(1).max(200).describe("One of the organisation's own, by its identifier or its name."),
    grants: createRole.body.shape.grants,
  }),
]);

/** What is to be otherwise. */
export type SimulatedChange = z.input<typeof change>;

const touched = z.object({
  id: z.string(),
  action: z.string().describe("One of the things that it asked for; `connect` is to be let in at all."),
  about: z.string().optional(),
  because: z.string().optional().describe("The clause that decides; for whoever may read credentials."),
  decisions: z.number().int().describe("How often it was told something that would be otherwise."),
});

const parties = z.object({
  count: z.number().int(),
  items: z.array(touched).describe("A hundred at most, those that whoever asks may read."),
});

const outcome = z.object({
  decisions: z.number().int(),
  devices: parties,
  people: parties,
  credentials: parties,
});

export const simulateChange = route({
  method: "POST",
  path: "/v1/authority/simulations",
  summary:
    "Tries a change of a door, a list or a role on what was really asked in the last days, before it is made: who would newly be refused, and who let in. Needs leave to read what would be changed. Where what is kept cannot decide, it says unknown. Nothing changes.",
  needs: "authority.explain",
  on: "own",
  body: z.strictObject({ change, days: z.number().int().min(1).max(mostDays).default(usualDays) }),
  reply: z.object({
    sentence: z.string(),
    /** The first hour that is looked at, and now. */
    from: time,
    to: time,
    /** How often authority was asked, of which the numbers below are parts. */
    decisions: z.number().int(),
    newlyRefused: outcome,
    newlyAllowed: outcome,
    unknown: outcome,
    unchanged: z.number().int(),
    notCovered: z
      .number()
      .int()
      .describe(
        "Asked when there was no room to keep more, or kept in rows that do not open: of these nothing is known.",
      ),
    altered: z.number().int().describe("Of those not covered, how many were kept in rows that do not open."),
  }),
});
