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
  rmSync,
  writeSync,
} from "node:fs";
import { promisify } from "node:util";
import { DeviceError, type Journal } from "../index.ts";
import { begin, open, type Opened, type Sealer } from "./frames.ts";
import { lock } from "./lock.ts";
import { syncFolderOf } from "./place.ts";

export type Sealing = {
  readonly file: string;
  /** What the file is sealed with: the device's secret, or bytes of your own. Of several the first seals, and the others open what was sealed before. */
  readonly secret: string | Uint8Array | readonly (string | Uint8Array)[];
};

type Secret = string | Uint8Array;

/** A file that is written on: where it ends, and what seals what comes next. */
type Tail = { readonly handle: number; readonly size: number; readonly sealer: Sealer };

/**
 * Records in a file, each sealed. One program at a time has it open; another is told `spool.inUse`. A frame that a kill cut short is left out. Where more than the last
 * one does not open, a copy stays beside as `<file>.damaged`. Throws `spool.unreadable`, and leaves the file, where the secret is not the right one; `spool.unopened`
 * where the file has to be written, because it is new, damaged or of a former secret, and cannot be.
 */
export function openJournal({ file, secret }: Sealing): Journal {
  const secrets = typeof secret === "string" || secret instanceof Uint8Array ? [secret] : secret;
  const [first] = secrets;
  if (first === undefined) throw new DeviceError("spool.unreadable");
  try {
    const unlock = lock(file);
    try {
      return new FileJournal(file, first, found(file, first, secrets), unlock);
    } catch (error) {
      unlock();
      throw error;
    }
  } catch (cause) {
    throw cause instanceof DeviceError ? cause : new DeviceError("spool.unopened", { cause, detail: file });
  }
}

type Found = { readonly records: readonly string[]; readonly tail: Tail };

function found(file: string, first: Secret, secrets: readonly Secret[]): Found {
  rmSync(freshOf(file), { force: true }); // of one that was killed as it wrote it
  if (!existsSync(file)) return foundAnew(file, first, []);
  const bytes = readFileSync(file);
  for (const secret of secrets) {
    const opened = open(bytes, secret);
    if (!opened) continue;
    const { records, isDamaged } = opened;
    if (isDamaged) copyFileSync(file, `${file}.damaged`);
    if (isDamaged || secret !== first) return foundAnew(file, first, records);
    return { records, tail: writtenOn(file, opened, bytes.length) };
  }
  throw new DeviceError("spool.unreadable", { detail: file });
}

function foundAnew(file: string, secret: Secret, records: readonly string[]): Found {
  const tail = writtenAnew(file, secret, records);
  try {
    syncFolderOf(file);
    return { records, tail };
  } catch (error) {
    closeSync(tail.handle);
    throw error;
  }
}

/** Without a copy: on a disk that is full there is no room for one. */
function writtenOn(file: string, { end, sealer }: Opened, size: number): Tail {
  const handle = openSync(file, "r+");
  try {
    if (size > end) {
      // On disk before anything is written over it, or a loss of power could leave the rest of it behind what is.
      ftruncateSync(handle, end);
      fsyncSync(handle);
    }
    return { handle, size: end, sealer };
  } catch (error) {
    closeSync(handle);
    throw error;
  }
}

/** A whole new file in the place of the old one, under a new key; there after a loss of power once its folder is synced. */
function writtenAnew(file: string, secret: Secret, records: readonly string[]): Tail {
  const { head, sealer } = begin(secret);
  const fresh = freshOf(file);
  const handle = openSync(fresh, "w", 0o600);
  try {
    const bytes = Buffer.concat([head, ...records.map((record) => sealer.frame(record))]);
    writeAll(handle, bytes, 0);
    fsyncSync(handle);
    renameSync(fresh, file);
    return { handle, size: bytes.length, sealer };
  } catch (error) {
    closeSync(handle);
    rmSync(fresh, { force: true }); // on a full disk its part would hold the last room that there is
    throw error;
  }
}

class FileJournal implements Journal {
  readonly outlives = true;
  readonly #file: string;
  readonly #secret: Secret;
  readonly #found: readonly string[];
  readonly #unlock: () => void;
  #sealer: Sealer;
  #handle: number;
  #size: number;
  /** The number of its descriptor may be another file's by now. */
  #isClosed = false;
  #syncing: Promise<void> | undefined;
  #nextSync: Promise<void> | undefined;

  constructor(file: string, secret: Secret, { records, tail }: Found, unlock: () => void) {
    this.#file = file;
    this.#unlock = unlock;
    this.#secret = secret;
    this.#found = records;
    ({ sealer: this.#sealer, handle: this.#handle, size: this.#size } = tail);
  }

  get size(): number {
    return this.#size;
  }

  read(): readonly string[] {
    return this.#found;
  }

  append(record: string): void {
    this.#checkOpen();
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
  async sync(): Promise<void> {
    this.#checkOpen();
    return this.#synced();
  }

  #synced(): Promise<void> {
    if (!this.#syncing) return (this.#syncing = this.#flush());
    this.#nextSync ??= this.#syncing.then(
      () => this.#flushNext(),
      () => this.#flushNext(),
    );
    return this.#nextSync;
  }

  rewrite(records: readonly string[]): void {
    this.#checkOpen();
    const old = this.#handle;
    const anew = writtenAnew(this.#file, this.#secret, records);
    ({ sealer: this.#sealer, handle: this.#handle, size: this.#size } = anew);
    const close = () => closeSync(old);
    if (this.#syncing) this.#syncing.then(close, close);
    else close();
    syncFolderOf(this.#file); // last: the old file is not there any more, whatever comes of this
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await Promise.allSettled([this.#nextSync, this.#syncing]); // who asked for them is told what became of them
    try {
      closeSync(this.#handle);
    } finally {
      this.#unlock();
    }
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new DeviceError("device.closed");
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
}

function writeAll(handle: number, bytes: Uint8Array, position: number): void {
  for (let written = 0; written < bytes.length;)
    written += writeSync(handle, bytes, written, bytes.length - written, position + written);
}

const freshOf = (file: string): string => `${file}.new`;
