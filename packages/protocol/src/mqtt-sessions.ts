import { z } from "zod";
import { time } from "./shapes.ts";

const count = z.number().int();

/** One MQTT session of a device or a program, connected or kept for its client. */
const session = z.object({
  clientId: z.string(),
  state: z.enum(["online", "offline"]).describe("`offline` is kept for its client to come back to."),
  since: time.describe("When it came, or went."),
  protocol: z.enum(["3.1.1", "5"]).optional().describe("Of its connection, like `transport`."),
  transport: z.string().optional().describe("`mqtts`, or `wss` by WebSocket; open to new ones."),
  keptSeconds: count.describe("How long it is kept once its client is gone; 0 ends with the connection."),
  endsAt: time.optional().describe("When it is over, if its client does not come back."),
  subscriptions: z
    .array(z.object({ filter: z.string(), qos: count }))
    .describe("As the client wrote them, at most a hundred."),
  subscriptionCount: count,
  waiting: z.object({ messages: count, bytes: count }).describe("Of QoS 1 and 2, not sent yet."),
  underWay: count.describe("Sent, and not acknowledged."),
  dropped: z
    .object({ queueFull: count, orgFull: count, tooOld: count, expired: count, tooLarge: count, slow: count })
    .describe(
      "Messages that it did not get, since it began or the platform started: its queue was full; all sessions of the organisation held too much; they waited longer than they may; their own expiry was over; they are larger than it takes; it reads more slowly than they come.",
    ),
});

/** At most a hundred of `total`, those that are connected first. */
export const mqttSessions = z.object({ items: z.array(session), total: count });
