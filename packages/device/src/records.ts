import { own, type Speaker } from "./topics.ts";

/** What is written down in a spool's journal. */
export type Record =
  /** This is to be sent. */
  | readonly ["entry", number: number, topic: string, payload: string]
  /** An entry was acknowledged, refused or dropped. */
  | readonly ["gone", number: number]
  /** A command of the device or of a child is about to run; it is given again for so many milliseconds at most. */
  | readonly ["begun", command: string, expiresIn: number, speaker: Speaker]
  /** It ran; the reply is to be sent as the entry of this number. */
  | readonly ["done", command: string, number: number, reply: string]
  /** The platform does not give the command any more. */
  | readonly ["over", command: string];

export const encode = (record: Record): string => JSON.stringify(record);

/** The journal vouches that it is what we wrote; `undefined` is what a newer version wrote. One that knew no children wrote no speaker. */
export function decode(text: string): Record | undefined {
  const record = JSON.parse(text) as Record; // see above
  if (record[0] === "begun") return ["begun", record[1], record[2], record[3] ?? own];
  return ["entry", "gone", "done", "over"].includes(record[0]) ? record : undefined;
}
