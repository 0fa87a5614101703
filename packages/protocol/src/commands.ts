import { z } from "zod";
import { altered, anyJson, cursor, duration, id, limit, noReply, pageOf, tagKey, tagValue, time } from "./shapes.ts";
import { route } from "./route.ts";
import { isCommandName } from "./topics.ts";

/** How far a command is. On the wire and in rows, by their place: append only. */
export const commandStates = [
  "proposed",
  "waiting",
  "sent",
  "acknowledged",
  "answered",
  "failed",
  "expired",
  "cancelled",
] as const;
export type CommandState = (typeof commandStates)[number];

/** Why the platform itself called one off. */
const cancelReasons = ["device.retired"] as const;
export type CancelReason = (typeof cancelReasons)[number];

const name = z.string().refine(isCommandName, "not a name of a command: letters, digits, _ . - (64 at most)");
const month = 30 * 86_400_000;

const asked = {
  name,
  body: anyJson.optional().describe("Any JSON, of at most 16 KiB: what the device is given."),
  expiresIn: duration
    .refine((milliseconds) => milliseconds <= month, "at most 30d")
    .optional()
    .describe("`5m`, `24h`: until when it may reach the device, by the platform's clock. Without it an hour."),
};

const command = z.object({
  id: id("command"),
  device: id("device"),
  name,
  body: z.unknown().optional(),
  state: z
    .enum(commandStates)
    .describe(
      "`proposed` waits for a person's approval, `waiting` for the device; `sent` has left, `acknowledged` has arrived; the others are ends.",
    ),
  batch: id("commandBatch").optional(),
  by: z.string().describe("The person, or else the credential, that sent it."),
  approvedBy: id("person").optional(),
  createdAt: time,
  expiresAt: time,
  sentAt: time.optional().describe("When it left for the first time."),
  acknowledgedAt: time.optional(),
  endedAt: time.optional(),
  reason: z
    .enum(cancelReasons)
    .optional()
    .describe("Why nobody but the platform itself cancelled it: `device.retired`, its device was retired."),
  late: z.literal(true).optional().describe("The reply came when the command had expired or been cancelled."),
  result: z.unknown().optional().describe("What the device answered."),
  error: z.unknown().optional().describe("Why it did not do it, as the device says."),
});

const onDevice = { path: "device" } as const;

export const sendCommand = route({
  method: "POST",
  path: "/v1/devices/{device}/commands",
  summary:
    "Sends a command to a device. It waits until the device is there or the command expires; one that the door calls dangerous waits for a person's approval first.",
  needs: "command.send",
  on: onDevice,
  body: z.strictObject(asked),
  reply: command,
  status: 201,
  location: "/v1/devices/{device}/commands/{id}",
});

export const listCommands = route({
  method: "GET",
  path: "/v1/devices/{device}/commands",
  summary: "The commands of a device, newest first.",
  needs: "command.read",
  on: onDevice,
  query: z.object({ state: z.enum(commandStates).optional(), limit, cursor }),
  reply: pageOf(command).extend({ altered: altered("command") }),
});

export const readCommand = route({
  method: "GET",
  path: "/v1/devices/{device}/commands/{command}",
  summary: "A command: how far it is, since when, and what the device answered.",
  needs: "command.read",
  on: onDevice,
  reply: command,
});

export const cancelCommand = route({
  method: "POST",
  path: "/v1/devices/{device}/commands/{command}/cancel",
  summary: "Cancels a command. One that has left may have been done all the same: its reply is taken still.",
  needs: "command.send",
  on: onDevice,
  reply: command,
});

export const approveCommand = route({
  method: "POST",
  path: "/v1/devices/{device}/commands/{command}/approve",
  summary: "A person who signed in lets a dangerous command go out. No program can.",
  needs: "command.send",
  on: onDevice,
  reply: command,
  isConfirmed: true,
});

const counts = z.object(
  Object.fromEntries(commandStates.map((state) => [state, z.number().int()])) as Record<CommandState, z.ZodNumber>, // each has one
);

const batch = z.object({
  id: id("commandBatch"),
  name,
  by: z.string(),
  createdAt: time,
  expiresAt: time,
  total: z.number().int().describe("Devices that it went to, of those that you may see."),
  counts: counts.describe("How many of them are how far."),
  isDone: z.boolean(),
});

export const sendCommands = route({
  method: "POST",
  path: "/v1/command-batches",
  summary: "Sends a command to all devices with a tag, or of a product, as far as you may send them any.",
  needs: "command.send",
  on: "reach",
  body: z.strictObject({
    to: z.union([
      z.strictObject({ tag: z.strictObject({ key: tagKey, value: tagValue }) }),
      z.strictObject({ product: id("product") }),
    ]),
    ...asked,
  }),
  reply: batch,
  status: 201,
  location: "/v1/command-batches/{id}",
});

export const readBatch = route({
  method: "GET",
  path: "/v1/command-batches/{batch}",
  summary: "How far a batch of commands is, counted over the devices that you may see.",
  needs: "command.read",
  on: "reach",
  reply: batch,
});

export const listBatchCommands = route({
  method: "GET",
  path: "/v1/command-batches/{batch}/commands",
  summary: "The commands of a batch, device by device.",
  needs: "command.read",
  on: "reach",
  query: z.object({ state: z.enum(commandStates).optional(), limit, cursor }),
  reply: pageOf(command).extend({ altered: altered("command") }),
});

const envelope = z.object({
  id: id("command"),
  name,
  expires: time,
  expiresIn: z.number().int().describe("Milliseconds left when this was sent. Count these, not the device's clock."),
  again: z.boolean().describe("It may have been delivered before: run it only if this id was not begun."),
  body: z.unknown(),
});

export const listOwnCommands = route({
  method: "GET",
  path: "/v1/me/commands",
  summary: "A device fetches the commands that it has not acknowledged, and waits for one if it likes.",
  needs: "telemetry.write",
  on: "me",
  query: z.object({
    wait: z.coerce.number().int().min(0).max(30).default(0).describe("Seconds that the answer may wait for a command."),
  }),
  reply: z.object({ items: z.array(envelope) }),
});

export const acknowledgeCommand = route({
  method: "POST",
  path: "/v1/me/commands/{command}/acknowledge",
  summary: "A device has a command, and is not to be given it again.",
  needs: "telemetry.write",
  on: "me",
  reply: noReply,
});

export const replyToCommand = route({
  method: "POST",
  path: "/v1/me/replies/{command}",
  summary: 'A device answers a command, once: `{"result": …}` or `{"error": …}`.',
  needs: "telemetry.write",
  on: "me",
  body: "bytes",
  reply: noReply,
});
