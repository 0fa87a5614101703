import { stripVTControlCharacters, styleText } from "node:util";
import { scrub } from "@holdfast/crypto";
import { Refusal, rfc3339, type About, type Clock, type Level, type Report } from "@holdfast/kernel";

/** Where lines go: `process.stderr`, or what a test gives. */
export type Outlet = { readonly isTTY?: boolean; write(text: string): unknown };

type Needs = { readonly outlet: Outlet; readonly clock: Clock; readonly mayColour: boolean };

/**
 * What happened, a line each: for people on a terminal, else JSON (`{"time", "level", "message", …}`). Credentials are struck out of every
 * line, whoever wrote it. Payloads never get here: who logs gives sentences, codes, ids and numbers.
 */
export class Log {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  readonly info = (message: string, about: About = {}): void => this.#write("info", message, about);
  readonly warn = (message: string, about: About = {}): void => this.#write("warning", message, about);
  readonly error = (message: string, about: About = {}): void => this.#write("error", message, about);

  /** What the platform tells while it runs, as loud as it says. */
  readonly report: Report = (message, { level = "info", ...about } = {}) => this.#write(level, message, about);

  /** Why the platform will not go on: a sentence and its code. */
  refusal({ message, code }: Refusal): void {
    this.#write("error", message, { code });
  }

  /** Our own fault: where it is, never what was being handled, because a message may quote that. */
  fault(message: string, error: unknown): void {
    this.#write("error", message, { fault: placeOf(error) });
  }

  #write(level: Level, message: string, about: About): void {
    const { outlet, clock, mayColour } = this.#needs;
    const now = clock.now();
    if (!outlet.isTTY) {
      outlet.write(scrub(JSON.stringify({ time: rfc3339(now), level, message, ...about }, plain)) + "\n");
      return;
    }
    const details = Object.entries(about).map(([name, value]) => `${name}=${textOf(value)}`);
    const colour = (style: "dim" | "red" | "yellow", text: string): string =>
      mayColour ? styleText(style, text, { validateStream: false }) : text;
    const time = colour("dim", clockTime.format(now));
    const line = scrub([printable(message), ...details.map(printable)].join("  "));
    outlet.write(`${time}  ${level === "info" ? line : colour(level === "error" ? "red" : "yellow", line)}\n`);
  }
}

const clockTime = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

/** Nothing that steers a terminal. Line ends stay: some sentences have several lines. */
const printable = (text: string): string => stripVTControlCharacters(text).replaceAll(/[^\P{Cc}\n]/gu, "?");

const textOf = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value, plain));

/** What JSON has no word for. A log that throws hides what it was to tell. */
function plain(_name: string, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  return value instanceof Error ? placeOf(value) : value;
}

const framesKept = 6;
const root = new URL("../../../", import.meta.url).href;

/** The kind of an error and where it was thrown, and the same of its cause. Nothing of its message. */
export function placeOf(error: unknown): string {
  if (!(error instanceof Error)) return `something that is no error (${typeof error})`;
  const { name, message, stack = "", cause } = error;
  const code = error instanceof Refusal || ("code" in error && isCode(error.code)) ? ` ${String(error.code)}` : "";
  // V8 puts the message before the frames, and a message may itself look like frames.
  const from = stack.indexOf(message);
  const frames = (from < 0 ? "" : stack.slice(from + message.length))
    .split("\n")
    .filter((line) => /^ {4}at /.test(line))
    .slice(0, framesKept)
    .map((line) => line.trim().replace(root, ""));
  return [`${name}${code}`, ...frames].join(" ") + (cause === undefined ? "" : `, because of ${placeOf(cause)}`);
}

/** Node's and PostgreSQL's codes, such as ECONNRESET or 57P01. */
const isCode = (code: unknown): boolean => typeof code === "string" && /^[\w.]{1,40}$/.test(code);
