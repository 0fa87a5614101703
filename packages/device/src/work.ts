import { DeviceError, wordsOf } from "./failure.ts";
import { fraction, waitAfter, type Setback } from "./patience.ts";
import type { BoardNeeds } from "./board.ts";
import { isTooLarge, type HeldTask, type Task } from "./task.ts";

export type WorkOptions = {
  /** How many tasks at once; 1 without saying. */
  readonly atOnce?: number;
  /** For how long the platform is to leave a task to this device where it does not hear of it, 5 to 3,600; 60 without saying. */
  readonly seconds?: number;
};
/** What it returns is the task's result, as JSON; what it throws is its error, by its message. A task that it gave back, or that was lost, has neither. */
export type Worker = (task: Task, about: { readonly signal: AbortSignal }) => unknown;

type Needs = Pick<BoardNeeds, "timers" | "random" | "emitter"> & {
  lease(count: number, seconds: number): Promise<readonly HeldTask[]>;
  isOnline(): boolean;
};

/** Why it waits until it asks again: it was told; nothing waited; it may not, cannot or would not. */
type Wait = "told" | "idle" | "pause";

/** Who was told asks within so long, so that not all of a group ask in one moment. */
const hurry = 250;
/** "It is no promise" (docs/groups.md): who was not told asks now and then. */
const idle = 60_000;

/** Does tasks of a group as they come, so many at once. */
export class Work {
  readonly #worker: Worker;
  readonly #atOnce: number;
  readonly #seconds: number;
  readonly #needs: Needs;
  readonly #running = new Map<string, Promise<void>>();
  #timer: { readonly kind: Wait; cancel(): void } | undefined;
  #isAsking = false;
  #wasTold = false;
  #isOver = false;
  /** In a row: asked in vain, or given back what it got. */
  #setbacks = 0;

  constructor(worker: Worker, { atOnce = 1, seconds = 60 }: WorkOptions, needs: Needs) {
    if (!isWithin(atOnce, 1, 100) || !isWithin(seconds, 5, 3_600)) throw new DeviceError("work.invalid");
    this.#worker = worker;
    this.#atOnce = atOnce;
    this.#seconds = seconds;
    this.#needs = needs;
  }

  /** Asks for no more. Resolves once what is in hand is over. */
  async stop(): Promise<void> {
    this.end();
    await Promise.all(this.#running.values());
  }

  /** Asks for no more. */
  end(): void {
    this.#isOver = true;
    this.#timer?.cancel();
  }

  up(): void {
    this.down();
    void this.#ask();
  }

  down(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Something waits, as the platform says to all of the group. */
  told(): void {
    this.#wasTold = true;
    this.#askAfter("told", hurry * fraction(this.#needs.random));
  }

  #askAfter(kind: Wait, wait: number): void {
    const isBefore = this.#timer?.kind === "pause" || this.#timer?.kind === kind;
    if (this.#isOver || (isBefore && kind !== "pause")) return;
    this.#timer?.cancel();
    const timer = this.#needs.timers.after(wait, () => {
      this.#timer = undefined;
      void this.#ask();
    });
    this.#timer = { kind, cancel: () => timer.cancel() };
  }

  #pause(setback: Setback): void {
    this.#setbacks += 1;
    this.#askAfter("pause", waitAfter(setback, this.#setbacks, this.#needs.random));
  }

  /** Never rejects. */
  async #ask(): Promise<void> {
    const { random, emitter } = this.#needs;
    const free = this.#atOnce - this.#running.size;
    const isPausing = this.#timer?.kind === "pause";
    if (this.#isOver || this.#isAsking || isPausing || free <= 0 || !this.#needs.isOnline()) return;
    this.#isAsking = true;
    this.#wasTold = false;
    try {
      const tasks = await this.#needs.lease(free, this.#seconds);
      for (const task of tasks) this.#take(task);
      if (tasks.length === free) return;
      if (this.#wasTold) this.#askAfter("told", hurry * fraction(random));
      else this.#askAfter("idle", idle * (0.5 + fraction(random)));
    } catch (error) {
      const code = error instanceof DeviceError ? error.code : undefined;
      if (code === "connection.ended") return; // it is asked again when there is one
      this.#pause(code === "group.refused" ? "unwanted" : "later");
      emitter.emit("fault", error);
    } finally {
      this.#isAsking = false;
    }
  }

  #take(task: HeldTask): void {
    // What is at it does not heed its signal. Two at once are never right.
    const isBusy = this.#running.has(task.id);
    if (isBusy || this.#isOver || this.#running.size >= this.#atOnce) {
      void this.#giveBack(task);
      return this.#pause("later");
    }
    const run = this.#run(task).finally(() => {
      this.#running.delete(task.id);
      if (task.isGivenBack) this.#pause("later"); // or it would be the first to get it again
      else this.#setbacks = 0;
      void this.#ask();
    });
    this.#running.set(task.id, run);
  }

  /** Never rejects. */
  async #run(task: HeldTask): Promise<void> {
    const { signal } = task;
    if (signal.aborted) return; // the machine was suspended meanwhile, and nobody is told of it who begins to listen now
    const outcome = await this.#outcome(task, signal);
    if (task.isOver) return;
    try {
      await ("result" in outcome ? task.finish(outcome.result) : task.fail(outcome.error));
    } catch (error) {
      const isClosed = error instanceof DeviceError && error.code === "device.closed";
      if (!isClosed) this.#needs.emitter.emit("fault", error);
    }
  }

  async #outcome(
    task: HeldTask,
    signal: AbortSignal,
  ): Promise<{ readonly result: unknown } | { readonly error: unknown }> {
    try {
      const outcome = { result: (await this.#worker(task, { signal })) ?? null };
      if (isTooLarge(outcome)) throw new DeviceError("task.tooLarge");
      return outcome;
    } catch (error) {
      // Whoever looks at the task is told.
      return { error: wordsOf(error) };
    }
  }

  async #giveBack(task: Task): Promise<void> {
    try {
      await task.giveBack();
    } catch (error) {
      this.#needs.emitter.emit("fault", error);
    }
  }
}

export const isWithin = (value: number, least: number, most: number): boolean =>
  Number.isInteger(value) && value >= least && value <= most;
