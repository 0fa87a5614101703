import { z } from "zod";
import { cursor, id, limit, name, noReply, pageOf, time } from "./shapes.ts";
import { route } from "./route.ts";

export const application = z.object({ id: id("application"), name, createdAt: time });
const on = { path: "application" } as const;

export const createApplication = route({
  method: "POST",
  path: "/v1/applications",
  summary: "Makes an application.",
  needs: "application.create",
  on: "own",
  body: z.strictObject({ name }),
  reply: application,
  status: 201,
});

export const listApplications = route({
  method: "GET",
  path: "/v1/applications",
  summary: "The applications that the caller may read, oldest first.",
  needs: "application.read",
  on: "reach",
  query: z.object({ limit, cursor }),
  reply: pageOf(application),
});

export const readApplication = route({
  method: "GET",
  path: "/v1/applications/{application}",
  summary: "One application.",
  needs: "application.read",
  on,
  reply: application,
});

export const updateApplication = route({
  method: "PATCH",
  path: "/v1/applications/{application}",
  summary: "Renames an application.",
  needs: "application.update",
  on,
  body: z.strictObject({ name }),
  reply: application,
});

export const deleteApplication = route({
  method: "DELETE",
  path: "/v1/applications/{application}",
  summary: "Ends an application that has no devices left, and every key of its own.",
  needs: "application.delete",
  on,
  reply: noReply,
});
