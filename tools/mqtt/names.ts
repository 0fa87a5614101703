import { namesIn } from "../testing/names.ts";
import type { Version } from "./statements.ts";

/** A test that proves statements of a standard, and its name without their ids. */
export type Proof = {
  readonly file: string;
  readonly sentence: string;
  readonly ids: Readonly<Record<Version, string[]>>;
};

/** The tests of a file whose names carry ids. */
export function proofsIn(file: string, text: string): Proof[] {
  if (!text.includes("[MQTT-")) return [];
  return namesIn(file, text)
    .filter((name) => name.includes("[MQTT-"))
    .map((name) => ({ file, ...proofOf(name) }));
}

/** Ids are MQTT 5's; behind the word 3.1.1 they are that version's. */
export function proofOf(name: string): Omit<Proof, "file"> {
  const at = /\b3\.1\.1\b/.exec(name)?.index ?? name.length;
  const ids = (part: string) => [...part.matchAll(/\[MQTT-([^\]]+)\]/g)].flatMap(([, id]) => id ?? []);
  const sentence = name
    .replaceAll(/(?:\b3\.1\.1:? )?(?:\[MQTT-[^\]]+\] ?)+/g, "")
    .replace(/, version …$/, ", in both versions")
    .trim();
  return { sentence, ids: { "5.0": ids(name.slice(0, at)), "3.1.1": ids(name.slice(at)) } };
}
