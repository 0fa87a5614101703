import { z } from "zod";
import { route } from "./route.ts";
import { altered, anyJson, cursor, duration, id, limit, noReply, pageOf, time } from "./shapes.ts";
import { isCommandName } from "./topics.ts";

/** How far a task is. On the wire and in rows, by their place: append only. */
export const taskStates = ["waiting", "leased", "done", "failed", "expired", "cancelled"] as const;
export type TaskState = (typeof taskStates)[number];

const month = 30 * 86_400_000;
const name = z.string().refine(isCommandName, "not a name of a task: letters, digits, _ . - (64 at most)");
const asked = z.strictObject({
  name,
  body: anyJson.optional().describe("Any JSON, of at most 16 KiB."),
  expiresIn: duration
    .refine((milliseconds) => milliseconds <= month, "at most 30d")
    .optional()
    .describe("`5m`, `24h`: until when somebody may get it. Without it a day."),
});
const lease = z.number().int().min(1).describe("The number of the lease, as the task was given out.");
const seconds = z.number().int().min(5).max(3_600).default(60).describe("For how long, from now on.");
const toLease = z.strictObject({ count: z.number().int().min(1).max(100).default(1), seconds });
const toRenew = z.strictObject({ lease, seconds });
const toRelease = z.strictObject({ lease });
const outcome = { result: anyJson.optional(), error: anyJson.optional() };
const isOne = (of: object): boolean => "result" in of !== "error" in of;
const toAnswer = z.strictObject({ lease, ...outcome }).refine(isOne, "either a result or an error");
const task = { task: id("task") };

/** What a member says over MQTT, at `groups/{group}/tasks/…`. */
export const ownTasks = {
  /** The same key of the same device makes one task, however often it is put: what the header `Idempotency-Key` is over HTTP. */
  put: asked.extend({ key: z.string().min(1).max(255).optional() }),
  lease: toLease,
  renewOne: toRenew.extend(task),
  answerOne: z.strictObject({ lease, ...outcome, ...task }).refine(isOne),
  releaseOne: toRelease.extend(task),
};

const shown = z.object({
  id: id("task"),
  group: id("group"),
  name,
  body: z.unknown().optional(),
  state: z.enum(taskStates),
  by: z.string().describe("The person, or else the credential or the device, that put it."),
  leases: z.number().int().describe("How often it was leased."),
  createdAt: time,
  expiresAt: time,
  holder: id("device").optional(),
  until: time.optional().describe("When the lease ends."),
  endedAt: time.optional(),
  result: z.unknown().optional(),
  error: z.unknown().optional(),
});
const leased = z.object({
  id: id("task"),
  name,
  body: z.unknown().optional(),
  lease,
  until: time,
  seconds: z.number().int().describe("What is left of it. Count these, not the device's clock."),
});
const on = { path: "application" } as const;
const board = "/v1/applications/{application}/groups/{group}/tasks";
const own = "/v1/me/groups/{group}/tasks";
const asDevice = { needs: "telemetry.write", on: "me" } as const;

export const putTask = route({
  method: "POST",
  path: board,
  summary: "Puts a task on the board of a group: one of its devices does it.",
  needs: "group.task",
  on,
  body: asked,
  reply: shown,
  status: 201,
  location: `${board}/{id}`,
});

export const listTasks = route({
  method: "GET",
  path: board,
  summary: "The tasks of a group, newest first: what is over is kept for a week.",
  needs: "group.read",
  on,
  query: z.object({ state: z.enum(taskStates).optional(), limit, cursor }),
  reply: pageOf(shown).extend({ altered: altered("task") }),
});

export const readTask = route({
  method: "GET",
  path: `${board}/{task}`,
  summary: "One task: who has it, or what became of it.",
  needs: "group.read",
  on,
  reply: shown,
});

export const cancelTask = route({
  method: "DELETE",
  path: `${board}/{task}`,
  summary: "Nobody is to do it any more: an answer to it is refused from now on.",
  needs: "group.task",
  on,
  reply: shown,
});

export const putOwnTask = route({
  method: "POST",
  path: own,
  summary: "A device that may say something in the group puts a task on its board.",
  ...asDevice,
  body: asked,
  reply: shown,
});

export const leaseTasks = route({
  method: "POST",
  path: "/v1/me/groups/{group}/leases",
  summary: "A device of the group gets tasks that nobody has, the oldest first: each is its own until the lease ends.",
  ...asDevice,
  body: toLease,
  reply: z.object({ items: z.array(leased) }),
});

export const renewTask = route({
  method: "POST",
  path: `${own}/{task}/renew`,
  summary: "A device keeps a task that it has for longer.",
  ...asDevice,
  body: toRenew,
  reply: leased,
});

export const answerTask = route({
  method: "POST",
  path: `${own}/{task}/answer`,
  summary: "A device says what became of a task that it has: `result` or `error`. Answered once it is durable.",
  ...asDevice,
  body: toAnswer,
  reply: noReply,
});

export const releaseTask = route({
  method: "POST",
  path: `${own}/{task}/release`,
  summary: "A device gives a task back, for others.",
  ...asDevice,
  body: toRelease,
  reply: noReply,
});
