import { z } from "zod";
import { own } from "./application-users.ts";
import { route } from "./route.ts";

// A phone brings what a device nearby has sealed.

export const relayFrame = route({
  method: "POST",
  path: "/v1/application-users/me/relay",
  summary:
    "Brings a sealed frame of a device that is the user's who is signed in, as the device handed it over, and gives back what the platform answers the device. Whoever brings it can read neither, and make neither.",
  ...own,
  body: z.strictObject({ frame: z.base64().max(1_644).describe("A sealed frame that wants an answer.") }),
  reply: z.object({ answer: z.base64() }),
});
