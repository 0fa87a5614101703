import { Buffer } from "node:buffer";
import type { Limits } from "./limits.ts";

/** A filter as a client wrote it, taken apart. */
export type Filter = {
  /** As written, `$share/…` included: by this name the client takes it back. */
  readonly written: string;
  /** What it matches, without `$share/{name}/`. */
  readonly filter: string;
  /** The name of the shared group (MQTT 5, section 4.8.2). */
  readonly share: string | undefined;
};

/** `undefined` for what is not a topic filter (sections 4.7 and 4.8.2). */
export function parseFilter(written: string): Filter | undefined {
  if (!written.startsWith("$share/"))
    return isFilter(written) ? { written, filter: written, share: undefined } : undefined;
  const slash = written.indexOf("/", 7);
  if (slash === -1) return undefined;
  const share = written.slice(7, slash);
  const filter = written.slice(slash + 1);
  // [MQTT-4.8.2-1], [MQTT-4.8.2-2]
  if (share === "" || share.includes("+") || share.includes("#") || !isFilter(filter)) return undefined;
  return { written, filter, share };
}

function isFilter(filter: string): boolean {
  if (filter === "" || filter.includes("\0")) return false;
  if (!hasWildcard(filter)) return true;
  const levels = filter.split("/");
  return levels.every((level, i) => {
    if (level === "#") return i === levels.length - 1; // [MQTT-4.7.1-1]
    return level === "+" || !hasWildcard(level); // [MQTT-4.7.1-2]
  });
}

export const hasWildcard = (text: string): boolean => text.includes("+") || text.includes("#");

/** Whether a text may be a topic name ([MQTT-3.3.2-2], [MQTT-4.7.3-1], [MQTT-4.7.3-2]). Its length in bytes is the reader's business. */
export const isTopic = (topic: string): boolean => topic !== "" && !topic.includes("\0") && !hasWildcard(topic);

export function levelsOf(topic: string): number {
  let levels = 1;
  for (let i = topic.indexOf("/"); i !== -1; i = topic.indexOf("/", i + 1)) levels++;
  return levels;
}

/** Whether a topic or filter, as the space knows it, has more bytes or levels than it may. */
export const isTooLong = (topic: string, { topicBytes, topicLevels }: Limits): boolean =>
  Buffer.byteLength(topic) > topicBytes || levelsOf(topic) > topicLevels;

/** Whether the filter matches the topic: the plain form of what the tree does, for tests and for single questions. */
export function matches(filter: string, topic: string): boolean {
  const wanted = filter.split("/");
  const levels = topic.split("/");
  // [MQTT-4.7.2-1]
  if (topic.startsWith("$") && (wanted[0] === "+" || wanted[0] === "#")) return false;
  for (const [i, level] of wanted.entries()) {
    if (level === "#") return true;
    if (i >= levels.length) return false;
    if (level !== "+" && level !== levels[i]) return false;
  }
  return wanted.length === levels.length;
}
