import { z } from "zod";
import { demands } from "./demands.ts";
import { code, duration, email, id, name, noReply, password, time, welcome } from "./shapes.ts";
import { mostGrants } from "./grant.ts";
import { route } from "./route.ts";

export const readSetUp = route({
  method: "GET",
  path: "/v1/setup",
  summary: "What a set-up may ask for: whether this platform offers a simulated fleet.",
  needs: "public",
  reply: z.object({ fleet: z.boolean() }),
});

export const setUp = route({
  method: "POST",
  path: "/v1/setup",
  summary:
    "Takes the one-time setup link: makes the first person and the first organisation, and with `fleet` a second one in which everything is simulated.",
  needs: "public",
  body: z.strictObject({
    secret: z.string().max(200),
    email,
    password,
    org: name,
    fleet: z.boolean().optional().describe("A dozen simulated devices in an organisation of their own, also hers."),
  }),
  /** `fleet` is the organisation of the simulated fleet. */
  reply: welcome.extend({ fleet: id("org").optional() }),
  status: 201,
  location: "/v1/me",
});

export const signIn = route({
  method: "POST",
  path: "/v1/sign-in",
  summary:
    "A person's e-mail and password, and a code where she has a second factor, for an API token with what she may do, by default for 24 hours.",
  needs: "public",
  body: z.strictObject({
    email,
    password,
    code,
    org: id("org").optional(),
    name: name.optional(),
    grants: z.array(z.string().max(4_096)).min(1).max(mostGrants).optional(),
    expiresIn: duration.optional(),
  }),
  reply: welcome,
  status: 201,
  location: "/v1/me",
  isCounted: true,
});

export const createOrg = route({
  method: "POST",
  path: "/v1/orgs",
  summary:
    "Makes a further organisation, owned by the caller; for an administrator of the instance who signed in. The token ends no later than hers.",
  needs: "org.create",
  on: "own",
  body: z.strictObject({ name }),
  reply: z.object({ org: id("org"), token: z.string(), expiresAt: time }),
  status: 201,
  location: "/v1/org",
  mints: "token",
  isConfirmed: true,
});

const org = z.object({
  id: id("org"),
  name: z.string(),
  createdAt: time,
  /** Made by the platform to show itself; everything in it is simulated. Platforms of before say nothing, and have none. */
  isSimulated: z.boolean().default(false),
  demands: demands.default({}),
  /** When it is erased, unless that is called off. */
  endsAt: time.optional(),
  /** By the administrator of the instance. */
  isSuspended: z.boolean().default(false),
  /** It was restored from a backup, and nobody has confirmed yet who may what in it. */
  unconfirmedSince: time.optional(),
});

export const readOrg = route({
  method: "GET",
  path: "/v1/org",
  summary: "The caller's organisation.",
  needs: "org.read",
  on: "own",
  reply: org,
});

export const updateOrg = route({
  method: "PATCH",
  path: "/v1/org",
  summary:
    "Renames the caller's organisation, or says what it demands of whoever comes; that holds at once, for open connections too.",
  needs: "org.update",
  on: "own",
  body: z.strictObject({ name: name.optional(), demands: demands.optional() }),
  reply: org,
  isConfirmed: true,
});

export const deleteOrg = route({
  method: "POST",
  path: "/v1/org/deletion",
  summary:
    "Deletes the caller's organisation, by an owner who signed in and says what it is called: at once nobody but its owners comes in, and after seven days it is erased for ever, unless one of them calls it off. All owners are told.",
  needs: "org.delete",
  on: "own",
  body: z.strictObject({ name: z.string().max(200) }),
  reply: org,
  isConfirmed: true,
});

export const keepOrg = route({
  method: "DELETE",
  path: "/v1/org/deletion",
  summary: "Calls the deletion of the caller's organisation off: everything in it is as it was.",
  needs: "org.delete",
  on: "own",
  reply: org,
});

export const confirmOrg = route({
  method: "POST",
  path: "/v1/org/confirmation",
  summary:
    "Says of an organisation that was restored from a backup that who may what in it is as it should be, by an owner who signed in; what was revoked since the backup she revokes before. Until then nobody else is let in.",
  needs: "org.update",
  on: "own",
  reply: org,
  isConfirmed: true,
});

export const leaveOrg = route({
  method: "POST",
  path: "/v1/org/leave",
  summary:
    "Ends the caller's own membership, with all that was made with her sign-ins; for a person who signed in. The last owner stays.",
  needs: "signedIn",
  reply: noReply,
  isConfirmed: true,
});

export const endSimulation = route({
  method: "DELETE",
  path: "/v1/simulation",
  summary:
    "Ends the simulated fleet and erases its organisation with all that it holds, for ever; asked in that organisation.",
  needs: "simulation.end",
  on: "own",
  reply: noReply,
});

export const whoAmI = route({
  method: "GET",
  path: "/v1/me",
  summary: "Who the credential says the caller is, and what it may do.",
  needs: "signedIn",
  pages: true,
  reply: z.object({
    credential: z.string(),
    kind: z.string(),
    org: id("org"),
    person: id("person").optional(),
    application: id("application").optional(),
    device: id("device").optional(),
    /** Of a link: the one that it shows. */
    dashboard: id("dashboard").optional(),
    user: id("user").optional(),
    grants: z.array(z.string()),
    expiresAt: time.optional(),
  }),
});
