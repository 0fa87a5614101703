import { z } from "zod";
import { instanceActions } from "./actions.ts";
import { mostGrants } from "./grant.ts";
import { id, name, noReply, role as roleName, time, version } from "./shapes.ts";
import { route } from "./route.ts";

/** So many that whoever has it can be given a token with all of them, also where she administers the instance. */
export const mostGrantsInRole = mostGrants - instanceActions.length;

const description = z
  .string()
  .trim()
  .max(500)
  .refine((text) => text.isWellFormed() && !/\p{Cc}/u.test(text), "a character that cannot be shown");
const grants = z.array(z.string().max(4_096)).min(1).max(mostGrantsInRole);

const role = z.object({
  /** `rol_…` of the organisation's own; the others are called so everywhere. */
  id: roleName,
  name: z.string(),
  description: z.string(),
  grants: z.array(z.string()),
  /** How many members have it. */
  members: z.number().int(),
  /** Of the organisation's own alone. */
  createdAt: time.optional(),
  version: version.optional(),
});

const own = { needs: "role.update", on: "own" } as const;

export const listRoles = route({
  method: "GET",
  path: "/v1/roles",
  summary: "Every role that may be given here: those of every organisation, and then its own by their names.",
  needs: "role.read",
  on: "own",
  reply: z.object({ items: z.array(role) }),
});

export const createRole = route({
  method: "POST",
  path: "/v1/roles",
  summary: "Makes a role, by somebody who signed in and may do all that it holds.",
  ...own,
  body: z.strictObject({ name, description: description.default(""), grants }),
  reply: role,
  status: 201,
  location: "/v1/roles/{id}",
  versioned: true,
  isConfirmed: true,
});

export const readRole = route({
  method: "GET",
  path: "/v1/roles/{role}",
  summary: "One role, and what it holds.",
  needs: "role.read",
  on: "own",
  reply: role,
  versioned: true,
});

export const updateRole = route({
  method: "PATCH",
  path: "/v1/roles/{role}",
  summary:
    "Changes a role of the organisation's own, by somebody who signed in and may do all that it held and will hold; what its members and their programs may do changes at once.",
  ...own,
  body: z.strictObject({ name: name.optional(), description: description.optional(), grants: grants.optional() }),
  reply: role,
  versioned: true,
  isConfirmed: true,
});

export const deleteRole = route({
  method: "DELETE",
  path: "/v1/roles/{role}",
  summary:
    "Ends a role of the organisation's own. Whoever has it gets the replacement, in the same step; without one it has to be nobody's. Invitations to it are worth nothing from now on.",
  ...own,
  query: z.strictObject({ replacement: roleName.optional() }),
  reply: noReply,
  versioned: true,
  isConfirmed: true,
});

const ofFile = z.strictObject({ name, description: description.default(""), grants });

export const exportRoles = route({
  method: "GET",
  path: "/v1/roles/file",
  summary: "The organisation's own roles as a file, always in the same order; its ETag is the state of them all.",
  needs: "role.read",
  on: "own",
  reply: z.object({ roles: z.array(ofFile), version }),
  versioned: true,
});

const texts = z.array(z.string());

export const applyRoles = route({
  method: "POST",
  path: "/v1/roles/file",
  summary:
    "Makes the organisation's own roles what a file says, all or nothing: what is not in it ends. With dryRun=true only the difference is answered; its ETag in If-Match applies it to that state alone. Needs role.read as well.",
  ...own,
  query: z.strictObject({ dryRun: z.enum(["true", "false"]).default("false") }),
  body: z.strictObject({
    roles: z.array(ofFile).max(1_000),
    version: version.optional().describe("As an export has it; which state is meant says If-Match alone."),
  }),
  reply: z.object({
    applied: z.boolean(),
    /** Of the state that this is the difference from, or, once applied, the one that it led to. */
    version,
    added: z.array(z.object({ name: z.string(), grants: texts })),
    removed: z.array(z.object({ name: z.string(), grants: texts })),
    changed: z.array(z.object({ name: z.string(), described: z.boolean(), added: texts, removed: texts })),
    /** What members gain and lose by that; only to who may read members. */
    people: z.array(z.object({ person: id("person"), role: z.string(), gains: texts, loses: texts })),
  }),
  versioned: true,
  isConfirmed: true,
});
