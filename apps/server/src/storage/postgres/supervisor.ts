import { setTimeout as wait } from "node:timers/promises";
import { because, Refusal, type Report } from "@holdfast/kernel";
import { type Account } from "./account.ts";
import { type Layout, quoted, reasonIn } from "./cluster.ts";
import { readLog } from "./log.ts";
import {
  ask,
  clearOrphans,
  findPostmaster,
  isInCharge,
  type Owner,
  ownerAt,
  type Postmaster,
  spawnPostmaster,
  terminate,
} from "./postmaster.ts";
import { type Program, removeOtherPrograms } from "./program.ts";
import { ensureSocketFolder, makeSocketFolder, removeSocket } from "./socket.ts";

type SupervisorNeeds = {
  readonly layout: Layout;
  readonly program: Program;
  readonly account: Account;
  readonly password: string;
  /** How long one that runs already may say nothing at all before it is taken for stuck. */
  readonly patienceMs: number;
  readonly connections: number | undefined;
  /** A sentence for people, when something takes long or went wrong. */
  readonly report: Report;
  readonly changed: (state: "down" | "up") => void;
};

/** How long a new one may say nothing at all: it loads its program first. */
const loadingMs = 30_000;

/** One that lived this long was well: the next attempt need not wait. */
const steadyMs = 30_000;

/** Milliseconds before each further attempt to start it again. The last one repeats: what hinders may go, as a full disk does. */
const pauses = [0, 250, 500, 1_000, 2_000, 5_000];

/** For how long a start is tried again while something else holds the data: it either goes, or turns out to be usable. */
const contentionMs = 10_000;

/** Another server was faster by a moment; or children of a killed postmaster are still there, and no /proc told us. */
const isContended = (output: string): boolean =>
  /lock file "postmaster.pid" already exists|pre-existing shared memory block/.test(output);

/** Keeps one PostgreSQL running: takes over what is there, starts what is not, and again when it dies. */
export class Supervisor {
  readonly #needs: SupervisorNeeds;
  readonly #ending = new AbortController();
  #socketFolder: string | undefined;
  #postmaster: Postmaster | undefined;
  #attempts = 0;
  #revival: Promise<void> = Promise.resolve();
  #isServing = false;
  #released = false;
  #stopping: Promise<void> | undefined;

  constructor(needs: SupervisorNeeds) {
    this.#needs = needs;
  }

  get owner(): Owner {
    if (this.#socketFolder === undefined) throw new Error("not started");
    return ownerAt(this.#socketFolder, this.#needs.password);
  }

  async start(signal: AbortSignal | undefined): Promise<void> {
    this.#watch(await this.#bring(signal));
    this.#isServing = true;
  }

  /** Ends it and all its processes; at most ten seconds. */
  stop(): Promise<void> {
    if (!this.#released) this.#stopping ??= this.#stop();
    return this.#stopping ?? Promise.resolve();
  }

  async #stop(): Promise<void> {
    this.#ending.abort();
    await this.#revival;
    const { layout } = this.#needs;
    const postmaster = this.#postmaster ?? (await findPostmaster(layout));
    if (postmaster) await terminate(postmaster, layout);
    else await clearOrphans(layout.cluster, 500); // it died a moment ago, and its children may not know yet
    if (this.#socketFolder !== undefined) removeSocket(this.#socketFolder, layout);
  }

  /** Lets go of it, running as it is: it belongs to another server. `stop` does nothing any more. */
  release(): void {
    this.#released = true;
    this.#ending.abort();
  }

  #watch(postmaster: Postmaster): void {
    this.#postmaster = postmaster;
    const since = performance.now();
    postmaster.whenGone(() => {
      if (this.#ending.signal.aborted) return;
      if (performance.now() - since > steadyMs) this.#attempts = 0;
      this.#postmaster = undefined;
      this.#needs.report("The database ended unexpectedly. It is started again.", { level: "warning" });
      this.#needs.changed("down");
      this.#revival = this.#revive();
    });
  }

  /** Never rejects: either it runs again, or we were told to stop. */
  async #revive(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      try {
        await wait(pauses[this.#attempts++] ?? pauses.at(-1), undefined, { signal });
        this.#watch(await this.#bring(signal));
        this.#needs.changed("up");
        return;
      } catch (cause) {
        if (signal.aborted) return;
        const why = cause instanceof Refusal ? cause.message : "The database could not be started again.";
        this.#needs.report(why, because(cause));
      }
    }
  }

  /** One that answers: the one that runs, or a new one. */
  async #bring(signal: AbortSignal | undefined): Promise<Postmaster> {
    const end = performance.now() + contentionMs;
    for (;;) {
      const brought = (await this.#takeOver(signal)) ?? (await this.#startNew(signal));
      if (typeof brought !== "string") return brought;
      if (!isContended(brought) || performance.now() > end) {
        throw new Refusal(reasonIn(brought), { detail: quoted(brought) });
      }
      await wait(100, undefined, { signal });
    }
  }

  async #takeOver(signal: AbortSignal | undefined): Promise<Postmaster | undefined> {
    const { layout, patienceMs, report } = this.#needs;
    const found = await findPostmaster(layout);
    if (!found) return undefined;
    const before = this.#socketFolder;
    this.#socketFolder = found.socketFolder;
    if (before !== undefined && before !== found.socketFolder) removeSocket(before, layout);
    switch (await this.#untilItAnswers(found, patienceMs, signal)) {
      case "yes":
        return found;
      case "silent":
        report("A database of an earlier run does not answer. It is stopped, and started again.", { level: "warning" });
        await terminate(found, layout, 0);
        return undefined;
      case "gone":
        return undefined;
    }
  }

  /** A new one, or what one wrote that ended at once. */
  async #startNew(signal: AbortSignal | undefined): Promise<Postmaster | string> {
    const { layout, program, account, connections } = this.#needs;
    await clearOrphans(layout.cluster, 1_000, signal);
    if (this.#socketFolder === undefined) this.#socketFolder = makeSocketFolder(layout, account);
    else ensureSocketFolder(this.#socketFolder, account);
    const socketFolder = this.#socketFolder;
    const { postmaster: starting, logFrom } = spawnPostmaster({ layout, program, account, socketFolder, connections });
    const postmaster = await starting;
    let outcome: "yes" | "silent" | "gone" | undefined;
    try {
      outcome = await this.#untilItAnswers(postmaster, loadingMs, signal);
    } finally {
      if (outcome !== "yes") await terminate(postmaster, layout, 0);
    }
    if (outcome !== "yes") return readLog(layout.log, logFrom);
    removeOtherPrograms(layout.folder, program);
    return postmaster;
  }

  async #untilItAnswers(
    postmaster: Postmaster,
    patienceMs: number,
    signal: AbortSignal | undefined,
  ): Promise<"yes" | "silent" | "gone"> {
    const { layout, password, report } = this.#needs;
    let heard = performance.now();
    let told = heard;
    while (postmaster.isAlive()) {
      signal?.throwIfAborted();
      const answer = await ask(ownerAt(postmaster.socketFolder, password), Math.min(patienceMs, 2_000));
      if (answer === "yes" && isInCharge(postmaster, layout)) return "yes";
      if (answer === "wrongPassword") {
        throw new Refusal("keyring.wrong", { detail: "The database does not take the password that these keys hold." });
      }
      // Somebody who starts us is told; whoever we serve already is waiting for room as we do.
      if (answer === "full" && !this.#isServing) throw new Refusal("storage.full", { retryAfterSeconds: 30 });
      const now = performance.now();
      if (answer === "starting" || answer === "full" || answer === "yes") heard = now;
      if (now - heard > patienceMs) return "silent";
      if (now - told > 3_000) {
        told = now;
        if (answer === "full")
          report("The database waits for room on its disk.", { level: "warning", code: "storage.full" });
        else report("The database is still starting: after a crash it reads again what it had acknowledged.");
      }
      await wait(20, undefined, { signal });
    }
    return "gone";
  }
}
