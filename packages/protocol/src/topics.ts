import { isId, type Id } from "@holdfast/kernel";
import { parseForeign, type Foreign } from "./foreign.ts";

/** A topic of an organisation's space, parsed once at the edge. `me/…` has become `devices/<own id>/…` by then. */
export type Topic =
  | { readonly device: Id<"device">; readonly kind: "telemetry" | "reported" | "desired" | "roots" }
  | { readonly device: Id<"device">; readonly kind: "command"; readonly name: string }
  | { readonly device: Id<"device">; readonly kind: "reply"; readonly command: Id<"command"> }
  | { readonly device: Id<"device">; readonly kind: "task"; readonly group: Id<"group"> }
  | Foreign;

/** A topic of a group. `groups/{name}/…` of a device has become `groups/{id}/…` by then. */
export type GroupTopic = { readonly group: Id<"group">; readonly rest: string };

export const telemetryTopic = (device: Id<"device">): string => `devices/${device}/telemetry`;
export const reportedTopic = (device: Id<"device">): string => `devices/${device}/twin/reported`;
/** Where a device says which roots it trusts. */
export const rootsTopic = (device: Id<"device">): string => `devices/${device}/roots`;
export const desiredTopic = (device: Id<"device">): string => `devices/${device}/twin/desired`;
export const commandTopic = (device: Id<"device">, name: string): string => `devices/${device}/commands/${name}`;
export const replyTopic = (device: Id<"device">, command: Id<"command">): string =>
  `devices/${device}/replies/${command}`;

/** What the board of a group tells one of its members. */
export const taskTopic = (device: Id<"device">, group: Id<"group">): string => `devices/${device}/tasks/${group}`;
/** Members are told that something waits. */
export const tasksWaitTopic = (group: Id<"group">): string => `groups/${group}/tasks/waiting`;

/** Whether a device itself speaks on a topic: tells what it measures or how it is, or answers. */
export function devicesOwnTopics(device: Id<"device">): (topic: string) => boolean {
  const replies = `devices/${device}/replies/`;
  const told = new Set([telemetryTopic(device), reportedTopic(device), rootsTopic(device)]);
  return (topic) => told.has(topic) || topic.startsWith(replies);
}

const ending = "/telemetry";
const start = "devices/";
const treeLength = start.length + 36;
const length = treeLength + ending.length;

/** What a command may be called: it is a level of a topic. */
export const isCommandName = (text: string): boolean => /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(text);

/** `undefined` for a topic that means nothing here. */
export function parseTopic(topic: string): Topic | undefined {
  if (!topic.startsWith(start)) return parseForeign(topic);
  if (topic.length === length && topic.endsWith(ending)) {
    const device = topic.slice(start.length, treeLength);
    return isId("device", device) ? { device, kind: "telemetry" } : undefined;
  }
  return topic[treeLength] === "/" ? parseOther(topic) : undefined;
}

const groups = "groups/";

/** `undefined` for a topic of no group. */
export function parseGroupTopic(topic: string): GroupTopic | undefined {
  const end = groups.length + 36;
  const group = topic.slice(groups.length, end);
  if (!topic.startsWith(groups) || topic[end] !== "/" || topic.length === end + 1 || !isId("group", group))
    return undefined;
  return { group, rest: topic.slice(end + 1) };
}

function parseOther(topic: string): Topic | undefined {
  const device = topic.slice(start.length, treeLength);
  if (!isId("device", device)) return undefined;
  const [, first, second, ...more] = topic.slice(treeLength).split("/");
  if (first === "roots" && second === undefined) return { device, kind: "roots" };
  if (second === undefined || more.length > 0) return undefined;
  if (first === "twin") return second === "reported" || second === "desired" ? { device, kind: second } : undefined;
  if (first === "commands") return isCommandName(second) ? { device, kind: "command", name: second } : undefined;
  if (first === "tasks") return isId("group", second) ? { device, kind: "task", group: second } : undefined;
  if (first === "replies") return isId("command", second) ? { device, kind: "reply", command: second } : undefined;
  return undefined;
}
