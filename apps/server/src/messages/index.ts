export { brokerFor, Hub } from "./hub.ts";
export { neverSeen, sentenceOfCause, type Presence } from "./presence.ts";
export { Presences, type PresenceChange } from "./presences.ts";
