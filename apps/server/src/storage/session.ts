import pg from "pg";
import { CopyIn, CopyOut } from "./copy.ts";
import { ConnectFailed, ConnectionLost, failureOf } from "./failure.ts";
import type { Login } from "./login.ts";
import { parserOf } from "./values.ts";

/**
 * How every session of ours behaves, given at connecting, so that neither the database's nor the role's settings decide it:
 * a commit is on disk before it answers; nothing waits for ever; names resolve in our schema only, temporary objects last.
 */
const settings = {
  search_path: "holdfast,pg_temp",
  synchronous_commit: "on",
  TimeZone: "UTC",
  jit: "off",
  row_security: "on",
  bytea_output: "hex",
  client_min_messages: "warning",
  statement_timeout: "30s",
  lock_timeout: "10s",
  idle_in_transaction_session_timeout: "60s",
  idle_session_timeout: "0",
};

/** How many texts a session remembers as prepared statements; texts beyond that are parsed each time. */
const preparedAtMost = 256;

const connectWithinMs = 5_000;

/** One connection to PostgreSQL. Statements are pipelined: each goes out when it is given, without waiting for the one before. */
export class Session {
  readonly #client: pg.Client;
  readonly #names = new Map<string, string>();
  #isUsable = true;
  /** Settles when the connection has ended, for whatever reason. Never rejects. */
  readonly ended: Promise<void>;

  private constructor(client: pg.Client) {
    this.#client = client;
    this.ended = new Promise((resolve) => {
      const end = () => {
        this.#isUsable = false;
        resolve();
      };
      client.once("end", end);
      // Without a listener an idle connection that breaks would end the process; whoever uses it next is told.
      client.on("error", end);
    });
  }

  /** `name` is what it is called in pg_stat_activity; `signal` ends the attempt. @throws ConnectFailed */
  static async connect(
    login: Login,
    name: string,
    more: Partial<typeof settings> = {},
    signal?: AbortSignal,
  ): Promise<Session> {
    const config = {
      host: login.host,
      port: login.port,
      user: login.user,
      // A function keeps `pg` from looking for passwords in the environment and in files.
      password: () => login.password ?? "",
      database: login.database,
      ssl: login.tls ?? false,
      application_name: name,
      options: Object.entries({ ...settings, ...more })
        .map(([key, value]) => `-c ${key}=${value}`)
        .join(" "),
      connectionTimeoutMillis: connectWithinMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      pipeline: true, // newer than its types
      types: { getTypeParser: parserOf },
    };
    const client = new pg.Client(config);
    const session = new Session(client);
    const abort = (): void => session.destroy();
    signal?.addEventListener("abort", abort, { once: true });
    try {
      signal?.throwIfAborted();
      await client.connect();
      return session;
    } catch (error) {
      session.destroy();
      throw new ConnectFailed(error);
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  get isUsable(): boolean {
    return this.#isUsable;
  }

  /** One statement with its values, prepared once per connection. The rows are `Row` because the text says so. */
  async query<Row>(text: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    const statement = { text, values: [...values], name: this.#nameOf(text), queryMode: "extended" };
    const result = await this.#send(() => this.#client.query(statement));
    return result.rows as readonly Row[]; // the text says what the rows are
  }

  /** Several statements without values in one message. Answers with the command tag of the last: `COMMIT`, `ROLLBACK`, …. */
  async run(text: string): Promise<string> {
    // With several statements `pg` answers with a list of results.
    const result: unknown = await this.#send(() => this.#client.query(text));
    const last: unknown = Array.isArray(result) ? result.at(-1) : result;
    return last instanceof pg.Result ? last.command : "";
  }

  /** `copy … to stdout`: gives away what comes, as it comes, and waits where it is told to. The bytes are good in that turn alone. Answers how many rows it was. */
  async copyOut(text: string, take: (bytes: Uint8Array) => Promise<void> | void): Promise<number> {
    return this.#send(() => CopyOut.run(this.#client, text, take));
  }

  /** `copy … from stdin`. Answers how many rows were taken. */
  async copyIn(text: string, bytes: AsyncIterable<Uint8Array>): Promise<number> {
    return this.#send(() => CopyIn.run(this.#client, text, bytes));
  }

  /** After the last answer: whether a transaction is open, one that failed included. */
  get isInTransaction(): boolean {
    return this.#client.getTransactionStatus() !== "I";
  }

  /** What `send` sends goes out as one write. */
  together<T>(send: () => T): T {
    const { stream } = this.#client.connection;
    stream.cork();
    try {
      return send();
    } finally {
      stream.uncork();
    }
  }

  /** Says goodbye, waiting for the statements that are under way. */
  async close(): Promise<void> {
    this.#isUsable = false;
    await this.#client.end();
  }

  /** Closes the connection at once; PostgreSQL rolls back what it had open. */
  destroy(): void {
    this.#isUsable = false;
    this.#client.connection.stream.destroy();
  }

  async #send<T>(send: () => Promise<T>): Promise<T> {
    if (!this.#isUsable) throw new ConnectionLost("the connection to PostgreSQL has ended");
    try {
      return await send();
    } catch (error) {
      const failure = failureOf(error);
      if (failure instanceof ConnectionLost) this.#isUsable = false;
      throw failure;
    }
  }

  #nameOf(text: string): string | undefined {
    const known = this.#names.get(text);
    if (known !== undefined || this.#names.size >= preparedAtMost) return known;
    const name = `s${this.#names.size}`;
    this.#names.set(text, name);
    return name;
  }
}
