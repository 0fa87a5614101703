import { Refusal, uuidOf, type Id } from "@holdfast/kernel";
import { Conflict, ConnectionLost } from "./failure.ts";
import { patienceMs, unavailable } from "./patience.ts";
import type { Pool } from "./pool.ts";
import type { Session } from "./session.ts";
import { transact, type Query } from "./transaction.ts";

/** One INSERT for one organisation: `text` comes from `insertInto`, and `values` are those of its columns. */
export type Append = {
  readonly org: Id<"org">;
  readonly text: string;
  readonly values: readonly unknown[];
};

/** Which of several appends PostgreSQL refused. None of them was kept. */
export class AppendFailed extends Error {
  override readonly name = "AppendFailed";
  readonly index: number;

  constructor(index: number, cause: unknown) {
    super(`append ${index} was refused`, { cause });
    this.index = index;
  }
}

/**
 * The text of an INSERT that sets its organisation and inserts in one statement: row-level security without a round trip
 * of its own. It holds for INSERT only; a SELECT written like this would read the rows of whoever was set before.
 * `table` and `columns` are names of ours, never a caller's.
 */
export function insertInto(table: string, columns: readonly string[]): string {
  const places = columns.map((_, index) => `$${index + 2}`);
  return `with it as materialized (select set_config('app.org', $1, true)::uuid as org)
    insert into holdfast.${table} (${["org", ...columns].join(", ")}) select ${["it.org", ...places].join(", ")} from it`;
}

type Needs = {
  readonly pool: Pool;
  /** Looks at a failure, and throws it. */
  readonly failed: (error: unknown) => never;
};

/** The committer's door: it adds rows of several organisations in one transaction, and reads nothing. */
export class Ingest {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /**
   * All or none, in one round trip: a single append commits by itself, several are sent together with BEGIN and COMMIT.
   * @throws AppendFailed; Refusal `storage.full`; Refusal `storage.unavailable`, after which it may or may not have been kept
   */
  async append(appends: readonly Append[]): Promise<void> {
    if (appends.length === 0) return;
    const { pool, failed } = this.#needs;
    const session = await pool.borrow();
    // PostgreSQL may hang at the disk, and then heeds no timeout of its own.
    const deadline = setTimeout(() => session.destroy(), patienceMs).unref();
    try {
      await send(session, appends);
    } catch (error) {
      failed(error);
    } finally {
      clearTimeout(deadline);
      pool.giveBack(session);
    }
  }

  /**
   * For what one INSERT cannot say: functions that set each organisation in turn. Like `Storage.change`, run again when
   * another transaction is in the way.
   * @throws Refusal `storage.full`; Refusal `storage.unavailable`, after which it may or may not have been kept
   */
  async transaction<T>(work: (query: Query) => Promise<T>): Promise<T> {
    const { pool, failed } = this.#needs;
    try {
      return await transact(pool, { begin: "begin", doubtful: () => undefined }, work);
    } catch (error) {
      return failed(error);
    }
  }
}

async function send(session: Session, appends: readonly Append[]): Promise<void> {
  const isAlone = appends.length === 1;
  const [outcomes, end] = session.together(() => {
    const begun = isAlone ? undefined : session.run("begin");
    const inserted = appends.map(({ org, text, values }) => session.query(text, [uuidOf(org), ...values]));
    const ended = isAlone ? undefined : session.run("commit");
    // Each is settled, so that a failure of one leaves none of the others unheard.
    return [Promise.allSettled(inserted), Promise.allSettled([begun, ended])] as const;
  });
  const failures = (await outcomes).map((outcome) =>
    outcome.status === "rejected" ? asError(outcome.reason) : undefined,
  );
  const [begun, ended] = await end;

  // The first one: those behind it failed because the transaction had.
  const index = failures.findIndex((failure) => failure !== undefined);
  const failure = failures[index];
  if (failure instanceof Refusal) throw failure;
  if (failure instanceof Conflict) throw new Refusal("storage.unavailable", { retryAfterSeconds: 1, cause: failure });
  if (failure && !(failure instanceof ConnectionLost)) throw new AppendFailed(index, failure);
  if (failure || begun.status === "rejected" || ended.status === "rejected") throw unavailable();
  if (!isAlone && ended.value !== "COMMIT") throw new Error(`a transaction ended with ${ended.value}`);
}

const asError = (reason: unknown): Error => (reason instanceof Error ? reason : new Error(String(reason)));
