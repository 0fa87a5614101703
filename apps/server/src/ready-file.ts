import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { linkSync, readFileSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { within } from "./closed.ts";
import { makeWay } from "./folders.ts";
import { closedTo, type User } from "./root.ts";
import { writeWhole } from "./whole-file.ts";

/** What whoever started the platform wants to know, on one line of JSON. */
export type Ready = {
  readonly pid: number;
  readonly url: string;
  readonly mqttsUrl: string;
  /** HTTPS where a client certificate is the proof of a bound credential, if it was asked for. */
  readonly clientCertificateUrl?: string;
  /** Direct sockets, if they were asked for. */
  readonly udpUrl?: string;
  readonly tcpUrl?: string;
  /** What clients have to trust; left out when what their system trusts is enough. */
  readonly caFile?: string;
  /** Only while nobody has an account. */
  readonly setupLink?: string;
};

/**
 * The one thing that stays root where root was given up and the file is in a folder of root's: it writes this one file, and knows no other. It
 * reads a line, and makes it the file's content. When its input ends, which the kernel sees to however the server ends, it removes the file.
 * `set -C` and `rm` first: a link that somebody put in the draft's place is not followed (O_EXCL).
 */
const keeperScript = `
umask 077
set -C
while IFS= read -r line; do
  rm -f "$1.new" && printf '%s\\n' "$line" >"$1.new" && mv -f "$1.new" "$1"
done
rm -f "$1.new" "$1"`;

/** The file that tells that the platform is ready, and where. Its owner alone can read it: it holds the set-up link. */
export class ReadyFile {
  readonly path: string;
  readonly #option: string;
  /** Where the file of a server that still runs was put. */
  #aside: string | undefined;
  #keeper: ChildProcess | undefined;
  #failed: (sentence: string) => void = () => {};

  /** Takes a stale file away, so that nobody who waits for one is misled. `option` is what says where it is. @throws Refusal `folder.closed` */
  constructor(file: string, option: string) {
    this.path = file;
    this.#option = option;
    within(option, () => this.#takeAway());
  }

  #takeAway(): void {
    const file = this.path;
    const pid = pidIn(file);
    if (pid !== undefined && pid !== process.pid && isAlive(pid)) {
      const aside = `${file}.before-${process.pid}`;
      renameSync(file, aside);
      this.#aside = aside;
    } else rmSync(file, { force: true });
  }

  /** This start failed. If the file that was here is of a server that still runs, as when somebody starts twice, it gets it back. */
  putBack(): void {
    if (this.#aside === undefined) return;
    try {
      linkSync(this.#aside, this.path); // unlike a rename this does not replace what that server wrote meanwhile
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    }
    this.#forgetAside();
  }

  /** Before root is given up: provides for writing the file as that user. `failed` is told a sentence when it later cannot be written. */
  prepareFor(user: User | undefined, failed: (sentence: string) => void): void {
    const folder = path.dirname(this.path);
    within(this.#option, () => makeWay(folder));
    this.#forgetAside();
    if (!user || closedTo(user, [{ path: folder, to: "change" }]) === undefined) return;
    this.#failed = failed;
    const keeper = spawn("/bin/sh", ["-c", keeperScript, "sh", this.path], {
      stdio: ["pipe", "ignore", "pipe"],
      detached: true, // Ctrl-C goes to a whole session, and the server ends first
      cwd: "/",
      env: { PATH: "/usr/bin:/bin" },
    });
    keeper.on("error", (error) => this.#tell(error.message));
    keeper.stdin?.on("error", (error) => this.#tell(error.message));
    keeper.stderr?.on("data", (text: Buffer) => this.#tell(text.toString().trim()));
    keeper.unref();
    this.#keeper = keeper;
  }

  /** Appears whole, by a rename. */
  write(ready: Ready): void {
    const line = JSON.stringify(ready) + "\n";
    if (this.#keeper) {
      this.#keeper.stdin?.write(line);
      return;
    }
    within(this.#option, () => writeWhole(this.path, line, 0o600));
  }

  async remove(): Promise<void> {
    if (!this.#keeper) {
      rmSync(this.path, { force: true });
      return;
    }
    const keeper = this.#keeper;
    keeper.stdin?.end();
    const isRunning = keeper.pid !== undefined && keeper.exitCode === null && keeper.signalCode === null;
    if (isRunning) await once(keeper, "exit");
  }

  #forgetAside(): void {
    if (this.#aside !== undefined) rmSync(this.#aside, { force: true });
    this.#aside = undefined;
  }

  #tell(reason: string): void {
    this.#failed(`${this.path} could not be written: ${reason}`);
  }
}

function pidIn(file: string): number | undefined {
  try {
    const ready: unknown = JSON.parse(readFileSync(file, "utf8"));
    const pid: unknown = typeof ready === "object" && ready !== null ? Reflect.get(ready, "pid") : undefined;
    return typeof pid === "number" && Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined; // none there, or not one of ours
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
