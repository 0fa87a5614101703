import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { complaintsAbout, proofsFrom, render } from "./asvs/page.ts";
import { testFiles } from "./testing/files.ts";
import { namesIn } from "./testing/names.ts";

// Each requirement of OWASP ASVS on signing in has a test with its id in its name, or a reason; docs/asvs.md says which.
const { values } = parseArgs({ options: { write: { type: "boolean", default: false } } });
const root = path.dirname(import.meta.dirname);
const page = path.join(root, "docs/asvs.md");

const files = testFiles(root).map(({ file }) => file);
const proofs = files.sort().flatMap((file) => {
  const text = readFileSync(path.join(root, file), "utf8");
  return /\[V[67]\./.test(text) ? proofsFrom(file, namesIn(file, text)) : [];
});
if (values.write) writeFileSync(page, render(proofs));
const complaints = complaintsAbout(proofs, existsSync(page) ? readFileSync(page, "utf8") : "");
for (const complaint of complaints) process.stderr.write(`${complaint}\n`);
if (complaints.length > 0) process.exitCode = 1;
