import type { Id } from "@holdfast/kernel";
import { commandTopic, desiredTopic, replyTopic, reportedTopic, telemetryTopic, type Action } from "@holdfast/protocol";

/** Kinds of a device's topics, as lists tell them apart: a command is one of them, whatever its name. */
export type Listable = "telemetry" | "reported" | "desired" | "command" | "reply";

const measured: readonly Listable[] = ["telemetry"];
const ofActions: Partial<Record<Action, readonly Listable[]>> = {
  "twin.read": ["reported", "desired"],
  "twin.update": ["desired"],
  "command.read": ["command", "reply"],
  "command.send": ["command"],
};

/** What is heard, or said, by whoever does this: all of it. What a device says and hears itself is asked at the topic of its readings. */
export const topicsOfAction = (action: Action): readonly Listable[] => ofActions[action] ?? measured;

/** One of a kind, where names are many: entries name none (`readValue`). */
export function topicOf(device: Id<"device">, kind: Listable): string {
  switch (kind) {
    case "telemetry":
      return telemetryTopic(device);
    case "reported":
      return reportedTopic(device);
    case "desired":
      return desiredTopic(device);
    case "command":
      return commandTopic(device, "any");
    case "reply":
      return replyTopic(device, "any" as Id<"command">); // a level that is looked at by nobody
  }
}

/** Why an entry of lists cannot be of this filter; `undefined` where it can. */
export function tooFine(filter: string): string | undefined {
  const [, , kind, name] = filter.split("/");
  if (name === undefined || name === "+" || name === "#") return undefined;
  if (kind === "twin" && (name === "reported" || name === "desired")) return undefined;
  return "lists tell telemetry, twin/reported, twin/desired, commands/+ and replies/+ apart, and nothing below: a door says which commands are dangerous";
}
