import { Visitor } from "oxc-parser";
import { parse } from "../architecture/imports.ts";
import type { Version } from "./statements.ts";

/** A test that proves statements of a standard, and its name without their ids. */
export type Proof = {
  readonly file: string;
  readonly sentence: string;
  readonly ids: Readonly<Record<Version, string[]>>;
};

/** The tests of a file whose names carry ids. What stands for a value in a name becomes "…". */
export function proofsIn(file: string, text: string): Proof[] {
  if (!text.includes("[MQTT-")) return [];
  const names: string[] = [];
  new Visitor({
    CallExpression({ callee, arguments: [first] }) {
      if (callee.type !== "Identifier" || callee.name !== "test" || !first) return;
      if (first.type === "Literal" && typeof first.value === "string") names.push(first.value);
      if (first.type === "TemplateLiteral") names.push(first.quasis.map(({ value }) => value.cooked).join("…"));
    },
  }).visit(parse(file, text).program);
  return names.filter((name) => name.includes("[MQTT-")).map((name) => ({ file, ...proofOf(name) }));
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
