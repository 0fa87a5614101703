import { z } from "zod";
import { route } from "./route.ts";
import { id, noReply, time } from "./shapes.ts";

// How a device leaves its organisation for another one.

const code = z.string().max(64);
const on = { path: "device" } as const;

export const offerHandover = route({
  method: "POST",
  path: "/v1/devices/{device}/handover",
  summary:
    "The code by which another organisation takes a device over that is no customer's, in place of any before, shown this once and good for seven days. Until it is used nothing changes.",
  needs: "device.retire",
  on,
  body: z.strictObject({}),
  reply: z.object({ code: code.optional(), expiresAt: time.optional() }),
  mints: "code",
  isConfirmed: true,
});

export const readHandover = route({
  method: "GET",
  path: "/v1/devices/{device}/handover",
  summary:
    "Whether a code is good by which another organisation takes the device over, and until when; or whether one was used.",
  needs: "device.read",
  pages: true,
  on,
  reply: z.object({ state: z.enum(["none", "offered", "taken", "arrived"]), expiresAt: time.optional() }),
});

export const withdrawHandover = route({
  method: "DELETE",
  path: "/v1/devices/{device}/handover",
  summary: "That code is worth nothing from now on.",
  needs: "device.retire",
  on,
  reply: noReply,
});

export const takeHandover = route({
  method: "POST",
  path: "/v1/applications/{application}/handovers",
  summary:
    "Takes a device over by the code that its organisation made: it ends there for good, with every key it has, and begins here by the same name, with a first key and nothing that it measured. A used, wrong or expired code is answered alike.",
  needs: "device.create",
  on: { path: "application" },
  body: z.strictObject({ code, product: id("product").optional() }),
  reply: z.object({
    device: id("device"),
    name: z.string(),
    application: id("application"),
    product: id("product").optional(),
    key: z.object({ id: id("key"), secret: z.string().optional() }),
  }),
  status: 201,
  location: "/v1/devices/{device}",
  mints: "key.secret",
  isConfirmed: true,
});
