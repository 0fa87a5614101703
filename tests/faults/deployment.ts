import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Visitor, type Welcome } from "../../apps/server/src/testing/index.ts";
import type { Chance } from "./seed.ts";

const server = fileURLToPath(new URL("../../apps/server/src/main.ts", import.meta.url));
const killed = fileURLToPath(new URL("./killed-server.ts", import.meta.url));

export type Ready = {
  readonly pid: number;
  readonly url: string;
  readonly mqttsUrl: string;
  /** Where it was started with a port for frames. */
  readonly udpUrl?: string;
  readonly caFile: string;
  readonly setupLink?: string;
};

export type Ended = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

/** A start under way. */
export type Starting = {
  readonly child: ChildProcess;
  /** Milliseconds that it took; rejects when the process ends before. */
  readonly ready: Promise<number>;
  readonly ended: Promise<Ended>;
};

const patience = 60_000; // milliseconds for a start, beside whatever else the machine does

/** A platform as its operator has it: a process with an embedded database, on a folder that outlives both. Close it at the end. */
export class Deployment {
  readonly folder: string;
  readonly data: string;
  readonly keys: string;
  readonly readyFile: string;
  readonly httpsPort: number;
  readonly mqttsPort: number;
  readonly #log: string;
  readonly #arguments: readonly string[];
  #starting: Starting | undefined;
  #visitor: Visitor | undefined;

  private constructor(
    { folder, data, keys }: { folder: string; data: string; keys: string },
    [httpsPort = 0, mqttsPort = 0]: readonly number[],
    more: readonly string[],
  ) {
    this.folder = folder;
    this.data = data;
    this.keys = keys;
    this.readyFile = path.join(folder, "ready.json");
    [this.httpsPort, this.mqttsPort] = [httpsPort, mqttsPort];
    this.#log = path.join(folder, "server.log");
    this.#arguments = more;
  }

  /** `data` is elsewhere when a test brings its own disk; the keys lie with the data unless they are to be apart. */
  static async make(
    chance: Chance,
    given: { data?: string; keysApart?: true; more?: readonly string[] } = {},
  ): Promise<Deployment> {
    const folder = mkdtempSync(path.join(tmpdir(), "holdfast-faults-"));
    chmodSync(folder, 0o755); // started by root, the server becomes another user
    const ports = await freePorts(chance, 2);
    const data = given.data ?? path.join(folder, "data");
    const keys = path.join(given.keysApart ? folder : data, "keys");
    return new Deployment({ folder, data, keys }, ports, given.more ?? []);
  }

  /** Begins a start. `killAt`: the process ends itself there, by SIGKILL. */
  begin(killAt?: string): Starting {
    const began = performance.now();
    const program = killAt === undefined ? [server] : [killed, killAt];
    const args = [
      "--data",
      this.data,
      "--keys",
      this.keys,
      "--ready-file",
      this.readyFile,
      "--https-port",
      `${this.httpsPort}`,
    ];
    const child = spawn(
      process.execPath,
      [...program, ...args, "--mqtts-port", `${this.mqttsPort}`, ...this.#arguments],
      {
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    const said: string[] = [];
    const hear = (bytes: Buffer) => {
      said.push(bytes.toString());
      appendFileSync(this.#log, bytes);
    };
    child.stderr.on("data", hear);
    const ended = once(child, "exit").then(([code, signal]: Ended[keyof Ended][]) => ({ code, signal }) as Ended); // node says so
    const ready = new Promise<number>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`not ready within ${patience} ms:\n${said.join("")}`)), patience);
      child.stdout.on("data", hear);
      // Where root was given up another process writes the file, a moment later than the banner comes.
      const look = setInterval(() => {
        if (this.#readyOf(child.pid) === undefined) return;
        clearInterval(look);
        clearTimeout(timer);
        resolve(performance.now() - began);
      }, 10);
      void ended.then(() => clearInterval(look));
      void ended.then(({ code, signal }) => {
        clearTimeout(timer);
        reject(new Error(`the server ended with ${signal ?? code} before it was ready:\n${said.join("")}`));
      });
    });
    ready.catch(() => undefined); // whoever wants it awaits it
    this.#visitor = undefined;
    return (this.#starting = { child, ready, ended });
  }

  /** Answers how many milliseconds it took. */
  async start(): Promise<number> {
    return this.begin().ready;
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.ended;
  }

  /** As an operator stops it. */
  async stop(): Promise<Ended> {
    this.#child.kill("SIGTERM");
    return this.ended;
  }

  /** Answers when the server has written this to its log. */
  said(text: string): Promise<void> {
    const { stderr } = this.#child;
    return new Promise((resolve) => stderr?.on("data", (bytes: Buffer) => bytes.includes(text) && resolve()));
  }

  /** True once it is ready; never settles when that never comes. */
  get isReady(): Promise<true> {
    const { ready } = this.#now;
    return new Promise((resolve) =>
      ready.then(
        () => resolve(true),
        () => undefined,
      ),
    );
  }

  get ended(): Promise<Ended> {
    return this.#now.ended;
  }

  get ready(): Ready {
    const found = this.#readyOf(this.#child.pid);
    if (!found) throw new Error("the server is not ready");
    return found;
  }

  /** Everything that the servers wrote so far. */
  get log(): string {
    return existsSync(this.#log) ? readFileSync(this.#log, "utf8") : "";
  }

  get caFile(): string {
    return path.join(this.data, "ca.pem");
  }

  /** A fresh one after each start: the connections of the one before are broken. */
  get visitor(): Visitor {
    this.#visitor ??= new Visitor(`https://localhost:${this.httpsPort}`, readFileSync(this.caFile, "utf8"));
    return this.#visitor;
  }

  async setUp(): Promise<Welcome> {
    const secret = this.ready.setupLink?.split("#setup=")[1] ?? "";
    const person = { email: "owner@example.com", password: "correct horse battery staple", org: "First" };
    return this.visitor.post<Welcome>("/v1/setup", { secret, ...person });
  }

  /** PostgreSQL's first process on these data; `undefined` where none runs. */
  get postmaster(): number | undefined {
    try {
      const pid = Number(readFileSync(path.join(this.data, "postgres/cluster/postmaster.pid"), "utf8").split("\n")[0]);
      return process.kill(pid, 0) ? pid : undefined;
    } catch {
      return undefined; // no file, or the number of one that is gone
    }
  }

  /** Ends whatever still runs, and removes the folder. */
  async close(): Promise<void> {
    const child = this.#starting?.child;
    if (child && child.exitCode === null && child.signalCode === null) await this.kill();
    const pid = this.postmaster;
    if (pid !== undefined) {
      for (const each of [...childrenOf(pid), pid]) {
        try {
          process.kill(each, "SIGKILL");
        } catch (error) {
          if (exists(each)) throw error; // else it has just ended
        }
      }
      while (exists(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
    }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 10 });
  }

  /** What the ready file says, when it is that of this process. */
  #readyOf(pid: number | undefined): Ready | undefined {
    if (!existsSync(this.readyFile)) return undefined;
    const ready = JSON.parse(readFileSync(this.readyFile, "utf8")) as Ready; // the server's own words
    return ready.pid === pid ? ready : undefined;
  }

  get #child(): ChildProcess {
    return this.#now.child;
  }

  get #now(): Starting {
    if (!this.#starting) throw new Error("nothing was started");
    return this.#starting;
  }
}

/** The processes that this one started, by what the kernel says. */
export function childrenOf(pid: number): number[] {
  const listed = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return listed === "" ? [] : listed.split(" ").map(Number);
}

/** Whether a process runs; one that is dead and that nobody collected does not. */
export function exists(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/**
 * Ports that stay the same over restarts, as an operator's do; no two are alike. Below the range from which the kernel gives to clients and to whoever
 * listens anywhere: one of those that keep trying to connect would otherwise get the very port of the server that is away.
 */
export async function freePorts(chance: Chance, count: number): Promise<readonly number[]> {
  const free = new Set<number>();
  while (free.size < count) {
    const port = chance.between(15_000, 31_000);
    const probe = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      probe.once("error", () => resolve(false));
      probe.listen(port, "127.0.0.1", () => resolve(true));
    });
    await new Promise((resolve) => probe.close(resolve));
    if (isFree) free.add(port);
  }
  return [...free];
}
