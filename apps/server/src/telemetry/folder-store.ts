import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";

/** What chunks are moved to: names and bytes, each written once. */
export interface ObjectStore {
  /** Durable once it is answered. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** `undefined` when there is no such object, or it ends before. */
  read(name: string, from: number, length: number): Promise<Uint8Array | undefined>;
  /** Also when it is gone already. */
  remove(name: string): Promise<void>;
  /** Those that begin so. */
  names(beginning: string): AsyncIterable<string>;
}

const isMissing = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === "ENOENT";

/** Objects as files of a folder, which may be another disk, or mounted from elsewhere. */
export class FolderStore implements ObjectStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Under another name until all of it is on the disk: what has its name is whole. */
  async write(name: string, bytes: Uint8Array): Promise<void> {
    const file = this.#fileOf(name);
    const folder = path.dirname(file);
    await this.#look();
    await mkdir(folder, { recursive: true });
    const half = `${file}.half`;
    const opened = await open(half, "w", 0o600);
    try {
      await opened.writeFile(bytes);
      await opened.sync();
    } finally {
      await opened.close();
    }
    await rename(half, file);
    await syncFolder(folder);
  }

  async read(name: string, from: number, length: number): Promise<Uint8Array | undefined> {
    await this.#look();
    try {
      const opened = await open(this.#fileOf(name));
      try {
        const bytes = new Uint8Array(length);
        const { bytesRead } = await opened.read(bytes, 0, length, from);
        return bytesRead === length ? bytes : undefined;
      } finally {
        await opened.close();
      }
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async remove(name: string): Promise<void> {
    const file = this.#fileOf(name);
    await rm(file, { force: true });
    await rm(`${file}.half`, { force: true });
  }

  async *names(beginning: string): AsyncGenerator<string> {
    const entries = await readdir(path.join(this.#folder, beginning), { recursive: true, withFileTypes: true }).catch(
      (error: unknown) => {
        if (isMissing(error)) return [];
        throw error;
      },
    );
    for (const entry of entries)
      if (entry.isFile())
        yield path.relative(this.#folder, path.join(entry.parentPath, entry.name)).replace(/\.half$/, "");
  }

  /** The folder itself has to be there, and is never made: a disk that is not mounted has lost nothing, and gets nothing. */
  async #look(): Promise<void> {
    await (await open(this.#folder)).close();
  }

  #fileOf(name: string): string {
    return path.join(this.#folder, ...name.split("/"));
  }
}

async function syncFolder(folder: string): Promise<void> {
  const opened = await open(folder);
  try {
    await opened.sync();
  } finally {
    await opened.close();
  }
}
