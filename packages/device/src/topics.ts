/** Where a device speaks and listens. `me` is the device itself, whoever it is. */
export const telemetry = "me/telemetry";
export const reported = "me/twin/reported";
export const desired = "me/twin/desired";
/** Which roots it trusts. */
export const roots = "me/roots";
export const commands = "me/commands/";
export const replies = "me/replies/";

/** What waits for different things does not wait for each other: replies go first, measurements last. */
export const lanes = ["reply", "twin", "telemetry"] as const;
export type Lane = (typeof lanes)[number];

export const laneOf = (topic: string): Lane =>
  topic.startsWith(replies) ? "reply" : topic === telemetry ? "telemetry" : "twin";
