import { z } from "zod";
import type { ServerEvent } from "./events.ts";
import { jsonOr, StrangeReply } from "./problem.ts";

const value = z.union([z.number(), z.boolean(), z.string()]);
const reading = z.object({ device: z.string(), time: z.iso.datetime(), values: z.record(z.string(), value) });
const end = z.object({ because: z.string() });

/** What a device measured, as it was kept. */
export type LiveReading = z.output<typeof reading>;
/** What the live stream says. After `end` nothing follows. */
export type LiveEvent =
  | { readonly type: "reading"; readonly data: LiveReading }
  | { readonly type: "end"; readonly data: { readonly because: string } };

/** `undefined` for a kind of event that this version does not know. @throws StrangeReply */
export function liveEventOf({ type, data }: ServerEvent): LiveEvent | undefined {
  const json = jsonOr(data, undefined);
  const parsed = type === "reading" ? reading.safeParse(json) : type === "end" ? end.safeParse(json) : undefined;
  if (parsed === undefined) return undefined;
  if (parsed.success) return { type, data: parsed.data } as LiveEvent; // each type was read by its own schema
  const sentence = `An event of the stream (${type}) has not the form that this version expects.`;
  throw new StrangeReply(200, "another version", sentence, { cause: parsed.error });
}
