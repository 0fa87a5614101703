import { accessSync, constants, readFileSync } from "node:fs";
import path from "node:path";
import { rfc3339, type Instant } from "@holdfast/kernel";
import type { Carrier } from "./identity/index.ts";
import { NotTaken } from "./outbound/index.ts";
import { writeWhole } from "./whole-file.ts";

const most = 200; // entries
const longest = 7 * 24 * 3_600_000; // milliseconds: no link is good for longer

type Entry = { readonly at: string; readonly to: string; readonly subject: string; readonly link: string };

/**
 * Where no mail is set up, whoever runs the instance finds the links here that people were to be sent, an entry a line as JSON, and hands them over.
 * They open accounts, so the file is its owner's alone. Beside the ready file, or, where that folder is not the platform's to write in, with the keys.
 */
export class LinkFile implements Carrier {
  readonly by = "file";
  readonly #places: { readonly readyFile: string; readonly keys: string };

  constructor(places: { readonly readyFile: string; readonly keys: string }) {
    this.#places = places;
  }

  get path(): string {
    const { readyFile, keys } = this.#places;
    const folder = path.dirname(readyFile);
    return path.join(isOurs(folder) ? folder : keys, `${path.basename(readyFile, ".json")}.mail.jsonl`);
  }

  async take({ at, to, subject, link }: Parameters<Carrier["take"]>[0]): Promise<void> {
    if (link === undefined) return;
    const entry: Entry = { at: rfc3339(at.getTime() as Instant), to, subject, link };
    try {
      const kept = entriesIn(this.path).filter((one) => Date.parse(one.at) > at.getTime() - longest);
      const lines = [...kept, entry].slice(-most).map((one) => JSON.stringify(one) + "\n");
      writeWhole(this.path, lines.join(""), 0o600);
    } catch (error) {
      throw new NotTaken("none", codeOf(error), error);
    }
  }
}

function isOurs(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false; // whoever may not write there writes elsewhere
  }
}

/** What is there and is ours: a line that is none of it goes. */
function entriesIn(file: string): Entry[] {
  const lines = textIn(file).split("\n");
  return lines.flatMap((line) => {
    try {
      const entry: unknown = JSON.parse(line);
      return isEntry(entry) ? [entry] : [];
    } catch {
      return []; // not a line of ours
    }
  });
}

function textIn(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return "";
    throw error;
  }
}

const isEntry = (value: unknown): value is Entry =>
  typeof value === "object" &&
  value !== null &&
  ["at", "to", "subject", "link"].every((name) => typeof Reflect.get(value, name) === "string");

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unknown";
