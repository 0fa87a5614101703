import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { render } from "./roles/page.ts";

// docs/roles.md says what each role holds that every organisation has; it is made from the code that decides.
const { values } = parseArgs({ options: { write: { type: "boolean", default: false } } });
const page = path.join(path.dirname(import.meta.dirname), "docs/roles.md");
const now = render();
if (values.write) writeFileSync(page, now);
if (!existsSync(page) || readFileSync(page, "utf8") !== now) {
  process.stderr.write("docs/roles.md is not what the code says: run node tools/roles.ts --write\n");
  process.exitCode = 1;
}
