import { z } from "zod";
import { cursor, id, limit, name, noReply, pageOf, time, version } from "./shapes.ts";
import { route } from "./route.ts";

/** Whether somebody may become a user of an application who was not invited; `confirmed`: once a program of the application says so. */
const signUp = z.enum(["closed", "confirmed", "open"]);

const application = z.object({ id: id("application"), name: z.string(), signUp, createdAt: time, version });
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
  location: "/v1/applications/{id}",
  versioned: true,
});

export const listApplications = route({
  method: "GET",
  path: "/v1/applications",
  summary: "The applications that the caller may read, oldest first.",
  needs: "application.read",
  on: "reach",
  query: z.strictObject({ limit, cursor }),
  reply: pageOf(application),
});

export const readApplication = route({
  method: "GET",
  path: "/v1/applications/{application}",
  summary: "One application.",
  needs: "application.read",
  on,
  reply: application,
  versioned: true,
});

export const updateApplication = route({
  method: "PATCH",
  path: "/v1/applications/{application}",
  summary: "Renames an application, or says who may sign up as a user of it.",
  needs: "application.update",
  on,
  body: z.strictObject({ name: name.optional(), signUp: signUp.optional() }),
  reply: application,
  versioned: true,
});

export const deleteApplication = route({
  method: "DELETE",
  path: "/v1/applications/{application}",
  summary: "Ends an application that has no devices left, and every key of its own.",
  needs: "application.delete",
  on,
  reply: noReply,
  versioned: true,
});
