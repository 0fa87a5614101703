// Plain JavaScript on purpose: this runs on whatever Node (20 or newer) a fresh clone is started with, before anything
// is installed. It installs what package-lock.json says when that is not what is there, and is silent otherwise.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { withLock } from "./lock.mjs";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const wantedNode = 26;
const modules = path.join(root, "node_modules");
const stamp = path.join(modules, ".holdfast-installed");
/** The Node that everything here runs on once it is installed. */
export const pinnedNode = path.join(modules, ".bin", "node");

/** Makes `node_modules` agree with the lockfile. Throws an Error whose message tells a person what to do. */
export async function install() {
  const [major] = process.versions.node.split(".");
  if (Number(major) < 20) throw new Error(`Node ${process.versions.node} is too old: use Node 20 or newer.`);
  const wanted = fingerprint();
  if (isInstalled(wanted)) return;
  await withLock(
    path.join(root, ".install.lock"),
    async () => {
      if (isInstalled(wanted)) return;
      if (!agreesWithLockfile()) await runNpm();
      ensureNode();
      writeFileSync(stamp, wanted);
    },
    (pid) => say(`Another installation is running here (process ${pid}): waiting for it …`),
  );
}

function isInstalled(wanted) {
  return existsSync(pinnedNode) && existsSync(stamp) && readFileSync(stamp, "utf8") === wanted;
}

/** Changes when another `npm ci` would install something else; editing a script in a package.json does not. */
function fingerprint() {
  const hash = createHash("sha256").update(`${process.platform} ${process.arch}\n`);
  hash.update(readFileSync(path.join(root, "package-lock.json")));
  for (const file of manifests()) {
    const manifest = JSON.parse(readFileSync(path.join(root, file), "utf8"));
    const { name, version, bin, workspaces, overrides } = manifest;
    const { dependencies, devDependencies, optionalDependencies, peerDependencies } = manifest;
    hash.update(`${file} ${JSON.stringify({ name, version, bin, workspaces, overrides })}\n`);
    hash.update(JSON.stringify({ dependencies, devDependencies, optionalDependencies, peerDependencies }));
  }
  return hash.digest("hex");
}

function manifests() {
  const folders = ["packages", "apps"]
    .filter((parent) => existsSync(path.join(root, parent)))
    .flatMap((parent) => readdirSync(path.join(root, parent)).map((name) => `${parent}/${name}`));
  const files = ["package.json", ...folders.map((folder) => `${folder}/package.json`)];
  return files.filter((file) => existsSync(path.join(root, file))).sort();
}

/** Whether somebody installed by hand exactly what the lockfile says: then there is nothing to do. */
function agreesWithLockfile() {
  const listing = path.join(modules, ".package-lock.json");
  if (!existsSync(listing)) return false;
  const there = JSON.parse(readFileSync(listing, "utf8")).packages;
  const wanted = JSON.parse(readFileSync(path.join(root, "package-lock.json"), "utf8")).packages;
  const same = (a, b) => a.version === b.version && a.integrity === b.integrity && a.link === b.link;
  const isModule = ([name]) => name.includes("node_modules/");
  const missing = Object.entries(wanted)
    .filter(isModule)
    .filter(([name, entry]) => (there[name] ? !same(there[name], entry) : !entry.optional));
  const extra = Object.entries(there)
    .filter(isModule)
    .filter(([name]) => !wanted[name]);
  const gone = Object.keys(there).filter((name) => !existsSync(path.join(root, name)));
  return missing.length + extra.length + gone.length === 0;
}

/** `npm ci`, with its output shown only when it failed. Signals are passed on, and so is the end of our parent. */
async function runNpm() {
  const ticking = progress("Installing (once) …");
  const own = process.env.npm_execpath;
  const [command, first] = own && /npm-cli\.c?js$/.test(own) ? [process.execPath, [own]] : ["npm", []];
  const child = spawn(command, [...first, "ci", "--include=dev", "--include=optional", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => (output += bytes));

  let stoppedBy;
  const stop = (signal) => {
    stoppedBy = signal;
    child.kill(signal);
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) process.on(signal, stop);
  // The shell that npm puts between itself and us dies of a signal without passing it on.
  const parent = process.ppid;
  const watch = setInterval(() => process.ppid !== parent && stop("SIGTERM"), 500);

  const failure = await new Promise((resolve) => {
    child.on("error", (error) => resolve(`npm could not be started (${error.code}). Is it on the PATH?`));
    child.on("close", (code, signal) => resolve(code === 0 ? undefined : explain(output, signal ?? `code ${code}`)));
  });
  clearInterval(watch);
  for (const signal of signals) process.off(signal, stop);
  ticking.end(failure === undefined && !stoppedBy);
  if (stoppedBy) throw Object.assign(new Error("Stopped before everything was installed."), { signal: stoppedBy });
  if (failure) throw new Error(failure);
}

/** What npm said, and under it the sentence that helps. */
function explain(output, end) {
  const advice = [
    [/ENOSPC/, "The disk is full: free some space and try again."],
    [/EACCES|EPERM/, "This user may not write here: give node_modules and the npm cache to the user who runs this."],
    [
      /EUSAGE|in sync/,
      "package-lock.json does not agree with a package.json: run `npm install`, then `node tools/lockfile.ts`, and commit both.",
    ],
    [/EINTEGRITY/, "A download is not what the lockfile promises. Run `npm cache verify` and try again."],
    [
      /E404|ETARGET/,
      "The registry that npm is set to does not have one of the packages: see `npm config get registry`.",
    ],
    [
      /ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|ENETUNREACH|network/,
      "The registry cannot be reached: check the network and proxy.",
    ],
  ];
  const known = advice.find(([pattern]) => pattern.test(output))?.[1];
  const errors = output.split("\n").filter((line) => /^npm error\s+\S/.test(line));
  const usage = errors.findIndex((line) => line.startsWith("npm error Clean install"));
  const head = errors.slice(0, usage < 0 ? errors.length : usage).slice(0, 12);
  const said = head.length > 0 ? head : output.trimEnd().split("\n").slice(-12);
  return `${said.join("\n")}\n\nInstalling failed (npm ended with ${end}). ${known ?? "Try `npm ci` by hand in this folder."}`;
}

/**
 * npm brings Node as a package for this platform and links its command (docs/decisions/0001); npm 10 forgets the link.
 * Where there is no such package, or it does not run, a Node that fits will do.
 */
function ensureNode() {
  if (majorOf(pinnedNode) >= wantedNode) return;
  const platform = `${process.platform}-${process.arch}`;
  const brought = [`node-${platform}`, `node-bin-${platform}`].map((name) => path.join(modules, name, "bin", "node"));
  const fitting = [...brought, process.execPath].find((program) => majorOf(program) >= wantedNode);
  if (fitting === undefined) {
    throw new Error(
      `npm has no Node ${wantedNode} that runs here (${process.platform} ${process.arch}). ` +
        `Install Node ${wantedNode} or newer yourself, put it first on the PATH and run this again.`,
    );
  }
  mkdirSync(path.dirname(pinnedNode), { recursive: true });
  rmSync(pinnedNode, { force: true });
  symlinkSync(fitting.startsWith(modules) ? path.relative(path.dirname(pinnedNode), fitting) : fitting, pinnedNode);
}

/** 0 for what is not there, does not run, or is not Node. */
function majorOf(program) {
  const { status, stdout } = spawnSync(program, ["--version"], { encoding: "utf8" });
  return status === 0 ? Number(/^v(\d+)\./.exec(stdout)?.[1] ?? 0) : 0;
}

/** All of this goes to stderr: stdout belongs to the program that runs afterwards. */
function say(line) {
  process.stderr.write(`${line}\n`);
}

function progress(text) {
  const began = process.hrtime.bigint();
  const seconds = () => Math.round(Number(process.hrtime.bigint() - began) / 1e9);
  if (!process.stderr.isTTY) {
    say(text);
    return { end: (well) => well && say(`Installed in ${seconds()} s.`) };
  }
  const draw = () => process.stderr.write(`\r${text} ${seconds()} s `);
  draw();
  const timer = setInterval(draw, 1000);
  return {
    end(well) {
      clearInterval(timer);
      say(well ? `\rInstalled in ${seconds()} s.          ` : "");
    },
  };
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  install().catch((error) => {
    say(error.message);
    process.exitCode = error.signal ? 128 + { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }[error.signal] : 1;
  });
}
