// Hot path of those who ask for it: a short number for a topic that a client has heard before (MQTT 5, section 3.3.2.3.4).
import type { Buffer } from "node:buffer";
import type { Output } from "./output.ts";
import { variableSize, writeVariable } from "./publication.ts";

/** `isTold` once the client knows what the number stands for; `isUsed` since somebody last wanted the number for another topic. */
type Entry = { readonly alias: number; isTold: boolean; isUsed: boolean };

/** The property in bytes: its id and a number of 16 bits. */
const cost = 3;

/** The topic aliases of one connection, from us to the client. */
export class Aliases {
  readonly #most: number;
  /** The longest there first. */
  readonly #entries = new Map<string, Entry>();

  /** `most` is the client's Topic Alias Maximum, or less. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Appends the PUBLISH of MQTT 5 `bytes[start, end)`, shorter where the client knows its topic; answers where in the block it begins. */
  append(output: Output, bytes: Buffer, start: number, end: number, topic: string, most: number): number {
    const entry = this.#entryOf(topic);
    if (entry === undefined) return output.append(bytes, start, end);
    const { alias } = entry;
    if (entry.isTold) return append(output, bytes, start, end, alias, false);
    // Once more in full. The two lengths may grow by a byte each.
    if (end - start + cost + 2 > most) return output.append(bytes, start, end);
    entry.isTold = true;
    return append(output, bytes, start, end, alias, true);
  }

  /** Only what comes a second time gets a number, and only what is longer than a number. */
  #entryOf(topic: string): Entry | undefined {
    if (topic.length <= cost) return undefined;
    const entries = this.#entries;
    const known = entries.get(topic);
    if (known !== undefined) {
      known.isUsed = true;
      return known;
    }
    if (entries.size < this.#most) {
      entries.set(topic, { alias: entries.size + 1, isTold: false, isUsed: false });
      return undefined;
    }
    for (const [oldest, entry] of entries) {
      entries.delete(oldest);
      if (entry.isUsed) {
        // A second chance, at the end of the line. One look for each new topic: it costs the same however many there are.
        entry.isUsed = false;
        entries.set(oldest, entry);
      } else entries.set(topic, { alias: entry.alias, isTold: false, isUsed: false });
      break;
    }
    return undefined;
  }
}

function append(output: Output, bytes: Buffer, start: number, end: number, alias: number, withTopic: boolean): number {
  const hasId = (bytes[start]! & 0x06) !== 0; // a whole frame: start < end
  let at = start + 1;
  while (bytes[at]! >= 0x80) at++; // a frame's length was checked when it was read, or written by us
  at++;
  const topicStart = at + 2;
  const topicEnd = topicStart + bytes.readUInt16BE(at);
  let listStart = topicEnd + (hasId ? 2 : 0);
  let length = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[listStart++]!; // so was the length of its properties
    length |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  const topicFrom = withTopic ? topicStart : topicEnd;
  const rest = 2 + topicEnd - topicFrom + (hasId ? 2 : 0) + variableSize(length + cost) + cost + (end - listStart);
  const begin = output.reserve(1 + variableSize(rest) + rest);
  const block = output.block!; // reserve made it
  block[begin] = bytes[start]!; // start < end
  let to = writeVariable(block, begin + 1, rest);
  to = block.writeUInt16BE(topicEnd - topicFrom, to);
  to += bytes.copy(block, to, topicFrom, topicEnd + (hasId ? 2 : 0));
  to = writeVariable(block, to, length + cost);
  block[to] = 0x23;
  to = block.writeUInt16BE(alias, to + 1);
  bytes.copy(block, to, listStart, end);
  return begin;
}
