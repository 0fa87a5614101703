import { z } from "zod";
import { login, own } from "./application-users.ts";
import { route } from "./route.ts";
import { duration, id, noReply, time } from "./shapes.ts";

// How an application user comes to own a device, and gives it to another.

const states = z
  .enum(["unclaimed", "claimed", "transferring", "contested"])
  .describe(
    "`transferring`: its owner made a code for the next one. `contested`: somebody showed the code on the box, and gets it unless the owner objects in time.",
  );
const until = time.optional().describe("When the code for the next owner ends, or the time to object.");
const code = z.string().max(64);
const shown = z.object({ code: z.string().optional(), expiresAt: time.optional() });
const mine = z.object({ device: id("device"), state: states, until });
const claims = "/v1/application-users/me/claims";

export const createClaimCode = route({
  method: "POST",
  path: "/v1/devices/{device}/claim-code",
  summary:
    "The code for a device's box, in place of any before, shown this once: whoever of the application's users has it claims the device while it is nobody's.",
  needs: "device.bind",
  on: { path: "device" },
  body: z.strictObject({ expiresIn: duration.optional() }),
  reply: shown,
  mints: "code",
  isConfirmed: true,
});

export const readDeviceClaim = route({
  method: "GET",
  path: "/v1/devices/{device}/claim",
  summary: "Whose a device is, whether it is on its way to another owner, and whether the code on its box is good.",
  needs: "device.read",
  on: { path: "device" },
  pages: true,
  reply: z.object({
    state: states,
    until,
    user: id("user").optional(),
    code: z
      .enum(["none", "good", "barred"])
      .describe("`barred`: its owner objected to whoever showed it. Make another."),
    codeExpiresAt: time.optional(),
  }),
});

export const claimDevice = route({
  method: "POST",
  path: claims,
  summary:
    "Makes a device that of the user who is signed in, by the code on its box or by one that its owner made. A used, wrong, foreign or expired code is answered alike.",
  ...own,
  body: z.strictObject({ code }),
  reply: mine,
});

export const contestDevice = route({
  method: "POST",
  path: "/v1/application-users/me/contests",
  summary:
    "Asks for a device that is somebody's by the code on its box, answered alike whatever the code is. Its owner has fourteen days to object; then the code claims it.",
  ...own,
  body: z.strictObject({ code }),
  reply: noReply,
});

export const listOwnClaims = route({
  method: "GET",
  path: claims,
  summary: "The devices of the user who is signed in, and which of them are on their way to somebody else.",
  ...own,
  reply: z.object({ items: z.array(mine) }),
});

export const transferOwnDevice = route({
  method: "POST",
  path: `${claims}/{device}/transfer`,
  summary:
    "A code by which somebody else claims a device of the user who is signed in, or whoever has this login alone: for seven days, in place of any before. Until it is used the device stays hers.",
  ...own,
  body: z.strictObject({ to: login.optional() }),
  reply: shown,
  mints: "code",
  isConfirmed: true,
});

export const keepOwnDevice = route({
  method: "DELETE",
  path: `${claims}/{device}/transfer`,
  summary: "Takes back the code for the next owner.",
  ...own,
  reply: noReply,
});

export const objectToContest = route({
  method: "POST",
  path: `${claims}/{device}/objection`,
  summary: "Keeps a device that somebody asked for by the code on its box. That code is worth nothing from then on.",
  ...own,
  reply: noReply,
});

export const releaseOwnDevice = route({
  method: "DELETE",
  path: `${claims}/{device}`,
  summary: "Gives a device up: it is nobody's at once, and the code on its box claims it again.",
  ...own,
  reply: noReply,
});
