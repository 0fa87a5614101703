import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { formsOf } from "./forms.ts";

/** What is looked for, and what the test calls it. */
export type Planted = Readonly<Record<string, string | number>>;

export type Finding = { readonly what: string; readonly form: string; readonly where: string };

/** `mark` is where in it the three bytes stand by which it is noticed. */
type Needle = {
  readonly what: string;
  readonly form: string;
  readonly bytes: Buffer;
  readonly says: number;
  readonly mark: number;
};

/**
 * Fewer bytes say nothing when they are met: among a hundred million random ones any four of them may be, and so among as many digits any four
 * that are written in hexadecimal, as a dump has whatever is sealed.
 */
const enough = 6;
/** Unless they are met as often as only what was sent a thousand times would be. */
const oftenEnough = 64;

/** Looks for all forms of many values in one pass over the bytes. */
export class Search {
  /** By their mark, and which marks there are. */
  readonly #needles = new Map<number, Needle[]>();
  readonly #marks = new Uint8Array(1 << 24);

  constructor(planted: Planted) {
    const seen = new Set<string>();
    for (const [what, value] of Object.entries(planted)) {
      for (const { name: form, bytes, says } of formsOf(value)) {
        const known = `${what} ${bytes.toString("latin1")}`;
        if (bytes.length < 4 || seen.has(known)) continue;
        seen.add(known);
        const mark = markIn(bytes);
        const key = bytes.readUIntBE(mark, 3);
        const needle = { what, form, bytes, says, mark };
        const there = this.#needles.get(key);
        if (there) there.push(needle);
        else this.#needles.set(key, [needle]);
        this.#marks[key] = 1;
      }
    }
  }

  in(bytes: Buffer, where: string): readonly Finding[] {
    const counts = new Map<Needle, number>();
    const marks = this.#marks;
    let key = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      key = ((key << 8) | (bytes[at] ?? 0)) & 0xff_ffff; // at is below length
      if (marks[key] === 0 || at < 2) continue;
      for (const needle of this.#needles.get(key) ?? []) {
        const from = at - 2 - needle.mark;
        if (from < 0 || !needle.bytes.equals(bytes.subarray(from, from + needle.bytes.length))) continue;
        counts.set(needle, (counts.get(needle) ?? 0) + 1);
      }
    }
    return [...counts]
      .filter(([needle, count]) => needle.says >= enough || count >= oftenEnough)
      .map(([{ what, form }]) => ({ what, form, where }));
  }

  /** In every file of a folder, however deep. */
  under(folder: string): readonly Finding[] {
    return filesUnder(folder).flatMap((file) => this.in(readFileSync(file), path.relative(folder, file)));
  }
}

/** Files are full of zeros and other runs: three bytes that differ are met seldom. */
function markIn(bytes: Buffer): number {
  const variety = (at: number) => new Set([0, ...bytes.subarray(at, at + 3)]).size;
  const places = Array.from({ length: bytes.length - 2 }, (_, at) => at);
  return places.reduce((best, at) => (variety(at) > variety(best) ? at : best), 0);
}

export const filesUnder = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
