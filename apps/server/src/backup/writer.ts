import { StreamSealer } from "@holdfast/crypto";
import type { Keyring } from "../storage/index.ts";
import { frameBytes, headerOf, keyOf, kinds, newDigest, type Finish, type Head, type Kind } from "./format.ts";

/** Where a backup goes: each call after the one before was answered. */
export type Out = (bytes: Uint8Array) => Promise<void>;

/** Bytes that may wait to be written; then whoever gives more waits. */
const mostWaiting = 4 * 1024 * 1024;

const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** Writes the frames of a backup, sealed. */
export class BackupWriter {
  readonly #out: Out;
  readonly #sealer: StreamSealer;
  #digest = newDigest();
  readonly #rows = Buffer.allocUnsafeSlow(frameBytes);
  #rowBytes = 0;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  /** Of rows and readings, so far. */
  bytes = 0;
  tables = 0;
  rows = 0;

  constructor(needs: { out: Out; keyring: Pick<Keyring, "instance" | "instanceKey">; id: Uint8Array; head: Head }) {
    this.#out = needs.out;
    this.#sealer = new StreamSealer(keyOf(needs.keyring, needs.id));
    this.#give(headerOf(needs.keyring.instance, needs.id));
    this.#frame(kinds.head, json(needs.head));
  }

  table(table: object): void {
    this.tables += 1;
    this.#digest = newDigest();
    this.#frame(kinds.table, json(table));
  }

  /** Takes the bytes in this turn: they are the connection's. Answers with a promise where there is something to wait for. */
  copied(bytes: Uint8Array): Promise<void> | void {
    for (let at = 0; at < bytes.length;) {
      const some = bytes.subarray(at, at + frameBytes - this.#rowBytes);
      this.#rows.set(some, this.#rowBytes);
      this.#rowBytes += some.length;
      at += some.length;
      if (this.#rowBytes === frameBytes) this.#flushRows();
    }
    return this.#waitingBytes > mostWaiting ? this.#write() : undefined;
  }

  async readings(bytes: Uint8Array): Promise<void> {
    this.#content(kinds.readings, bytes);
    if (this.#waitingBytes > mostWaiting) await this.#write();
  }

  async end(rows: number): Promise<void> {
    this.#flushRows();
    this.rows += rows;
    this.#frame(kinds.end, json({ rows, sha256: this.#digest.digest("hex") }));
    await this.#write();
  }

  async finish(rest: Omit<Finish, "tables" | "rows">): Promise<void> {
    this.#frame(kinds.finish, json({ tables: this.tables, rows: this.rows, ...rest }));
    this.#give(this.#sealer.final());
    await this.#write();
  }

  #flushRows(): void {
    if (this.#rowBytes > 0) this.#content(kinds.rows, this.#rows.subarray(0, this.#rowBytes));
    this.#rowBytes = 0;
  }

  #content(kind: Kind, bytes: Uint8Array): void {
    this.#digest.update(bytes);
    this.bytes += bytes.length;
    this.#frame(kind, bytes);
  }

  #frame(kind: Kind, bytes: Uint8Array): void {
    const head = Buffer.alloc(5);
    head[0] = kind;
    head.writeUInt32BE(bytes.length, 1);
    for (const sealed of this.#sealer.update(Buffer.concat([head, bytes]))) this.#give(sealed);
  }

  #give(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
  }

  /** One after another: PostgreSQL may have sent more before it heard that it is to wait. */
  #writing = Promise.resolve();
  #write(): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      const all = Buffer.concat(this.#waiting.splice(0));
      this.#waitingBytes = 0;
      if (all.length > 0) await this.#out(all);
    });
    return this.#writing;
  }
}
