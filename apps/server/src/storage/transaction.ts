import { Refusal } from "@holdfast/kernel";
import { Conflict, ConnectionLost } from "./failure.ts";
import { unavailable, type Patience } from "./patience.ts";
import type { Pool } from "./pool.ts";
import type { Session } from "./session.ts";

/** How often work is run when other transactions are in the way (serialisation failures, deadlocks), the first time included. */
const attemptsAtMost = 3;

/** What work is given: statements of one transaction, each sent at once without waiting for the one before. */
export type Query = <Row>(text: string, values: readonly unknown[]) => Promise<readonly Row[]>;

export type Plan = {
  /** `begin …` and what has to be set; one message. */
  readonly begin: string;
  /** Called when COMMIT was sent and nothing came back: nobody knows whether it was done. */
  readonly doubtful: () => void;
  /** What is left of the caller's. */
  readonly patience?: Patience;
};

/**
 * Runs `work` in a transaction and commits it. `work` may be run again from its beginning: after a conflict, or when the
 * connection turned out to be broken before anything of it was sent.
 */
export async function transact<T>(pool: Pool, plan: Plan, work: (query: Query) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const session = await pool.borrow(plan.patience);
    const transaction = new Transaction(session);
    try {
      return await transaction.run(plan, work);
    } catch (error) {
      // Broken while it lay idle: another connection is as good, and `borrow` waits for PostgreSQL.
      if (error instanceof ConnectionLost && !transaction.hasBegun) continue;
      if (error instanceof ConnectionLost) throw unavailable();
      if (!(error instanceof Conflict)) throw error;
      if (attempt >= attemptsAtMost) throw new Refusal("storage.unavailable", { retryAfterSeconds: 1, cause: error });
    } finally {
      pool.giveBack(session);
    }
  }
}

/** Like `transact`, for work that only reads: its answer does not wait for the end of the transaction. */
export async function look<T>(pool: Pool, begin: string, work: (query: Query) => Promise<T>): Promise<T> {
  for (;;) {
    const session = await pool.borrow();
    const transaction = new Transaction(session);
    let end: Promise<unknown> = Promise.resolve();
    try {
      const value = await transaction.see(begin, work);
      end = session.run("commit");
      return value;
    } catch (error) {
      end = session.isUsable ? session.run("rollback") : end;
      if (error instanceof ConnectionLost && !transaction.hasBegun) continue;
      throw error instanceof ConnectionLost || error instanceof Conflict ? unavailable() : error;
    } finally {
      // When it cannot even end, the session is broken, and `giveBack` sees that.
      void end.then(
        () => pool.giveBack(session),
        () => {
          session.destroy();
          pool.giveBack(session);
        },
      );
    }
  }
}

/**
 * One statement, a transaction by itself, that may safely be run twice: when the connection breaks it is sent again, once
 * PostgreSQL is back.
 */
export async function statement<Row>(pool: Pool, text: string, values: readonly unknown[]): Promise<readonly Row[]> {
  for (let attempt = 1; ; attempt += 1) {
    const session = await pool.borrow();
    try {
      return await session.query<Row>(text, values);
    } catch (error) {
      if (!(error instanceof ConnectionLost || error instanceof Conflict)) throw error;
      if (attempt >= attemptsAtMost) throw unavailable();
    } finally {
      pool.giveBack(session);
    }
  }
}

class Transaction {
  readonly #session: Session;
  #failure: Error | undefined;
  #isOver = false;
  hasBegun = false;

  constructor(session: Session) {
    this.#session = session;
  }

  async run<T>(plan: Plan, work: (query: Query) => Promise<T>): Promise<T> {
    let value: T;
    try {
      value = await this.see(plan.begin, work);
    } catch (error) {
      await this.#rollBack();
      // The first failure is why the transaction ended; what work made of it may be another.
      throw this.#failure instanceof Conflict || this.#failure instanceof ConnectionLost ? this.#failure : error;
    }
    await this.#commit(plan.doubtful);
    return value;
  }

  /** Begins, works, and leaves the end to the caller. */
  async see<T>(begin: string, work: (query: Query) => Promise<T>): Promise<T> {
    let begun: Promise<void> = Promise.resolve();
    try {
      // BEGIN is not awaited: what work sends first goes out in the same write.
      return await this.#session.together(() => {
        begun = this.#session.run(begin).then(() => void (this.hasBegun = true));
        begun.catch(() => undefined); // awaited below, if work does not fail first
        return work((text, values) => this.#query(text, values));
      });
    } finally {
      this.#isOver = true;
      await begun;
    }
  }

  async #query<Row>(text: string, values: readonly unknown[]): Promise<readonly Row[]> {
    // The connection may serve another organisation by now.
    if (this.#isOver) throw new Error("a statement came after its transaction had ended: an await is missing");
    try {
      return await this.#session.query<Row>(text, values);
    } catch (error) {
      if (error instanceof Error) this.#failure ??= error;
      // What ends the connection or the attempt is storage's own matter, unless work wants to know.
      throw error;
    }
  }

  async #commit(doubtful: () => void): Promise<void> {
    let tag: string;
    if (!this.#session.isUsable) throw this.#failure ?? new ConnectionLost("the connection to PostgreSQL has ended");
    try {
      tag = await this.#session.run("commit");
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error;
      doubtful();
      throw unavailable("Whether the last change was kept is not known.");
    }
    // A statement had failed and work carried on: PostgreSQL answers a commit of that with a rollback.
    if (tag !== "COMMIT") throw this.#failure ?? new Error(`a transaction ended with ${tag}`);
  }

  async #rollBack(): Promise<void> {
    if (!this.#session.isUsable) return;
    try {
      await this.#session.run("rollback");
    } catch {
      this.#session.destroy(); // PostgreSQL rolls back by itself; the reason of the failure is already known
    }
  }
}
