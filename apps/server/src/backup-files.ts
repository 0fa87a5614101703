import { createReadStream, readdirSync, rmSync, statfsSync, statSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import path from "node:path";
import { Refusal, rfc3339, type Clock, type Instant, type Random } from "@holdfast/kernel";
import { codeOf, moveUnlessThere, syncFolder } from "./backup-file.ts";
import { makeBackup, verifyBackup, type Summary } from "./backup/index.ts";
import type { Keyring, Snapshot } from "./storage/index.ts";
import { version } from "./version.ts";

type Needs = {
  /** A file that is not there yet. */
  readonly file: string;
  readonly take: () => Promise<Snapshot>;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly random: Random;
  readonly progress?: ((step: "made" | "read back", done: number, about: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
};

/** Of a file that is one. */
export const ending = ".backup";
/** Of a backup that was begun and not ended: nothing takes it for one. */
const unfinished = ".part";

/**
 * Writes a backup and reads it back, seal by seal. Under its own name it appears when all of it is good and on the disk; whatever happens before,
 * nothing is left but a file with another ending, if that.
 * @throws Refusal `storage.full`, `backup.damaged`, `config.malformed`; the signal's reason
 */
export async function writeBackup({ file, take, progress, signal, ...needs }: Needs): Promise<Summary> {
  const draft = `${file}${unfinished}`;
  rmSync(draft, { force: true });
  try {
    const handle = await open(draft, "wx", 0o600);
    let made: Awaited<ReturnType<typeof makeBackup>>;
    let length = 0;
    try {
      made = await makeBackup({
        ...needs,
        version,
        signal,
        async take() {
          const snapshot = await take();
          refuseWithoutRoom(draft, snapshot.bytes);
          return snapshot;
        },
        async out(bytes) {
          await writeAll(handle, bytes);
          length += bytes.length;
        },
        progress: (done, about) => progress?.("made", done, about),
      });
      await handle.sync();
    } finally {
      await handle.close();
    }
    const summary = await verifyFile(draft, needs.keyring, {
      signal,
      progress: (done) => progress?.("read back", done, length),
    });
    const isSame = summary.id === made.id && summary.rows === made.rows && summary.tables === made.tables;
    if (!isSame || summary.bytes !== length)
      throw new Refusal("backup.damaged", { detail: "What was read back is not what was written." });
    moveUnlessThere(draft, file);
    syncFolder(path.dirname(file));
    await needs.keyring.backups.note({ id: summary.id, at: summary.at, isGood: true });
    return summary;
  } catch (error) {
    if (codeOf(error) === "ENOSPC" || codeOf(error) === "EDQUOT")
      throw new Refusal("storage.full", { cause: error, detail: `It is the disk of ${path.dirname(file)}.` });
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

type Watch = {
  readonly signal?: AbortSignal | undefined;
  readonly progress?: ((done: number, about: number) => void) | undefined;
};

/** Whether a file is a backup of these keys' instance, and whole. @throws Refusal `backup.damaged`, `keyring.wrong`, `storage.newer`, `config.malformed` */
export const verifyFile = (file: string, keyring: Keyring, watch: Watch = {}): Promise<Summary> =>
  verifyBackup(bytesOf(file, watch), keyring);

/** What is in a file, from its beginning to its end. @throws Refusal `config.malformed` */
export async function* bytesOf(file: string, { signal, progress }: Watch = {}): AsyncGenerator<Uint8Array> {
  try {
    const about = statSync(file).size;
    let done = 0;
    for await (const bytes of createReadStream(file, { highWaterMark: 1024 * 1024 })) {
      signal?.throwIfAborted();
      done += bytes.length;
      progress?.(done, about);
      yield bytes;
    }
  } catch (cause) {
    if (!(cause instanceof Error) || !("syscall" in cause)) throw cause;
    throw new Refusal("config.malformed", { cause, detail: `${file} cannot be read (${codeOf(cause) ?? "unknown"}).` });
  }
}

/** How a backup is called in a folder: by whose it is, and when it was made. */
export const nameIn = (folder: string, instance: string, at: Instant): string =>
  path.join(folder, `${prefixOf(instance)}${rfc3339(at).replaceAll(/[-:]|\.\d+/g, "")}${ending}`);

/**
 * Removes what was begun in a folder by backups of this instance that a kill or a power cut ended, and answers which files. Whoever makes one writes to it,
 * and reads it back, within a day.
 */
export function removeCutOff(folder: string, instance: string, now: Instant): readonly string[] {
  const left = readdirSync(folder)
    .filter((name) => name.startsWith(prefixOf(instance)) && name.endsWith(`${ending}${unfinished}`))
    .map((name) => path.join(folder, name))
    .filter((file) => (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? now) < now - day);
  for (const file of left) rmSync(file, { force: true });
  return left;
}

const day = 86_400_000;

export const prefixOf = (instance: string): string => `holdfast-${instance.slice(0, 8)}-`;

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += (await handle.write(bytes, at)).bytesWritten;
}

/** A disk that is full in the end was found full after an hour; and it may be the disk of the data, which go on. */
function refuseWithoutRoom(file: string, needed: number): void {
  const { bavail, bsize } = statfsSync(path.dirname(file));
  const free = bavail * bsize;
  if (free > needed * 1.05 + spare) return;
  const inMegabytes = (bytes: number) => Math.ceil(bytes / 1_000_000).toLocaleString("en");
  const detail = `${path.dirname(file)} has ${inMegabytes(free)} MB left, and the backup needs about ${inMegabytes(needed)}.`;
  throw new Refusal("storage.full", { detail });
}

/** Bytes that are left alone. */
const spare = 64 * 1024 * 1024;
