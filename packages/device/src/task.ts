import { isSoundJson } from "@holdfast/kernel";
import { leasedIn, type Board, type BoardNeeds, type Leased } from "./board.ts";
import { DeviceError } from "./failure.ts";
import { fraction } from "./patience.ts";

type Needs = Pick<BoardNeeds, "clock" | "timers" | "random" | "emitter" | "keepAlive"> & {
  readonly board: Board;
  /** It is over, in whichever way. */
  ended(task: HeldTask): void;
};

/** A task that this device has: nobody else has it until `signal` aborts. It is renewed by itself, until it is finished, failed or given back. */
export type Task = Pick<HeldTask, "id" | "name" | "body" | "lease" | "signal" | "finish" | "fail" | "giveBack">;

const second = 1_000;
/** The platform gives tasks of who went offline to others after ten seconds (docs/groups.md). One is for whoever has to stop. */
const handOver = 9 * second;
/** A renewal at a third of the lease, and at the latest after so long: that also tells whether the connection is one. */
const renewAfter = 20 * second;
const mostBytes = 16 * 1024;

/**
 * The lease counts by time that passed here since it was *asked* for, less a tenth, so it ends here before it ends at the platform, however slow the
 * network, whatever is done to the clock, and also where the machine was suspended: within a second after that, or when somebody looks.
 */
export class HeldTask {
  readonly id: string;
  readonly name: string;
  /** Any JSON, as it was put; `null` where there was none. */
  readonly body: unknown;
  /** Grows each time the task is given out, so what is done elsewhere in its name can be guarded by it. */
  readonly lease: number;
  readonly #needs: Needs;
  readonly #seconds: number;
  readonly #controller = new AbortController();
  #isOver = false;
  #isGivenBack = false;
  #isRenewing = false;
  /** By `clock.elapsed()`: until when it is certainly ours, and when it is renewed. */
  #until = 0;
  #renewal = Infinity;
  #next: { cancel(): void } | undefined;

  /** @param asked when it was asked for @param seconds for how long */
  constructor({ id, name, body, lease, seconds: left }: Leased, asked: number, seconds: number, needs: Needs) {
    this.id = id;
    this.name = name;
    this.body = body;
    this.lease = lease;
    this.#seconds = seconds;
    this.#needs = needs;
    this.#hold(asked, left);
  }

  /** Aborts as `task.lost` when others may have it, or as `device.closed`. */
  get signal(): AbortSignal {
    this.#look();
    return this.#controller.signal;
  }

  get isOver(): boolean {
    this.#look();
    return this.#isOver;
  }

  get isGivenBack(): boolean {
    return this.#isGivenBack;
  }

  /** It is done. Resolves once the platform has that on disk. Rejects as `task.lost` where it was another's by then, `task.tooLarge` beyond 16 KiB of JSON. */
  async finish(result: unknown): Promise<void> {
    await this.#answer({ result: result ?? null });
  }

  /** Nobody need try it again. As `finish`. */
  async fail(error: unknown): Promise<void> {
    await this.#answer({ error: error ?? null });
  }

  /** Others may have it, at once. Where the platform does not hear of that they have it when the lease is over. */
  async giveBack(): Promise<void> {
    if (this.#isOver) return;
    this.#isGivenBack = true;
    this.#close();
    await this.#needs.board.tell("release", { task: this.id, lease: this.lease });
  }

  /** The connection is over: soon others may have it. */
  down(): void {
    this.#until = Math.min(this.#until, this.#needs.clock.elapsed() + handOver);
    this.#look();
  }

  /** There is one again, and nobody knows what became of it meanwhile. */
  up(): void {
    this.#renewal = -Infinity;
    this.#look();
  }

  /** Whoever works on it is to stop. */
  abandon(error: DeviceError): void {
    if (this.#isOver) return;
    this.#close();
    this.#controller.abort(error);
  }

  async #answer(outcome: object): Promise<void> {
    const { board } = this.#needs;
    if (isTooLarge(outcome)) throw new DeviceError("task.tooLarge");
    this.#look();
    if (this.#isOver) throw lost();
    try {
      await board.owe("answer", { task: this.id, lease: this.lease, ...outcome });
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.abandon(lost(error));
      throw lost(error);
    }
    this.#close();
  }

  /** @param left seconds, as the platform says, which is believed as far as it was asked */
  #hold(asked: number, left: number): void {
    const { keepAlive } = this.#needs;
    const leased = Math.min(left, this.#seconds) * second * 0.9;
    // It may have hung up long before we notice, and says so to nobody.
    const unnoticed = keepAlive > 0 ? keepAlive * 1.5 * second + handOver : Infinity;
    this.#until = asked + Math.min(leased, unnoticed);
    this.#renewal = asked + Math.min((this.#seconds * second) / 3, renewAfter);
    this.#await();
  }

  /** A timer stands still while the machine is suspended, so none waits for longer than a second. */
  #await(): void {
    const { timers, clock } = this.#needs;
    this.#next?.cancel();
    const wait = Math.min(this.#until, this.#renewal) - clock.elapsed();
    this.#next = timers.after(Math.max(0, Math.min(wait, second)), () => this.#look());
  }

  #look(): void {
    if (this.#isOver) return;
    const elapsed = this.#needs.clock.elapsed();
    if (elapsed >= this.#until) return this.abandon(lost());
    if (elapsed >= this.#renewal) void this.#renew();
    this.#await();
  }

  /** Never rejects. */
  async #renew(): Promise<void> {
    this.#renewal = Infinity;
    if (this.#isRenewing) return;
    const { board, clock, random, emitter } = this.#needs;
    this.#isRenewing = true;
    const asked = clock.elapsed();
    try {
      const about = { task: this.id, lease: this.lease, seconds: this.#seconds };
      const patience = (this.#seconds * second) / 3;
      const { renewed } = (await board.ask("renew", about, patience)) as { renewed?: unknown };
      const { id, lease, seconds } = leasedIn(renewed);
      if (this.#isOver || id !== this.id || lease !== this.lease) return;
      this.#hold(asked, seconds);
    } catch (error) {
      if (this.#isOver) return;
      if (isRefusal(error)) return this.abandon(lost(error));
      // Without a connection it is renewed when there is one; else once more, while there is time.
      const isOffline = error instanceof DeviceError && error.code === "connection.ended";
      if (!isOffline) this.#renewal = clock.elapsed() + second * (1 + fraction(random));
      if (!(error instanceof DeviceError)) emitter.emit("fault", error);
    } finally {
      this.#isRenewing = false;
    }
  }

  #close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#next?.cancel();
    this.#needs.ended(this);
  }
}

/** The platform takes it neither larger nor nested deeper. */
export function isTooLarge(outcome: object): boolean {
  const text = JSON.stringify(outcome);
  return new TextEncoder().encode(text).length > mostBytes || !isSoundJson(JSON.parse(text));
}

const lost = (cause?: unknown): DeviceError => new DeviceError("task.lost", { cause });

/** Not authorized, payload format invalid: it is another's, or none any more. Anything else may pass. */
const isRefusal = (error: unknown): boolean =>
  error instanceof DeviceError && (error.reason === 0x87 || error.reason === 0x99 || error.reason === 0x90);
