import { existsSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { beginningOf, endOf } from "./files.ts";

// Several test files in one process, one behind the other: what they import is loaded once.
const [root = "", ...files] = process.argv.slice(2);
const database = path.join(root, "apps/server/src/testing/database.ts");

/** What the tests of a file share is closed before the next one begins. */
async function closeShared(): Promise<void> {
  if (!existsSync(database)) return;
  // By a computed name, as in `run-all.ts`; loaded already where a file has anything of it.
  const module = (await import(pathToFileURL(database).href)) as { closeShared(): Promise<void> };
  await module.closeShared();
}

// A test may wait for what does not hold a process by itself, such as a database that is to come back.
const staying = setInterval(() => undefined, 2 ** 30);
for (const file of files) {
  // Once the first test has run, one that is added runs at once: before what stands below it in its file is there.
  const loading = Promise.withResolvers<void>();
  const beginning = test(beginningOf(file), () => loading.promise);
  loading.resolve(import(pathToFileURL(path.join(root, file)).href));
  await beginning;
  await test(endOf(file), closeShared);
}
clearInterval(staying);
