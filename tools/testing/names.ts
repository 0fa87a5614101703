import { Visitor } from "oxc-parser";
import { parse } from "../architecture/imports.ts";

/** What the tests of a file are called, read from its calls of `test`. What stands for a value in a name becomes "…". */
export function namesIn(file: string, text: string): string[] {
  const names: string[] = [];
  new Visitor({
    CallExpression({ callee, arguments: [first] }) {
      if (callee.type !== "Identifier" || callee.name !== "test" || !first) return;
      if (first.type === "Literal" && typeof first.value === "string") names.push(first.value);
      if (first.type === "TemplateLiteral") names.push(first.quasis.map(({ value }) => value.cooked).join("…"));
    },
  }).visit(parse(file, text).program);
  return names;
}
