import pg from "pg";
import { rfc3339, systemClock, uuidOf, type Id, type Instant } from "@holdfast/kernel";
import type { Login } from "../../apps/server/src/storage/index.ts";
import type { Acknowledged } from "./ours.ts";

/** A telemetry table as most people make it: a row for each point. */
const table = `create table reading (
  device uuid not null, attribute text not null, time timestamptz not null, value double precision not null,
  primary key (device, attribute, time))`;

/** What `pg` gives a query of one's own: its types leave these out. */
type Wire = { query(text: string): void; sendCopyFromChunk(bytes: Buffer): void; endCopyFrom(): void };

/** One COPY, which is one commit. */
class Copy {
  readonly #bytes: Buffer;
  readonly done: Promise<void>;
  readonly #settle: { resolve: () => void; reject: (error: Error) => void };

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.done = promise;
    this.#settle = { resolve, reject };
  }

  submit(connection: Wire): void {
    connection.query("copy reading from stdin");
  }

  handleCopyInResponse(connection: Wire): void {
    connection.sendCopyFromChunk(this.#bytes);
    connection.endCopyFrom();
  }

  handleCommandComplete(): void {}

  handleError(error: Error): void {
    this.#settle.reject(error);
  }

  handleReadyForQuery(): void {
    this.#settle.resolve();
  }
}

/** Plain rows in a PostgreSQL, over some connections. */
export class Rows {
  readonly #clients: pg.Client[];
  #sent = 0;

  private constructor(clients: pg.Client[]) {
    this.#clients = clients;
  }

  static async open(login: Login, connections: number): Promise<Rows> {
    const { tls: _, ...config } = login;
    const clients = Array.from({ length: connections }, () => new pg.Client(config));
    await Promise.all(clients.map((client) => client.connect()));
    return new Rows(clients);
  }

  async makeTable(): Promise<void> {
    await this.#clients[0]?.query(table);
  }

  /** Neither a large table nor what PostgreSQL still has to do for it is left to what is measured next. */
  async empty(): Promise<void> {
    await this.#clients[0]?.query("truncate reading");
    await this.#clients[0]?.query("checkpoint");
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.end()));
  }

  /** Each text is one COPY and one commit; the first `connections` of the connections share them. */
  async copy(texts: readonly Buffer[], connections: number): Promise<void> {
    let next = 0;
    const load = async (client: pg.Client): Promise<void> => {
      for (let text = texts[next++]; text; text = texts[next++]) {
        const copy = new Copy(text);
        // `pg` hands a query over to whatever has `submit`; its types know a narrower connection than it passes.
        client.query(copy as unknown as pg.Submittable);
        await copy.done;
      }
    };
    await Promise.all(this.#clients.slice(0, connections).map(load));
  }

  /** One prepared INSERT a commit. Every device has one outstanding, for so long; the devices share the connections. */
  async insert(devices: readonly Id<"device">[], connections: number, milliseconds: number): Promise<Acknowledged> {
    const name = "insert";
    const text = "insert into reading (device, attribute, time, value) values ($1, $2, $3, $4)";
    const taken: number[] = [];
    const end = performance.now() + milliseconds;
    const start = systemClock.now();
    const began = performance.now();
    // Who shares a connection stands in a queue for it: what is waited there is part of the time to the acknowledgement.
    const serve = async (client: pg.Client, queue: readonly string[]): Promise<void> => {
      const since = new Map(queue.map((uuid) => [uuid, began]));
      for (;;) {
        for (const uuid of queue) {
          const time = rfc3339((start + this.#sent++) as Instant); // whole milliseconds
          await client.query({ name, text, values: [uuid, "temperature", time, 21.53] });
          const now = performance.now();
          taken.push(now - (since.get(uuid) ?? began));
          since.set(uuid, now);
          if (now >= end) return;
        }
      }
    };
    await Promise.all(
      this.#clients.slice(0, connections).map((client, at) =>
        serve(
          client,
          devices.filter((_, one) => one % connections === at).map((device) => uuidOf(device)),
        ),
      ),
    );
    return { acks: taken.length, milliseconds: Float64Array.from(taken) };
  }
}
