import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import path from "node:path";
import { DeviceError, type Place } from "../index.ts";

/** A file of JSON that its owner alone may read. Reading throws `place.unreadable` for what is none. Writing throws `place.unwritable`, and leaves what was there. */
export function fileAt(file: string): Place {
  return {
    read() {
      try {
        const text = readFileSync(file, "utf8");
        JSON.parse(text);
        return text;
      } catch (error) {
        if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
        // Without the cause: it quotes the file, which may hold a key.
        throw error instanceof SyntaxError ? new DeviceError("place.unreadable", { detail: file }) : error;
      }
    },
    write(text) {
      const fresh = `${file}.new`;
      try {
        writeWhole(fresh, text);
        renameSync(fresh, file);
      } catch (cause) {
        rmSync(fresh, { force: true }); // on a full disk its part would hold the last room that there is
        throw new DeviceError("place.unwritable", { cause, detail: file });
      }
      syncFolderOf(file);
    },
  };
}

function writeWhole(file: string, text: string): void {
  const handle = openSync(file, "w", 0o600);
  try {
    const bytes = Buffer.from(text);
    for (let written = 0; written < bytes.length;) written += writeSync(handle, bytes, written);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** What was renamed there is there after a loss of power. */
export function syncFolderOf(file: string): void {
  const folder = openSync(path.dirname(file), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
