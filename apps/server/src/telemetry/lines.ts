import { instantOf, Refusal, type Instant } from "@holdfast/kernel";
import { mostLines, refusalAt, valueOf, type Reading } from "./reading.ts";
import type { Value } from "./value.ts";

/**
 * InfluxDB's line protocol (docs.influxdata.com, "Line protocol"): `measurement,tag=value field=1.5,other=2i 1556813561098000000`, a reading in
 * each line. An attribute is called `measurement.field`, and where there are tags, which tell series of one name apart, those stand behind
 * it in the order of their keys: `cpu.usage_idle,cpu=cpu0`.
 */
export type Precision = "ns" | "us" | "ms" | "s";

/** How many of it are a millisecond; of seconds, how many milliseconds they are. */
const scales: Readonly<Record<Precision, (count: bigint) => bigint>> = {
  ns: (count) => count / 1_000_000n,
  us: (count) => count / 1_000n,
  ms: (count) => count,
  s: (count) => count * 1_000n,
};

/** The first fault refuses the whole body; it names the line, and nothing of what was measured. */
export function parseLines(text: string, precision: Precision): Reading[] {
  const reader = new LineReader(text, precision);
  const readings: Reading[] = [];
  while (reader.next()) {
    if (readings.length === mostLines) throw new Refusal("telemetry.tooMany");
    readings.push(reader.reading(readings.length));
  }
  if (readings.length > 0) return readings;
  throw new Refusal("telemetry.malformed", { detail: "There is no line." });
}

const integer = /[+-]?\d+[iu](?=[, \r\n]|$)/y;
/** Each digit has one place in it, or a long number that is none after all would be tried in as many ways as the square of its length. */
const float = /[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?=[, \r\n]|$)/y;
const truth = /(?:t|T|true|True|TRUE|f|F|false|False|FALSE)(?=[, \r\n]|$)/y;
const stamp = /-?\d{1,19}(?=[ \r\n]|$)/y;

class LineReader {
  readonly #text: string;
  readonly #precision: Precision;
  #at = 0;
  #line = 1;

  constructor(text: string, precision: Precision) {
    this.#text = text;
    this.#precision = precision;
  }

  /** Goes to the next line that says something. */
  next(): boolean {
    for (; this.#at < this.#text.length; this.#at++) {
      const unit = this.#text[this.#at];
      if (unit === "\n") this.#line++;
      else if (unit === "#") this.#at = this.#endOfLine() - 1;
      else if (unit !== " " && unit !== "\r") return true;
    }
    return false;
  }

  reading(index: number): Reading {
    const measurement = this.#word(", ");
    if (measurement === "") throw this.#malformed("begins with no measurement");
    const tags: string[] = [];
    while (this.#takes(",")) {
      const key = this.#word("=, ");
      const value = this.#takes("=") ? this.#word(", ") : "";
      if (key === "" || value === "") throw this.#malformed("has a tag without a key or a value");
      tags.push(`,${key}=${value}`);
    }
    const behind = tags.sort().join("");
    this.#spaces();
    const values: [string, Value][] = [];
    do {
      const field = this.#word("=, ");
      if (field === "" || !this.#takes("=")) throw this.#malformed("has a field without a name or a value");
      const name = `${measurement}.${field}${behind}`;
      values.push([name, valueOf(name, this.#value(name, index), index)]);
    } while (this.#takes(","));
    this.#spaces();
    const time = this.#time(index);
    this.#spaces();
    this.#takes("\r");
    if (this.#at < this.#text.length && this.#text[this.#at] !== "\n")
      throw this.#malformed("goes on behind its fields and its time");
    return { time, values };
  }

  /** Up to one of these units, or the end of the line; a backslash takes its meaning from a comma, a space or an equals sign. */
  #word(stops: string): string {
    const text = this.#text;
    let word = "";
    let from = this.#at;
    for (; this.#at < text.length; this.#at++) {
      const unit = text[this.#at] ?? "\n"; // it is there: at is below length
      if (unit === "\n" || stops.includes(unit)) break;
      if (unit !== "\\" || !/[, =]/.test(text[this.#at + 1] ?? "")) continue;
      word += text.slice(from, this.#at);
      from = ++this.#at;
    }
    return word + text.slice(from, this.#at);
  }

  #value(name: string, index: number): number | boolean | string {
    if (this.#takes('"')) return this.#quoted();
    const plain = this.#match(float) ?? this.#match(integer)?.slice(0, -1);
    if (plain !== undefined) return Number(plain);
    const said = this.#match(truth);
    if (said !== undefined) return /^t/i.test(said);
    const message = "neither a number, nor i or u behind a whole one, a boolean, or a text in quotes.";
    throw refusalAt("telemetry.malformed", { attribute: name, reading: index }, message);
  }

  /** A text may go on in the next line. */
  #quoted(): string {
    const text = this.#text;
    let said = "";
    let from = this.#at;
    for (; this.#at < text.length; this.#at++) {
      const unit = text[this.#at];
      if (unit === '"') return said + text.slice(from, this.#at++);
      if (unit === "\n") this.#line++;
      if (unit !== "\\" || !/["\\]/.test(text[this.#at + 1] ?? "")) continue;
      said += text.slice(from, this.#at);
      from = ++this.#at;
    }
    throw this.#malformed("ends within a text");
  }

  #time(index: number): Instant | undefined {
    const written = this.#match(stamp);
    if (written === undefined) return undefined;
    const time = instantOf(Number(scales[this.#precision](BigInt(written))));
    if (time !== undefined) return time;
    const message = `no date is that far away. Its times count ${this.#precision}: say another precision.`;
    throw refusalAt("telemetry.absurdTime", { attribute: "time", reading: index }, message);
  }

  #match(form: RegExp): string | undefined {
    form.lastIndex = this.#at;
    const found = form.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #takes(unit: string): boolean {
    if (this.#text[this.#at] !== unit) return false;
    this.#at++;
    return true;
  }

  #spaces(): void {
    while (this.#takes(" "));
  }

  #endOfLine(): number {
    const found = this.#text.indexOf("\n", this.#at);
    return found === -1 ? this.#text.length : found;
  }

  #malformed(what: string): Refusal {
    return new Refusal("telemetry.malformed", { detail: `Line ${this.#line} ${what}.` });
  }
}
