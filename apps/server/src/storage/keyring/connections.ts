import type { ConnectionOptions } from "node:tls";
import pg from "pg";
import { outageOf } from "./postgres-failure.ts";

/** Where a PostgreSQL is and as whom to come to it. `host` is a name, an address, or the folder of a Unix socket. */
export type Login = {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password?: string | undefined;
  readonly database: string;
  /** `undefined` speaks plain text. */
  readonly tls?: ConnectionOptions | undefined;
};

const patienceMs = 2_000;
/** For reading everything, and for VACUUM. */
export const longMs = 120_000;

/** One statement; or several, when they have no values. */
export type Query = <Row>(text: string, values?: readonly unknown[], timeoutMs?: number) => Promise<readonly Row[]>;

/** The connections to a keyring's PostgreSQL. Nothing waits for longer than two seconds unless it says so. */
export class Connections {
  readonly #pool: pg.Pool;

  constructor(login: Login) {
    this.#pool = new pg.Pool({
      host: login.host,
      port: login.port,
      user: login.user,
      password: () => login.password ?? "", // a function, or `pg` looks into the environment and files
      database: login.database,
      ssl: login.tls ?? false,
      application_name: "holdfast keyring",
      options: "-c synchronous_commit=on -c search_path=pg_catalog,pg_temp -c bytea_output=hex",
      max: 4,
      connectionTimeoutMillis: patienceMs,
      query_timeout: patienceMs,
      keepAlive: true,
    });
    // An idle connection that breaks: the next question makes another, or is refused.
    this.#pool.on("error", () => undefined);
  }

  /** Statements on their own. @throws Refusal `keyring.unreachable`, `storage.full` */
  lend<T>(work: (query: Query) => Promise<T>): Promise<T> {
    return this.#lend(work, patienceMs);
  }

  /** One transaction. */
  inOne<T>(work: (query: Query) => Promise<T>, timeoutMs = patienceMs): Promise<T> {
    return this.#lend(async (query) => {
      await query("BEGIN");
      const result = await work(query);
      await query("COMMIT");
      return result;
    }, timeoutMs);
  }

  async close(): Promise<void> {
    if (!this.#pool.ending) await this.#pool.end();
  }

  /** A connection on which something failed is closed, which also ends its transaction. */
  async #lend<T>(work: (query: Query) => Promise<T>, usualMs: number): Promise<T> {
    let client: pg.PoolClient | undefined;
    try {
      const lent = (client = await this.#pool.connect());
      const result = await work(async <Row>(text: string, values: readonly unknown[] = [], query_timeout = usualMs) => {
        const asked = { text, values: [...values], query_timeout }; // newer than its types
        return (await lent.query(asked)).rows as readonly Row[]; // the text says what the rows are
      });
      client.release();
      return result;
    } catch (error) {
      client?.release(true);
      throw outageOf(error);
    }
  }
}
