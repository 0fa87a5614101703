import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { complaintsAbout } from "./architecture/complaints.ts";

// Who may import whom, and who may open a connection: the list is in architecture/layers.ts.
const root = path.dirname(import.meta.dirname);
// Wherever it is, a folder that nobody placed included; what is installed, built or a platform's data is not written by us.
const files = globSync("**/*.{ts,tsx,mts,cts,js,jsx,mjs,cjs}", {
  cwd: root,
  exclude: ["**/node_modules/**", "apps/*/dist/**", "coverage/**", ".data/**"],
});
const names = files.map((file) => file.split(path.sep).join("/")).sort();
const tree = new Map(names.map((file) => [file, readFileSync(path.join(root, file), "utf8")]));

const complaints = complaintsAbout(tree);
for (const complaint of complaints) process.stderr.write(`${complaint}\n`);
if (complaints.length > 0) process.exitCode = 1;
