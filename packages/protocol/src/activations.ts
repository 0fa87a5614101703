import { z } from "zod";
import { lentFor } from "./oauth.ts";
import { noReply, time } from "./shapes.ts";
import { route } from "./route.ts";

/** The person's side of a program that asks to be let in (`oauth.ts`): she looks at it, and lets it in or not. */
const activation = z.object({
  /** As it calls itself. */
  program: z.string(),
  machine: z.string().optional(),
  /** Where it asked from. */
  address: z.string(),
  askedAt: time,
  expiresAt: time,
  /** What it asks for, as grants are written; all that she may, where it does not say. */
  grants: z.array(z.string()).optional(),
  /** How long it asks for, in seconds. */
  lifetime: z.number().int(),
});

export const readActivation = route({
  method: "GET",
  path: "/v1/activations/{code}",
  summary: "Which program shows this code, from where, and what it asks for.",
  needs: "public",
  session: "asks",
  alsoByProvider: true,
  reply: activation,
});

export const approveActivation = route({
  method: "POST",
  path: "/v1/activations/{code}/approval",
  summary:
    "Lets the program in that shows this code, by a person in her browser: it gets an API token that can do no more than she may now in this organisation.",
  needs: "signedIn",
  isConfirmed: true,
  body: z.strictObject({ lifetime: lentFor.optional() }),
  reply: noReply,
});

export const refuseActivation = route({
  method: "DELETE",
  path: "/v1/activations/{code}",
  summary: "Refuses the program that shows this code: it is told so.",
  needs: "public",
  session: "asks",
  alsoByProvider: true,
  reply: noReply,
});
