/** Where a device speaks and listens. `me` is the device itself, whoever it is. */
export const telemetry = "me/telemetry";
export const reported = "me/twin/reported";
export const desired = "me/twin/desired";
/** Which roots it trusts. */
export const roots = "me/roots";
export const commands = "me/commands/";
export const replies = "me/replies/";

/** How the topics of one begin who is spoken for: the device itself, a child of it, a group that it is in. */
export type Speaker = string;
export const own: Speaker = "me/";
export const childTree = (child: string): Speaker => `children/${child}/`;
export const groupTree = (group: string): Speaker => `groups/${group}/`;
/** Where a child has what the device itself has at `topic`. */
export const at = (speaker: Speaker, topic: string): string => speaker + topic.slice(own.length);

/** What the board of a group is told, below the group's topics, and where it tells that something waits. */
export const board = "tasks/";
export const waits = `${board}waiting`;
/** Where it answers, of any group. */
export const answers = "me/tasks/+";

/** What waits for different things does not wait for each other: replies go first, measurements last. */
export const lanes = ["reply", "task", "twin", "telemetry"] as const;
export type Lane = (typeof lanes)[number];

/** Whose a message is, and what it waits for. */
export type Place = {
  readonly lane: Lane;
  readonly speaker: Speaker;
  readonly child: string | undefined;
  readonly group: string | undefined;
};

export function placeOf(topic: string): Place {
  const [tree, name = ""] = topic.split("/", 2);
  const child = tree === "children" ? name : undefined;
  const group = tree === "groups" ? name : undefined;
  const speaker = child !== undefined ? childTree(child) : group !== undefined ? groupTree(group) : own;
  return { lane: laneOf(topic.slice(speaker.length)), speaker, child, group };
}

function laneOf(rest: string): Lane {
  if (rest.startsWith("replies/") || rest === `${board}answer`) return "reply";
  if (rest === `${board}put`) return "task";
  return rest === "telemetry" ? "telemetry" : "twin";
}

/** An id, or an alias as the platform admits it: one level of a topic, and no wildcard. */
export const isChildName = (text: string): boolean => /^(?! )[A-Za-z0-9._ -]{1,64}(?<! )$/.test(text);
/** What a group, a command or a task may be called. */
export const isName = (text: string): boolean => /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(text);

/** Whether a filter of MQTT covers a topic (4.7). */
export function covers(filter: string, topic: string): boolean {
  const levels = topic.split("/");
  const wanted = filter.split("/");
  for (const [n, level] of wanted.entries()) {
    if (level === "#") return true;
    if (levels[n] === undefined || (level !== "+" && level !== levels[n])) return false;
  }
  return wanted.length === levels.length;
}
