import {
  closeSync,
  copyFileSync,
  existsSync,
  fdatasync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { DeviceError, type Journal } from "../index.ts";
import { open, Sealer } from "./frames.ts";
import { lock } from "./lock.ts";

export type Sealing = {
  readonly file: string;
  /** What the file is sealed with: the device's secret, or bytes of your own. Of several the first seals, and the others open what was sealed before. */
  readonly secret: string | Uint8Array | readonly (string | Uint8Array)[];
};

/**
 * Records in a file, each sealed. One program at a time has it open; another is told `spool.inUse`. A frame that a kill cut short is left out. Where more than the last
 * one does not open, a copy stays beside as `<file>.damaged`. Throws `spool.unreadable`, and leaves the file, where the secret is not the right one.
 */
export function openJournal({ file, secret }: Sealing): Journal {
  const secrets = typeof secret === "string" || secret instanceof Uint8Array ? [secret] : secret;
  const [first] = secrets;
  if (first === undefined) throw new DeviceError("spool.unreadable");
  const unlock = lock(file);
  try {
    return new FileJournal(file, first, recordsIn(file, secrets), unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

function recordsIn(file: string, secrets: readonly (string | Uint8Array)[]): readonly string[] {
  if (!existsSync(file)) return [];
  const bytes = readFileSync(file);
  for (const secret of secrets) {
    const opened = open(bytes, secret);
    if (!opened) continue;
    if (opened.isDamaged) copyFileSync(file, `${file}.damaged`);
    return opened.records;
  }
  throw new DeviceError("spool.unreadable", { detail: file });
}

class FileJournal implements Journal {
  readonly outlives = true;
  readonly #file: string;
  readonly #secret: string | Uint8Array;
  readonly #found: readonly string[];
  readonly #unlock: () => void;
  #sealer: Sealer;
  #handle: number;
  #size: number;
  #syncing: Promise<void> | undefined;
  #nextSync: Promise<void> | undefined;

  constructor(file: string, secret: string | Uint8Array, records: readonly string[], unlock: () => void) {
    this.#file = file;
    this.#unlock = unlock;
    this.#secret = secret;
    this.#found = records;
    ({ sealer: this.#sealer, handle: this.#handle, size: this.#size } = this.#write(records));
  }

  get size(): number {
    return this.#size;
  }

  read(): readonly string[] {
    return this.#found;
  }

  append(record: string): void {
    const frame = this.#sealer.frame(record);
    try {
      writeAll(this.#handle, frame, this.#size);
    } catch (error) {
      // Half a frame would end the file for whoever reads it.
      this.#sealer.takeBack();
      ftruncateSync(this.#handle, this.#size);
      throw error;
    }
    this.#size += frame.length;
  }

  /** While one is under way, all who ask share the one after it. */
  sync(): Promise<void> {
    if (!this.#syncing) return (this.#syncing = this.#flush());
    this.#nextSync ??= this.#syncing.then(
      () => this.#flushNext(),
      () => this.#flushNext(),
    );
    return this.#nextSync;
  }

  rewrite(records: readonly string[]): void {
    const old = this.#handle;
    ({ sealer: this.#sealer, handle: this.#handle, size: this.#size } = this.#write(records));
    const close = () => closeSync(old);
    if (this.#syncing) this.#syncing.then(close, close);
    else close();
  }

  async close(): Promise<void> {
    try {
      await this.#nextSync;
      await this.#syncing;
    } finally {
      closeSync(this.#handle);
      this.#unlock();
    }
  }

  #flushNext(): Promise<void> {
    this.#nextSync = undefined;
    return (this.#syncing = this.#flush());
  }

  async #flush(): Promise<void> {
    try {
      await promisify(fdatasync)(this.#handle);
    } finally {
      this.#syncing = undefined;
    }
  }

  /** A whole new file in the place of the old one, under a new key. */
  #write(records: readonly string[]) {
    const sealer = new Sealer(this.#secret);
    const fresh = `${this.#file}.new`;
    const handle = openSync(fresh, "w", 0o600);
    try {
      const bytes = Buffer.concat([sealer.head, ...records.map((record) => sealer.frame(record))]);
      writeAll(handle, bytes, 0);
      fsyncSync(handle);
      renameSync(fresh, this.#file);
      const folder = openSync(path.dirname(this.#file), "r");
      fsyncSync(folder);
      closeSync(folder);
      return { sealer, handle, size: bytes.length };
    } catch (error) {
      closeSync(handle);
      throw error;
    }
  }
}

function writeAll(handle: number, bytes: Uint8Array, position: number): void {
  for (let written = 0; written < bytes.length;)
    written += writeSync(handle, bytes, written, bytes.length - written, position + written);
}
