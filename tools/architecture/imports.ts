import { parseSync, Visitor, type Expression, type Program } from "oxc-parser";

/** One module that a file names. `specifier` is undefined when it is computed. */
export type Import = { specifier: string | undefined; line: number; typeOnly: boolean };

/** A file that was read: what it is made of, and where an offset stands. */
export type Source = { file: string; program: Program; lineOf: (offset: number) => number };

/** Throws for a file that does not parse. */
export function parse(file: string, text: string): Source {
  const { program, errors } = parseSync(file, text);
  const [error] = errors;
  if (error) throw new Error(`${file} does not parse: ${error.message}`);
  return { file, program, lineOf: (offset) => text.slice(0, offset).split("\n").length };
}

/** Everything a file imports: values, types, re-exports, `import()` of values and of types, `require`. */
export function importsOf({ program, lineOf }: Source): Import[] {
  const found: Import[] = [];
  const add = (node: { start: number }, specifier: string | undefined, typeOnly: boolean) =>
    found.push({ specifier, line: lineOf(node.start), typeOnly });

  new Visitor({
    ImportDeclaration: (node) => add(node, node.source.value, node.importKind === "type"),
    ExportAllDeclaration: (node) => add(node, node.source.value, node.exportKind === "type"),
    ExportNamedDeclaration: (node) => node.source && add(node, node.source.value, node.exportKind === "type"),
    TSImportType: (node) => add(node, node.source.value, true),
    TSExternalModuleReference: (node) => add(node, literal(node.expression), false),
    ImportExpression: (node) => add(node, literal(node.source), false),
    CallExpression(node) {
      const [first] = node.arguments;
      if (node.callee.type !== "Identifier" || node.callee.name !== "require" || !first) return;
      add(node, first.type === "SpreadElement" ? undefined : literal(first), false);
    },
  }).visit(program);
  return found;
}

/** The text of a string that is written out. */
function literal(node: Expression): string | undefined {
  if (node.type === "Literal" && typeof node.value === "string") return node.value;
  if (node.type === "TemplateLiteral" && node.expressions.length === 0)
    return node.quasis[0]?.value.cooked ?? undefined;
  return undefined;
}
