import { rfc3339, type Id } from "@holdfast/kernel";
import type { Space } from "../authority/index.ts";
import { sentenceOfCause, type Presence } from "../messages/index.ts";

/** Where devices come and go. */
export interface Presences {
  in(space: Space): Promise<(device: Id<"device">) => Presence>;
}

export const presenceReply = (presence: Presence) => ({
  state: presence.state,
  ...(presence.state !== "never" && { since: rfc3339(presence.since) }),
  ...(presence.state === "offline" && { because: sentenceOfCause(presence.because) }),
  ...(presence.lastSeenAt !== undefined && { lastSeenAt: rfc3339(presence.lastSeenAt) }),
});
