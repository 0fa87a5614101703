import { leasedIn, malformed, type Board, type BoardNeeds } from "./board.ts";
import { DeviceError } from "./failure.ts";
import { HeldTask } from "./task.ts";
import { groupTree, waits } from "./topics.ts";
import { refusalOf } from "./outbox.ts";
import { Work, type Worker, type WorkOptions } from "./work.ts";

/** The board answers in a moment, or it does not. */
const patience = 30_000;

/** What this device has in hand of a group's tasks. */
export class Hands {
  readonly #group: string;
  readonly #board: Board;
  readonly #needs: BoardNeeds;
  readonly #tasks = new Set<HeldTask>();
  readonly #works = new Set<Work>();
  #isListening = false;

  constructor(group: string, board: Board, needs: BoardNeeds) {
    this.#group = group;
    this.#board = board;
    this.#needs = needs;
  }

  async lease(count: number, seconds: number): Promise<readonly HeldTask[]> {
    const asked = this.#needs.clock.elapsed();
    const { leased } = (await this.#board.ask("lease", { count, seconds }, patience)) as { leased?: unknown };
    if (!Array.isArray(leased)) throw malformed();
    const parts = { ...this.#needs, board: this.#board, ended: (task: HeldTask) => void this.#tasks.delete(task) };
    // By id, so that what were said twice would be one; all are read before one begins.
    const each = new Map(leased.map((one) => leasedIn(one)).map((one) => [one.id, one]));
    const tasks = [...each.values()].map((one) => new HeldTask(one, asked, seconds, parts));
    for (const task of tasks) this.#tasks.add(task);
    return tasks;
  }

  work(worker: Worker, options: WorkOptions): Work {
    const { outbox, subscriptions, emitter } = this.#needs;
    const lease = (count: number, seconds: number) => this.lease(count, seconds);
    const work = new Work(worker, options, { ...this.#needs, lease, isOnline: () => outbox.isOpen });
    this.#works.add(work);
    if (!this.#isListening) {
      this.#isListening = true;
      subscriptions.listen(groupTree(this.#group) + waits, {
        take: () => this.#told(),
        refused: (reason) => emitter.emit("fault", refusalOf({ child: undefined, group: this.#group }, reason)),
      });
    }
    work.up();
    return work;
  }

  up(): void {
    for (const task of this.#tasks) task.up();
    for (const work of this.#works) work.up();
  }

  down(): void {
    this.#board.down();
    for (const task of this.#tasks) task.down();
    for (const work of this.#works) work.down();
  }

  /** What is in hand is given back, as far as the platform hears of it. */
  close(): void {
    for (const work of this.#works) work.end();
    for (const task of this.#tasks) {
      task.abandon(new DeviceError("device.closed"));
      // Where it does not arrive the platform gives the task to others when the lease is over.
      this.#board.tell("release", { task: task.id, lease: task.lease }).catch(() => {});
    }
  }

  #told(): void {
    for (const work of this.#works) work.told();
  }
}
