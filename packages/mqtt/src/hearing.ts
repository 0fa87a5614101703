// Hot path: which topic a PUBLISH means, and what was found out about it, without looking it up again.
import { Buffer } from "node:buffer";
import { apart } from "./apart.ts";
import { reason } from "./codes.ts";
import { ProtocolError } from "./protocol-error.ts";
import type { Mounts } from "./mounts.ts";
import type { Session } from "./session.ts";
import type { Route } from "./space.ts";
import { isTopicName } from "./text.ts";
import { isTooLong } from "./topics.ts";

/** A topic as its publisher names it. */
export type Heard = {
  readonly bytes: Buffer;
  readonly written: string;
  /** By which names the rest was found out. */
  mounts: Mounts;
  route: Route;
  /** What the gate said, good as long as `stamp` is the session's; `never` for what no gate will change. */
  verdict: number;
  stamp: number;
};

const never = Infinity;

/** The topics of one connection: the last one, and those with an alias. */
export class Hearing {
  readonly #session: Session;
  #last: Heard | undefined;
  /** Sixteen places, each with the last topic that fell on it. */
  #recent: (Heard | undefined)[] | undefined;
  #aliases: Map<number, Heard> | undefined;

  constructor(session: Session) {
    this.#session = session;
  }

  /** A topic that was used lately needs a comparison only, above all that of the last message. */
  topic(bytes: Buffer, start: number, end: number): Heard {
    const last = this.#last;
    if (last !== undefined && isSame(last.bytes, bytes, start, end)) return last;
    // The last two bytes tell most topics of one client apart.
    if (end - start > this.#session.core.limits.topicBytes) return this.#meet(bytes, start, end);
    const place = end - start < 2 ? 0 : (bytes[end - 1]! + 7 * bytes[end - 2]!) & 15; // end <= bytes.length
    const recent = (this.#recent ??= []);
    const other = recent[place];
    if (other !== undefined && isSame(other.bytes, bytes, start, end)) return (this.#last = other);
    return (this.#last = recent[place] = this.#meet(bytes, start, end));
  }

  #meet(bytes: Buffer, start: number, end: number): Heard {
    if (!isTopicName(bytes, start, end))
      throw new ProtocolError(reason.topicNameInvalid, "This is not a topic name: it is empty, or has a wildcard.");
    const own = apart(bytes, start, end);
    const written = own.toString();
    return { bytes: own, written, ...this.#meaningOf(written) };
  }

  #meaningOf(written: string): Omit<Heard, "bytes" | "written"> {
    const { space, mounts, core } = this.#session;
    const mapped = mounts.inward(written);
    const topic = mapped?.topic ?? written;
    const isRefused = isTooLong(topic, core.limits) || Buffer.byteLength(written) > core.limits.topicBytes;
    const verdict = isRefused ? reason.topicNameInvalid : mapped === undefined ? reason.notAuthorized : 0;
    // A refused topic leads nowhere, and is not remembered in the space.
    const route = space.route(verdict === 0 ? topic : "");
    return { mounts, route, verdict, stamp: verdict === 0 ? 0 : never };
  }

  /** [MQTT-3.3.2-8] to [MQTT-3.3.2-10] */
  byAlias(alias: number, bytes: Buffer, start: number, end: number): Heard {
    if (alias === 0 || alias > this.#session.core.limits.topicAliases) {
      throw new ProtocolError(
        reason.topicAliasInvalid,
        "The topic alias is zero, or greater than the CONNACK said (Topic Alias Maximum).",
      );
    }
    this.#aliases ??= new Map();
    if (start !== end) {
      const heard = this.topic(bytes, start, end);
      this.#aliases.set(alias, heard.bytes.length > this.#session.core.limits.topicBytes ? this.#cut(heard) : heard);
      return heard;
    }
    const known = this.#aliases.get(alias);
    if (!known)
      throw new ProtocolError(
        reason.protocolError,
        "The topic alias is not known: its first message on this connection carries the topic.",
      );
    return known;
  }

  /** Of a topic that is too long no more than shows that it is. */
  #cut({ bytes }: Heard): Heard {
    const begin = Buffer.from(bytes.subarray(0, this.#session.core.limits.topicBytes + 1));
    const written = begin.toString();
    return { bytes: begin, written, ...this.#meaningOf(written) };
  }

  /** Where the topic's messages go now. */
  routeOf(heard: Heard): Route {
    const { space, mounts } = this.#session;
    const { route } = heard;
    if (route.generation === space.generation) return route;
    if (heard.mounts === mounts) heard.route = space.route(route.topic);
    else Object.assign(heard, this.#meaningOf(heard.written));
    return heard.route;
  }

  /** 0, or the code with which a message to this topic is refused. */
  verdictOf(heard: Heard): number {
    const { stamp, gate } = this.#session;
    if (heard.stamp !== stamp && heard.stamp !== never) {
      heard.verdict = gate.publish(heard.route.topic);
      heard.stamp = stamp;
    }
    return heard.verdict;
  }
}

function isSame(known: Buffer, bytes: Buffer, start: number, end: number): boolean {
  if (known.length !== end - start) return false;
  let i = end - start - 1;
  // From the end, where topics differ first.
  while (i >= 0 && known[i] === bytes[start + i]) i--;
  return i < 0;
}
