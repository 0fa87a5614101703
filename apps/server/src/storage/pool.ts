import { Refusal, type Timers } from "@holdfast/kernel";
import { ConnectFailed } from "./failure.ts";
import { Patience, unavailable } from "./patience.ts";
import type { Session } from "./session.ts";

const waitingAtMost = 2_000;
const retryEveryMs = 100;

type Waiting = { resolve: (session: Session) => void; reject: (error: Error) => void };

export interface Gate {
  readonly isOpen: boolean;
  /** It has been closed for so long that nobody need wait for it any more. */
  readonly isLong: boolean;
  /** Refuses when it will never open again. */
  opened(): Promise<void>;
}

type Needs = {
  readonly connect: () => Promise<Session>;
  readonly size: number;
  readonly timers: Timers;
  /** Holds everybody back while the server's lock is lost. */
  readonly gate: Gate;
  /** Aborted when the platform closes: from then on nobody waits for a PostgreSQL that is away. */
  readonly closing?: AbortSignal | undefined;
};

/** The connections of one door. Whoever finds none waits up to ten seconds, as long as PostgreSQL takes to come back. */
export class Pool {
  readonly #needs: Needs;
  readonly #idle: Session[] = [];
  readonly #waiting: Waiting[] = [];
  readonly #all = new Set<Session>();
  /** How to send whoever waits at the gate away. */
  readonly #atGate = new Set<() => void>();
  #connecting = 0;
  #isClosed = false;

  constructor(needs: Needs) {
    this.#needs = needs;
    needs.closing?.addEventListener("abort", () => this.#hurry(), { once: true });
  }

  /**
   * A connection of one's own, until it is given back.
   * @throws Refusal `storage.unavailable` when patience is over, `stopping`
   */
  async borrow(patience?: Patience): Promise<Session> {
    if (this.#isClosed) throw new Refusal("stopping");
    const idle = this.#needs.gate.isOpen ? this.#takeIdle() : undefined;
    if (idle) return idle;
    const mine = patience ?? new Patience(this.#needs.timers);
    try {
      for (;;) {
        if (!this.#needs.gate.isOpen) await this.#pass(mine);
        const session = this.#takeIdle() ?? (await this.#wait(mine));
        if (this.#needs.gate.isOpen) return session;
        this.giveBack(session); // the lock was lost while we waited
      }
    } finally {
      if (!patience) mine.end();
    }
  }

  #takeIdle(): Session | undefined {
    for (let session = this.#idle.pop(); session; session = this.#idle.pop()) if (session.isUsable) return session;
    return undefined;
  }

  #pass(patience: Patience): Promise<void> {
    if (this.#needs.gate.isLong) throw unavailable();
    return new Promise((resolve, reject) => {
      const giveUp = (): void => reject(unavailable());
      this.#atGate.add(giveUp);
      patience.whenOver(giveUp);
      void this.#needs.gate
        .opened()
        .then(resolve, reject)
        .then(() => this.#atGate.delete(giveUp));
    });
  }

  #wait(patience: Patience): Promise<Session> {
    if (this.#isClosed) throw new Refusal("stopping");
    if (this.#waiting.length >= waitingAtMost) throw unavailable("Too much is waiting for it.");
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { resolve, reject };
      this.#waiting.push(waiting);
      patience.whenOver(() => {
        const at = this.#waiting.indexOf(waiting);
        if (at < 0) return; // served, or refused for another reason
        this.#waiting.splice(at, 1);
        reject(unavailable());
      });
      this.#grow();
    });
  }

  /** A connection that was made elsewhere. */
  adopt(session: Session): void {
    this.#all.add(session);
    void session.ended.then(() => {
      this.#all.delete(session);
      const at = this.#idle.indexOf(session);
      if (at >= 0) this.#idle.splice(at, 1);
      this.#grow();
    });
    this.giveBack(session);
  }

  giveBack(session: Session): void {
    if (!session.isUsable) return this.#grow();
    const next = this.#waiting.shift();
    if (next) next.resolve(session);
    else if (this.#isClosed) void session.close();
    else this.#idle.push(session);
  }

  /** Breaks every connection: whoever waits for an answer is told at once that none came. */
  breakAll(): void {
    for (const session of this.#all) session.destroy();
  }

  /** Whoever waits is refused, what is lent out ends when it comes back. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#refuseAll(new Refusal("stopping"));
    for (const session of this.#idle.splice(0)) void session.close();
    const ended = Promise.all([...this.#all].map((session) => session.ended));
    const timer = this.#needs.timers.after(5_000, () => this.#all.forEach((session) => session.destroy()));
    await ended;
    timer.cancel();
  }

  #grow(): void {
    if (this.#isClosed || this.#waiting.length <= this.#connecting) return;
    if (this.#all.size + this.#connecting >= this.#needs.size) return;
    this.#connecting += 1;
    void this.#connect();
  }

  async #connect(): Promise<void> {
    try {
      const session = await this.#needs.connect();
      this.#connecting -= 1;
      this.adopt(session);
    } catch (error) {
      if (!(error instanceof ConnectFailed && error.mayRecover)) {
        this.#connecting -= 1;
        this.#refuseAll(error instanceof Error ? error : new Error(String(error)));
        return;
      }
      if (this.#needs.closing?.aborted) this.#refuseAll(unavailable());
      // Else nobody is told yet: PostgreSQL may be starting. Who waits gives up by himself.
      this.#needs.timers.after(retryEveryMs, () => {
        this.#connecting -= 1;
        this.#grow();
      });
    }
  }

  /** The platform closes. Where PostgreSQL answers, whoever waits is served all the same. */
  #hurry(): void {
    if (this.#needs.gate.isOpen) return;
    for (const giveUp of this.#atGate) giveUp();
    this.#refuseAll(unavailable());
  }

  #refuseAll(error: Error): void {
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
  }
}
