import { z } from "zod";
import { cursor, id, limit, noReply, pageOf, time } from "./shapes.ts";
import { route } from "./route.ts";

/** What whoever administers the instance sees of an organisation: never what it is called, who is in it, or what it holds. */
const organisation = z.object({
  id: id("org"),
  createdAt: time,
  state: z.enum(["active", "suspended", "unconfirmed", "ending"]),
  /** When it is erased, unless that is called off. */
  endsAt: time.optional(),
  plan: z.string().optional(),
  people: z.number().int(),
  /** Those that are retired too. */
  devices: z.number().int(),
});

export const listOrganisations = route({
  method: "GET",
  path: "/v1/instance/organisations",
  summary:
    "The organisations of this platform, oldest first: since when, how large, with which plan, in what state. Not what they are called or hold, which is their own.",
  needs: "instance.read",
  on: "own",
  query: z.strictObject({ limit, cursor }),
  reply: pageOf(organisation),
});

export const suspendOrganisation = route({
  method: "POST",
  path: "/v1/instance/organisations/{org}/suspend",
  summary:
    "Stops an organisation: at once nobody may anything in it, devices included. What it holds is kept. By an administrator of the instance who signed in.",
  needs: "instance.manage",
  on: "own",
  reply: noReply,
  isConfirmed: true,
});

export const resumeOrganisation = route({
  method: "POST",
  path: "/v1/instance/organisations/{org}/resume",
  summary: "Lets a suspended organisation go on, as it was.",
  needs: "instance.manage",
  on: "own",
  reply: noReply,
});

export const confirmOrganisation = route({
  method: "POST",
  path: "/v1/instance/organisations/{org}/confirmation",
  summary:
    "Lets an organisation that was restored go on, by an administrator of the instance who knows that nothing was revoked in it since the backup.",
  needs: "instance.manage",
  on: "own",
  reply: noReply,
  isConfirmed: true,
});

export const confirmOrganisations = route({
  method: "POST",
  path: "/v1/instance/confirmation",
  summary: "The same, of all organisations that wait for it.",
  needs: "instance.manage",
  on: "own",
  reply: z.object({ confirmed: z.array(id("org")) }),
  isConfirmed: true,
});

export const deleteOrganisation = route({
  method: "POST",
  path: "/v1/instance/organisations/{org}/deletion",
  summary:
    "Deletes an organisation, as its owners could: it is erased after seven days, until when they can call it off, unless it is suspended as well. They are told.",
  needs: "instance.manage",
  on: "own",
  reply: z.object({ endsAt: time }),
  isConfirmed: true,
});

export const keepOrganisation = route({
  method: "DELETE",
  path: "/v1/instance/organisations/{org}/deletion",
  summary: "Calls the deletion of an organisation off.",
  needs: "instance.manage",
  on: "own",
  reply: noReply,
});

export const listPeople = route({
  method: "GET",
  path: "/v1/instance/people",
  summary: "Everybody who has an account on this platform, oldest first, and to how many organisations each belongs.",
  needs: "instance.read",
  on: "own",
  query: z.strictObject({ limit, cursor }),
  reply: pageOf(
    z.object({
      id: id("person"),
      email: z.string(),
      createdAt: time,
      /** Of the instance. */
      administrator: z.boolean(),
      organisations: z.number().int(),
      factors: z.object({ totp: z.boolean(), passkey: z.boolean() }),
    }),
  ),
});

export const makeAdministrator = route({
  method: "PUT",
  path: "/v1/instance/administrators/{person}",
  summary:
    "Makes a member of the caller's organisation an administrator of the instance, who acts in that organisation and no other; by one who signed in.",
  needs: "instance.manage",
  on: "own",
  reply: noReply,
  isConfirmed: true,
});

export const unmakeAdministrator = route({
  method: "DELETE",
  path: "/v1/instance/administrators/{person}",
  summary: "Ends that somebody administers the instance. One stays.",
  needs: "instance.manage",
  on: "own",
  reply: noReply,
  isConfirmed: true,
});
