import { z } from "zod";
import { time, version } from "./shapes.ts";
import { route } from "./route.ts";

const document = z.record(z.string(), z.unknown());
const patch = document.describe("A merge patch (RFC 7396): fields to set, and null for those to remove.");

const twin = z.object({
  version: version.describe("How often `desired` was changed."),
  desired: document.describe("What the organisation wants of the device."),
  desiredAt: time.optional(),
  reported: document.describe("What the device says of itself."),
  reportedAt: time.optional(),
  reportedVersion: z.number().int().describe("How often the device changed `reported`."),
  difference: document.describe("What the device has still to take over, as a merge patch of `reported`."),
});

const own = z.object({
  version,
  desired: document.describe("What differs from what the device has reported, as a merge patch of that."),
});

const onDevice = { path: "device" } as const;

export const readTwin = route({
  method: "GET",
  path: "/v1/devices/{device}/twin",
  summary: "What is wanted of a device, what it says of itself, and what differs. The version is that of `desired`.",
  needs: "twin.read",
  on: onDevice,
  reply: twin,
  versioned: true,
});

export const updateTwin = route({
  method: "PATCH",
  path: "/v1/devices/{device}/twin",
  summary:
    "Changes what is wanted of a device. It hears of the difference at once if it is connected, and otherwise when it comes.",
  needs: "twin.update",
  on: onDevice,
  body: z.strictObject({ desired: patch }),
  reply: twin,
  versioned: true,
});

export const listTwinChanges = route({
  method: "GET",
  path: "/v1/devices/{device}/twin/changes",
  summary: "The last 50 changes of each side of a twin, newest first: when, by whom, and what.",
  needs: "twin.read",
  on: onDevice,
  reply: z.object({
    items: z.array(
      z.object({
        side: z.enum(["desired", "reported"]),
        version: z.number().int(),
        at: time,
        by: z.string().describe("A credential, a person, or the device itself."),
        patch,
      }),
    ),
  }),
});

export const readOwnTwin = route({
  method: "GET",
  path: "/v1/me/twin",
  summary: "What a device has still to take over.",
  needs: "telemetry.write",
  on: "me",
  reply: own,
});

export const reportTwin = route({
  method: "PATCH",
  path: "/v1/me/twin",
  summary:
    "A device says what it is like, as a merge patch. Answered once it is durable, with what it has still to take over.",
  needs: "telemetry.write",
  on: "me",
  body: "bytes",
  reply: own,
});
