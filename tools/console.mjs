// Plain JavaScript, like install.mjs, because it runs before everything else: builds the web console when what it is
// made of has changed, and is silent otherwise.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, globSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";
import { withLock } from "./lock.mjs";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const source = path.join(root, "apps/console");
const built = path.join(source, "dist");
const stamp = path.join(built, ".stamp");

/** Whatever ends up in the console, or decides how it is built. */
const inputs = [
  "package-lock.json",
  "tsconfig.json",
  "apps/console/{index.html,package.json,tsconfig.json,vite.config.ts}",
  "apps/console/public/**",
  "apps/console/src/**",
  // What the wizard hands out.
  "examples/socket.c",
  "packages/{client,kernel,protocol}/{package.json,src/**}",
];

/** Makes `apps/console/dist` agree with its sources. Throws an Error whose message says what failed. */
export async function buildConsole() {
  const wanted = fingerprint();
  if (isBuilt(wanted)) return;
  await withLock(
    path.join(root, ".console.lock"),
    () => {
      if (!isBuilt(wanted)) build(wanted);
    },
    (pid) => process.stderr.write(`Another build of the console is under way (process ${pid}): waiting for it …\n`),
  );
}

const isBuilt = (wanted) => existsSync(stamp) && readFileSync(stamp, "utf8") === wanted;

function fingerprint() {
  const hash = createHash("sha256");
  const files = globSync(inputs, { cwd: root }).filter(
    (file) => statSync(path.join(root, file)).isFile() && !/\.test\.tsx?$/.test(file),
  );
  for (const file of files.sort())
    hash.update(`${file.split(path.sep).join("/")}\n`).update(readFileSync(path.join(root, file)));
  return hash.digest("hex");
}

function build(wanted) {
  const began = performance.now();
  process.stderr.write("Building the console (when it changed) …\n");
  const next = path.join(source, ".dist-next");
  rmSync(next, { recursive: true, force: true });
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [path.join(root, "node_modules/vite/bin/vite.js"), "build", "--logLevel", "warn", "--outDir", next],
    { cwd: source, encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`The console could not be built:\n${stdout}${stderr}`);
  for (const name of readdirSync(next, { recursive: true, encoding: "utf8" })) {
    if (!/\.(?:css|js|svg)$/.test(name)) continue;
    const bytes = readFileSync(path.join(next, name));
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
    writeFileSync(path.join(next, `${name}.br`), brotliCompressSync(bytes, { params }));
  }
  writeFileSync(path.join(next, ".stamp"), wanted);
  // A platform that starts meanwhile finds the one or the other whole, but for the moment between two renames.
  const before = path.join(source, ".dist-before");
  rmSync(before, { recursive: true, force: true });
  if (existsSync(built)) renameSync(built, before);
  renameSync(next, built);
  rmSync(before, { recursive: true, force: true });
  process.stderr.write(`Built in ${((performance.now() - began) / 1000).toFixed(1)} s.\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  buildConsole().catch((error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  });
}
