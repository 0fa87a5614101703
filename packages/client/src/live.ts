import {
  liveEvents,
  type LiveEnd,
  type LivePresence,
  type LiveReading,
  type LiveRefused,
  type LiveStranger,
} from "@holdfast/protocol";
import type { ServerEvent } from "./events.ts";
import { jsonOr, StrangeReply } from "./problem.ts";

/** What the live stream says. After `end` nothing follows. */
export type LiveEvent =
  | { readonly type: "reading"; readonly data: LiveReading }
  | { readonly type: "refused"; readonly data: LiveRefused }
  | { readonly type: "presence"; readonly data: LivePresence }
  | { readonly type: "stranger"; readonly data: LiveStranger }
  | { readonly type: "end"; readonly data: LiveEnd };

const isKnown = (type: string): type is LiveEvent["type"] => Object.hasOwn(liveEvents, type);

/** `undefined` for a kind of event that this version does not know. @throws StrangeReply */
export function liveEventOf({ type, data }: ServerEvent): LiveEvent | undefined {
  if (!isKnown(type)) return undefined;
  const parsed = liveEvents[type].safeParse(jsonOr(data, undefined));
  if (parsed.success) return { type, data: parsed.data } as LiveEvent; // each type was read by its own schema
  const sentence = `An event of the stream (${type}) has not the form that this version expects.`;
  throw new StrangeReply(200, "another version", sentence, { cause: parsed.error });
}
