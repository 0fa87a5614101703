import { z } from "zod";
import { route } from "./route.ts";

const erased = z.object({
  points: z.number().int().describe("Readings that were in chunks; what came in the last minutes went unseen."),
  chunks: z.number().int(),
});

export const eraseDevice = route({
  method: "POST",
  path: "/v1/devices/{device}/erase",
  summary:
    "Erases all that a device has measured until now, for ever: nobody is shown any of it from then on, and its keys are destroyed, so that no log, object store or backup gives it back. The device stays, and goes on measuring.",
  needs: "device.erase",
  on: { path: "device" },
  reply: erased,
  isConfirmed: true,
});

export const eraseUserReadings = route({
  method: "POST",
  path: "/v1/applications/{application}/users/{user}/erase",
  summary:
    "Erases, in the same way, what devices measured while they were this customer's, whose ever they are now. She stays, and keeps her devices.",
  needs: "applicationUser.erase",
  on: { path: "application" },
  reply: erased,
  isConfirmed: true,
});
