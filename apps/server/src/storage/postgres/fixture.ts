import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { on, once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { after, type TestContext } from "node:test";
import pg from "pg";
import { sendSignal } from "./account.ts";
import { type EmbeddedPostgres, startPostgres } from "./index.ts";
import { readPidFile, runsOn } from "./process.ts";

// What the tests of this folder share: a folder of their own, and servers that can be killed.

export const password = "5e".repeat(32);
export const asRoot = process.getuid?.() === 0;

// Real, because PostgreSQL is known by the real path of its data; open, because as root it runs as somebody else.
const base = realpathSync(mkdtempSync(path.join(tmpdir(), "holdfast-postgres-")));
chmodSync(base, 0o755);
after(() => {
  // A test that failed half-way may have left one running.
  for (const name of readdirSync(base)) for (const pid of processesOn(folderNamed(name))) sendSignal(pid, "SIGKILL");
  rmSync(base, { recursive: true, force: true, maxRetries: 5 });
});

export const folderNamed = (name: string) => path.join(base, name);
export const clusterOf = (folder: string) => path.join(folder, "cluster");

/** Whatever of PostgreSQL works in that folder, on systems that let us see it. */
export function processesOn(folder: string): number[] {
  if (!existsSync("/proc/self/cwd") || !existsSync(clusterOf(folder))) return [];
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 1 && runsOn(clusterOf(folder), pid));
}

export function postmasterOf(folder: string): number {
  const found = readPidFile(clusterOf(folder));
  assert.ok(found && found !== "unreadable");
  return found.pid;
}

export async function query(postgres: { owner: pg.ClientConfig }, text: string): Promise<unknown[][]> {
  const client = new pg.Client({ ...postgres.owner, connectionTimeoutMillis: 20_000 });
  await client.connect();
  try {
    const { rows } = await client.query({ text, rowMode: "array" });
    return rows;
  } finally {
    await client.end();
  }
}

type Told = { readonly messages: string[]; readonly states: string[]; readonly up: Promise<void> };

export async function start(
  t: TestContext,
  folder: string,
  options: { patienceMs?: number } = {},
): Promise<EmbeddedPostgres & Told> {
  const messages: string[] = [];
  const states: string[] = [];
  const { promise: up, resolve } = Promise.withResolvers<void>();
  const changed = (state: "down" | "up") => {
    states.push(state);
    if (state === "up") resolve();
  };
  const report = (message: string) => void messages.push(message);
  const postgres = await startPostgres({ folder, password, report, changed, ...options });
  t.after(() => postgres.stop());
  return { ...postgres, messages, states, up };
}

/** A server of its own: a Node process that starts PostgreSQL, says so, and does what its input says. */
const serverProgram = `
const { startPostgres } = await import(${JSON.stringify(import.meta.resolve("./index.ts"))});
const say = (what) => console.log(JSON.stringify(what));
const report = (message) => say({ message });
const changed = (state) => say({ state });
try {
  const postgres = await startPostgres({ folder: process.argv[1], password: "${password}", report, changed });
  if (process.argv[2] === "gives-root-up" && postgres.runAs) {
    process.setgroups([]);
    process.setgid(postgres.runAs.gid);
    process.setuid(postgres.runAs.uid);
  }
  process.stdin.once("data", () => postgres.stop().then(() => process.exit(0)));
  say({ ready: true, runAs: postgres.runAs ?? null, owner: postgres.owner, uid: process.getuid() });
} catch (cause) {
  say({ failed: cause.message });
  process.exit(1);
}
`;

type Said = {
  message?: string;
  state?: string;
  failed?: string;
  ready?: boolean;
  uid?: number;
  runAs?: { uid: number } | null;
  owner?: pg.ClientConfig;
};

type Server = { readonly child: ChildProcess; until(found: (said: Said) => boolean): Promise<Said> };

export function spawnServer(t: TestContext, folder: string, options: { mode?: string; uid?: number } = {}): Server {
  const args = ["--input-type=module", "-e", serverProgram, folder, options.mode ?? ""];
  const account = options.uid === undefined ? {} : { uid: options.uid, gid: options.uid };
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"], cwd: "/", ...account });
  t.after(() => child.kill("SIGKILL"));
  const lines = on(createInterface({ input: child.stdout }), "line", { close: ["close"] });
  const until = async (found: (said: Said) => boolean) => {
    for (;;) {
      const { value, done } = await lines.next();
      assert.ok(!done, "the server ended first");
      // What serverProgram prints.
      const said = JSON.parse(String(value[0])) as Said;
      assert.equal(said.failed, undefined);
      if (found(said)) return said;
    }
  };
  return { child, until };
}

export const isReady = (said: Said) => said.ready === true;

export async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

export async function end({ child }: Server): Promise<void> {
  const gone = once(child, "exit");
  child.stdin?.write("stop\n");
  assert.deepEqual(await gone, [0, null]);
}
