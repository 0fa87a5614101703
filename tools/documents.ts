import { existsSync, globSync, readFileSync } from "node:fs";
import path from "node:path";
import { uncompilable } from "./documents/blocks.ts";
import { brokenLinks } from "./documents/links.ts";
import { read } from "./documents/markdown.ts";

// Every link inside the repository leads somewhere, and every block marked `ts` in docs/ compiles.
const root = path.dirname(import.meta.dirname);
const files = globSync("**/*.md", { cwd: root, exclude: ["**/node_modules/**", ".data/**"] });
const pages = new Map(
  files.sort().map((file) => [file.split(path.sep).join("/"), read(readFileSync(path.join(root, file), "utf8"))]),
);
const docs = new Map([...pages].filter(([file]) => file.startsWith("docs/")));

const complaints = [...brokenLinks(pages, (file) => existsSync(path.join(root, file))), ...uncompilable(root, docs)];
for (const complaint of complaints) process.stderr.write(`${complaint}\n`);
if (complaints.length > 0) process.exitCode = 1;
