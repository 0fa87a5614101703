import { rfc3339, type Id } from "@holdfast/kernel";
import type { Space } from "../authority/index.ts";
import { presenceStateOf, sentenceOfCause, type Presence, type Trouble } from "../messages/index.ts";

/** Where devices come and go. */
export interface Presences {
  in(space: Space): Promise<(device: Id<"device">) => Presence>;
}

export const presenceReply = (presence: Presence) => ({
  state: presenceStateOf(presence),
  connected: presence.state === "online" && presence.through === undefined,
  ...sinceOf(presence),
  ...(presence.lastSeenAt !== undefined && { lastSeenAt: rfc3339(presence.lastSeenAt) }),
});

export const tlsReply = ({ version, group }: NonNullable<Presence["tls"]>) => ({
  version,
  ...(group !== undefined && { group }),
});

function sinceOf(presence: Presence): { since?: string; because?: string } {
  const { trouble } = presence;
  if (trouble) return { since: rfc3339(trouble.since), because: sentences[trouble.state] };
  if (presence.state === "never") return {};
  const since = rfc3339(presence.since);
  return presence.state === "offline" ? { since, because: sentenceOfCause(presence.because) } : { since };
}

const sentences: Readonly<Record<Trouble, string>> = {
  silent: "no reading for two of its reporting intervals",
  notReceiving: "it acknowledges nothing of what it is sent",
  flapping: "it came and went six times within five minutes, or has not been steady for two since",
};
