import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Page } from "./markdown.ts";

/** Type-checks every block marked `ts`, each as a module of its own; answers with what the compiler says, at the page's lines. */
export function uncompilable(root: string, pages: ReadonlyMap<string, Page>): string[] {
  const blocks = [...pages].flatMap(([file, { blocks: all }]) =>
    all.filter(({ language }) => language === "ts").map((block) => ({ file, ...block })),
  );
  if (blocks.length === 0) return [];
  // Below node_modules, so that `@holdfast/…` and our dependencies are found from there as from anywhere.
  const cache = path.join(root, "node_modules/.cache");
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(path.join(cache, "documents-"));
  try {
    const names = new Map<string, string>();
    for (const { file, line, text } of blocks) {
      const name = `${file.replaceAll("/", "__")}.${line}.ts`;
      names.set(name, file);
      // The blank lines in front make the compiler count as the page does.
      writeFileSync(path.join(folder, name), `${"\n".repeat(line - 1)}${text}export {};\n`);
    }
    const settings = { extends: path.join(root, "tsconfig.json"), files: [...names.keys()], include: [] };
    writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify(settings));
    return compile(root, folder).map((said) => {
      const [whole = "", name = "", line] = /^.*?([^/\s]+\.ts)\((\d+),\d+\)/.exec(said) ?? [];
      return whole === "" ? said : said.replace(whole, `${names.get(name) ?? name}:${line}`);
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function compile(root: string, folder: string): string[] {
  const program = path.join(root, "node_modules/typescript/bin/tsc");
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [program, "-p", folder, "--pretty", "false"], {
    encoding: "utf8",
  });
  if (error) throw error;
  const said = `${stdout}${stderr}`.split("\n").filter((line) => line.trim() !== "");
  return status === 0 ? [] : said;
}
