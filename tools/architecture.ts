import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { complaintsAbout } from "./architecture/complaints.ts";

// Who may import whom, and who may open a connection: the list is in architecture/layers.ts.
const root = path.dirname(import.meta.dirname);
const files = globSync("{packages,apps,tools,bench,tests,examples}/**/*.{ts,tsx,mts,js,mjs}", {
  cwd: root,
  exclude: ["**/node_modules/**"],
});
const names = files.map((file) => file.split(path.sep).join("/")).sort();
const tree = new Map(names.map((file) => [file, readFileSync(path.join(root, file), "utf8")]));

const complaints = complaintsAbout(tree);
for (const complaint of complaints) process.stderr.write(`${complaint}\n`);
if (complaints.length > 0) process.exitCode = 1;
