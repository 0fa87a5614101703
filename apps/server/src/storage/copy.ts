import pg from "pg";

// COPY over node-postgres, which leaves it to whoever extends its Query: https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY

type Connection = pg.Connection & {
  sendCopyFromChunk(bytes: Uint8Array): void;
  endCopyFrom(): void;
  sendCopyFail(why: string): void;
};

class Copy extends pg.Query {
  /** How many rows, when it is over. */
  readonly outcome: Promise<number>;
  /** What went wrong on our side, which counts: PostgreSQL only says that it noticed. */
  protected failure: { readonly cause: unknown } | undefined;
  protected isOver = false;

  constructor(text: string) {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const settle = (error: unknown, result?: pg.QueryResult): void => {
      this.isOver = true;
      if (this.failure) reject(this.failure.cause);
      else if (error) reject(error);
      else resolve(result?.rowCount ?? 0);
    };
    super({ text, callback: settle } as never); // its types know no callback
    this.outcome = promise;
  }
}

export class CopyOut extends Copy {
  readonly #take: (bytes: Uint8Array) => Promise<void> | void;
  #taken = Promise.resolve();

  private constructor(text: string, take: (bytes: Uint8Array) => Promise<void> | void) {
    super(text);
    this.#take = take;
  }

  /** @throws what `take` threw; the connection has ended then */
  static async run(
    client: pg.Client,
    text: string,
    take: (bytes: Uint8Array) => Promise<void> | void,
  ): Promise<number> {
    const copy = client.query(new CopyOut(text, take));
    const rows = await copy.outcome;
    await copy.#taken;
    if (copy.failure) throw copy.failure.cause;
    return rows;
  }

  handleCopyData({ chunk }: { chunk: Uint8Array }, connection: Connection): void {
    if (this.failure) return;
    const fail = (cause: unknown): void => {
      this.failure ??= { cause };
      connection.stream.destroy(); // PostgreSQL would go on
    };
    try {
      const taken = this.#take(chunk);
      if (!taken) return;
      connection.stream.pause();
      this.#taken = Promise.all([this.#taken, taken]).then(() => void connection.stream.resume(), fail);
    } catch (error) {
      fail(error);
    }
  }
}

export class CopyIn extends Copy {
  readonly #bytes: AsyncIterable<Uint8Array>;

  private constructor(text: string, bytes: AsyncIterable<Uint8Array>) {
    super(text);
    this.#bytes = bytes;
  }

  /** @throws what the bytes threw */
  static run(client: pg.Client, text: string, bytes: AsyncIterable<Uint8Array>): Promise<number> {
    return client.query(new CopyIn(text, bytes)).outcome;
  }

  handleCopyInResponse(connection: Connection): void {
    this.#give(connection).catch((cause: unknown) => {
      this.failure = { cause };
      if (!this.isOver) connection.sendCopyFail("what is to be copied cannot be read");
    });
  }

  async #give(connection: Connection): Promise<void> {
    const { stream } = connection;
    for await (const bytes of this.#bytes) {
      if (this.isOver) return; // PostgreSQL refused something, and its error is the answer
      connection.sendCopyFromChunk(bytes);
      if (stream.writableNeedDrain)
        await new Promise((resolve) => stream.once("drain", resolve).once("close", resolve));
    }
    if (!this.isOver) connection.endCopyFrom();
  }
}
