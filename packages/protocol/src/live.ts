import { z } from "zod";
import { id, measured, time } from "./shapes.ts";

/** How something came, as far as that way has it. Open sets are texts, so that a client understands what a later platform says. */
const way = {
  transport: z.string().describe("`mqtt`, `http` or `socket`; others may come."),
  size: z.number().int().optional().describe("Bytes of the body or payload that it came in, with all its readings."),
  topic: z
    .string()
    .optional()
    .describe("MQTT: as the client wrote it. Credentials in it are struck out, and a long one is cut."),
  session: z.string().optional().describe("MQTT: the client id of the session."),
};

const marks = z
  .record(z.string(), z.string())
  .optional()
  .describe(
    "By attribute: the code of what is wrong with a value that the product has kept and marked, `telemetry.outOfRange`, `telemetry.notListed` or `telemetry.undeclared`.",
  );

export const liveReading = z
  .object({ device: id("device"), time, values: z.record(z.string(), measured), marks, ...way })
  .describe("What a device measured, once it is durable: one event for each reading of a message.");

export const liveRefused = z
  .object({
    device: id("device"),
    at: time.describe("By the platform's clock."),
    action: z
      .string()
      .describe(
        "What was refused: an action of a grant (`telemetry.write` for a message), `connect` (also a credential over HTTP), " +
          "`subscribe`, `will`, or `session`, which the refusal ended.",
      ),
    ...way,
    code: z.string().describe("The stable code of the refusal, as in a problem of RFC 9457."),
    title: z.string().describe("The sentence of the code, for people."),
    detail: z
      .string()
      .optional()
      .describe("One more sentence for this one case; of a wrong secret one that the refused are not told."),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .describe("The attributes or fields to mend, by name. Never a value."),
    omitted: z
      .number()
      .int()
      .optional()
      .describe("So many refusals of this device before this one were left out, because there were too many to show."),
    because: z
      .string()
      .optional()
      .describe(
        "The clause that decided, for whoever holds `authority.explain` or `audit.read`. The refused are not told it.",
      ),
    credential: z.string().optional().describe("Which credential it came with, for the same readers."),
  })
  .describe(
    "Something was refused to a device, or to a program in its name: a message, a topic or filter, a credential. " +
      "In a flood each device shows ten in a second and then the last of it; `omitted` counts the rest.",
  );

export const livePresence = z
  .object({
    device: id("device"),
    at: time.describe("By the platform's clock."),
    state: z
      .string()
      .describe("`online` or `offline`; `silent`, `notReceiving` or `flapping` when that begins. Others may come."),
    because: z.string().optional().describe("Why it went, in words."),
  })
  .describe(
    "A device came (its first MQTT session connected, or its gateway's) or went (its last is over), or something is wrong with it, or no more. For whoever holds `device.read` of it too.",
  );

export const liveStranger = z
  .object({
    at: time.describe("By the platform's clock."),
    address: z.string().describe("Where it came from."),
    transport: z.string().describe("`mqtt`, `http` or `socket`: the port that it came to."),
    code: z.string().describe("The stable code of a refusal, or `tls.…` of a handshake that came to nothing."),
    title: z.string().describe("The sentence of the code, for people."),
  })
  .describe(
    "Somebody came with no credential that anybody has, or got no further than the TLS handshake. Only with `strangers=true`, and only " +
      "for whoever watches from the same address, or is an administrator of the instance. Ten in a second of one address.",
  );

export const liveEnd = z
  .object({ because: z.string() })
  .describe("The platform ends the stream. Nothing follows; connect again.");

/** What the live stream says, by the name of the event. */
export const liveEvents = {
  reading: liveReading,
  refused: liveRefused,
  presence: livePresence,
  stranger: liveStranger,
  end: liveEnd,
} as const;

export type LiveReading = z.output<typeof liveReading>;
export type LiveRefused = z.output<typeof liveRefused>;
export type LivePresence = z.output<typeof livePresence>;
export type LiveStranger = z.output<typeof liveStranger>;
export type LiveEnd = z.output<typeof liveEnd>;
