import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { after } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { room } from "../apps/server/src/testing/room.ts";

// The server as a process, met through what it prints, its ready file, its ports and its exit code.
export const main = path.join(path.dirname(import.meta.dirname), "apps/server/src/main.ts");
export const isRoot = process.getuid?.() === 0;
export const isLinux = process.platform === "linux";

// As root the database and the server run as somebody else, who must get through.
export const base = mkdtempSync(path.join(room(), "holdfast-start-"));
chmodSync(base, 0o711);
const running = new Set<ChildProcess>();
// Compiling our files is most of what a start costs, and there are many starts here. Kept between them, also for users who may not enter ours.
const compiled = path.join(base, "compiled");
mkdirSync(compiled);
chmodSync(compiled, 0o777);
const shared = process.env["NODE_COMPILE_CACHE"] ?? compiled;
after(async () => {
  for (const child of running) child.kill("SIGKILL");
  for (const pid of databasesOn(base)) process.kill(pid, "SIGKILL");
  rmSync(base, { recursive: true, force: true, maxRetries: 10 });
});

export type Ready = { pid: number; url: string; mqttsUrl: string; caFile: string; setupLink?: string };
export type Ended = { code: number | null; out: string; err: string };

/** A server with what it wrote so far. */
export class Server {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  out = "";
  err = "";

  constructor(args: readonly string[], { env = {}, program = [main], uid }: Options = {}) {
    const ports = args.includes("--https-port") ? [] : ["--https-port", "0", "--mqtts-port", "0"];
    const [command = "", ...first] = program[0] === main ? [process.execPath, ...program] : program;
    this.child = spawn(command, [...first, ...args, ...ports], {
      env: { PATH: process.env["PATH"], NODE_COMPILE_CACHE: uid === undefined ? shared : compiled, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      ...(uid !== undefined && { uid, gid: uid }),
    });
    running.add(this.child);
    this.child.stdout?.on("data", (text: Buffer) => (this.out += text.toString()));
    this.child.stderr?.on("data", (text: Buffer) => (this.err += text.toString()));
    this.ended = new Promise((resolve) => {
      this.child.once("close", (code) => {
        running.delete(this.child);
        resolve({ code, out: this.out, err: this.err });
      });
    });
  }

  /** The ready file, once it is there. */
  async ready(file: string): Promise<Ready> {
    await eventually(() => existsSync(file) || this.child.exitCode !== null);
    assert.equal(this.child.exitCode, null, this.err);
    return readReady(file);
  }
}

export type Options = { env?: Record<string, string>; program?: readonly string[]; uid?: number };

export const readReady = (file: string): Ready => JSON.parse(readFileSync(file, "utf8"));

/** What other processes do is waited for by looking: they have no event for us. */
export async function eventually(holds: () => boolean): Promise<void> {
  const end = performance.now() + 60_000;
  while (!holds()) {
    assert.ok(performance.now() < end, "it never came about");
    await wait(20);
  }
}

/** A start that cannot be: one sentence with its code, nothing on stdout, no stack trace, and soon. */
export async function refused(
  args: readonly string[],
  options: Options = {},
): Promise<{ exit: number | null; code: string; message: string }> {
  const { code, out, err } = await new Server(args, options).ended;
  assert.equal(out, "");
  assert.doesNotMatch(err, /\n\s+at |file:\/\//);
  const last: { code: string; message: string } = JSON.parse(err.trim().split("\n").at(-1) ?? "");
  return { exit: code, code: last.code, message: last.message };
}

/** The postmasters that work below a folder, on systems that let us see it. */
export function databasesOn(folder: string): number[] {
  if (!isLinux) return [];
  const isThere = (pid: number): boolean => {
    const file = `/proc/${pid}/cmdline`;
    try {
      return readFileSync(file, "utf8").includes(`-D\0${folder}`);
    } catch {
      return false; // it ended meanwhile
    }
  };
  const found = readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 1 && isThere(pid));
  // A server of one connection is called as the postmaster is until it has read who comes.
  const parentOf = (pid: number): number => {
    try {
      return Number(/^PPid:\t(\d+)/m.exec(statusOf(pid))?.[1]);
    } catch {
      return 0; // it ended meanwhile
    }
  };
  return found.filter((pid) => !found.includes(parentOf(pid)));
}

/** Stops it: in good time, as asked, and without anything to complain about but what is `known`. */
export async function stopped(server: Server, known?: RegExp): Promise<void> {
  const began = performance.now();
  server.child.kill("SIGTERM");
  const { code, err } = await server.ended;
  assert.equal(code, 0, err);
  const complaints = err.split("\n").filter((line) => /"level":"(?:error|warning)"/.test(line) && !known?.test(line));
  assert.deepEqual(complaints, [], err);
  assert.ok(performance.now() - began < 8_000, err);
}

export const statusOf = (pid: number | undefined): string => readFileSync(`/proc/${pid}/status`, "utf8");
