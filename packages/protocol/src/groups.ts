import { z } from "zod";
import { route } from "./route.ts";
import { id, noReply, time, version } from "./shapes.ts";
import { isCommandName } from "./topics.ts";

// Devices of one application that talk to each other.

const name = z
  .string()
  .refine(
    (text) => isCommandName(text) && !text.startsWith("grp_"),
    "not a name of a group: letters, digits, _ . - (64 at most)",
  );
const rights = {
  read: z.boolean().default(true).describe("It hears what is said in the group, and may lease tasks."),
  write: z.boolean().default(true).describe("It says something in the group, and puts tasks."),
};
const group = z.object({
  id: id("group"),
  application: id("application"),
  name,
  members: z.array(z.object({ device: id("device"), read: z.boolean(), write: z.boolean() })),
  createdAt: time,
  version,
});
const on = { path: "application" } as const;
const one = "/v1/applications/{application}/groups/{group}";

export const createGroup = route({
  method: "POST",
  path: "/v1/applications/{application}/groups",
  summary: "Makes a group of devices of an application. Its name is a level of topics.",
  needs: "group.manage",
  on,
  body: z.strictObject({ name }),
  reply: group,
  status: 201,
  location: "/v1/applications/{application}/groups/{id}",
});

export const listGroups = route({
  method: "GET",
  path: "/v1/applications/{application}/groups",
  summary: "The groups of an application, oldest first, with who is in them: 200 at most.",
  needs: "group.read",
  on,
  reply: z.object({ items: z.array(group) }),
});

export const readGroup = route({
  method: "GET",
  path: one,
  summary: "One group, with who is in it.",
  needs: "group.read",
  on,
  reply: group,
});

export const deleteGroup = route({
  method: "DELETE",
  path: one,
  summary: "Ends a group, with its tasks: nobody is in it any more.",
  needs: "group.manage",
  on,
  reply: noReply,
});

export const admitToGroup = route({
  method: "PUT",
  path: `${one}/members/{device}`,
  summary: "A device of the application is in the group from now on, with these rights in place of any others.",
  needs: "group.manage",
  on,
  body: z.strictObject(rights).refine(({ read, write }) => read || write, "neither: expel it"),
  reply: group,
});

export const expelFromGroup = route({
  method: "DELETE",
  path: `${one}/members/{device}`,
  summary:
    "Expels a device from a group, on open connections too: within a second it hears and says nothing more there, and holds no task.",
  needs: "group.manage",
  on,
  reply: noReply,
});
