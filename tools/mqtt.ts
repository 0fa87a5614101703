import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { proofsIn } from "./mqtt/names.ts";
import { complaintsAbout, render } from "./mqtt/page.ts";
import { testFiles } from "./testing/files.ts";

// Each statement of the MQTT standards on servers has a test with its id in its name; docs/mqtt.md, made from the names, says which.
const { values } = parseArgs({ options: { write: { type: "boolean", default: false } } });
const root = path.dirname(import.meta.dirname);
const page = path.join(root, "docs/mqtt.md");

const files = testFiles(root).map(({ file }) => file);
const proofs = files.sort().flatMap((file) => proofsIn(file, readFileSync(path.join(root, file), "utf8")));
if (values.write) writeFileSync(page, render(proofs));
const complaints = complaintsAbout(proofs, existsSync(page) ? readFileSync(page, "utf8") : "");
for (const complaint of complaints) process.stderr.write(`${complaint}\n`);
if (complaints.length > 0) process.exitCode = 1;
