import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import path from "node:path";
import type { Place } from "../index.ts";

/** A file that its owner alone may read. */
export function fileAt(file: string): Place {
  return {
    read() {
      try {
        return readFileSync(file, "utf8");
      } catch (error) {
        if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
        throw error;
      }
    },
    write(text) {
      const fresh = `${file}.new`;
      const handle = openSync(fresh, "w", 0o600);
      try {
        const bytes = Buffer.from(text);
        for (let written = 0; written < bytes.length;) written += writeSync(handle, bytes, written);
        fsyncSync(handle);
      } finally {
        closeSync(handle);
      }
      renameSync(fresh, file);
      const folder = openSync(path.dirname(file), "r");
      try {
        fsyncSync(folder);
      } finally {
        closeSync(folder);
      }
    },
  };
}
