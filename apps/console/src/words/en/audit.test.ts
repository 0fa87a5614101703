import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { refusalCodes } from "@holdfast/kernel";
import { allActions, instanceActions } from "@holdfast/protocol";
import { audit } from "./audit.ts";

const server = path.join(import.meta.dirname, "../../../../server/src");
/** Named like entries, and none. */
const others = new Set<string>([...refusalCodes, ...allActions, ...instanceActions, "webhook.test"]);

test("each entry that the platform writes is said in words", () => {
  const known = new Set(Object.keys(audit.whats));
  const nouns = new Set(Array.from(known, (name) => name.split(".")[0]));
  const missing = new Set<string>();
  for (const file of globSync("**/*.ts", { cwd: server })) {
    if (/test|fixture/.test(file)) continue;
    const source = readFileSync(path.join(server, file), "utf8");
    for (const [, name = "", noun = ""] of source.matchAll(/"(([a-z][a-zA-Z]+)\.[a-z][a-zA-Z]+)"/g)) {
      if (nouns.has(noun) && !others.has(name) && !known.has(name)) missing.add(name);
    }
    for (const [, name = ""] of source.matchAll(/\bwhat: "(\w+\.\w+)"/g)) if (!known.has(name)) missing.add(name);
  }
  assert.deepEqual([...missing], []);
});
