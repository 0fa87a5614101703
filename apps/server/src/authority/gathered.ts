import type { Instant } from "@holdfast/kernel";
import type { KeptCell } from "./decision-rows.ts";
import { nameOfQuestion, type Question } from "./decisions.ts";

/** How often a question was answered so and so in an hour. */
export type Answers = { readonly yes: number; readonly no: number };

/** A question, and how it was answered in each hour. */
export type Kept = { readonly question: Question; readonly hours: ReadonlyMap<Instant, Answers> };

/** A row of a question, as it was read: a fleet has millions of hours, which are told apart only when it is their turn. */
type Line = { readonly day: Instant; readonly allowed: boolean; readonly hours: readonly number[] };

const hour = 3_600_000; // milliseconds, as instants are

/** What was asked since a moment: the same question of all days, and of all starts of the server, as one. */
export class Gathered {
  readonly #from: Instant;
  readonly #asked = new Map<string, { readonly question: Question; readonly lines: Line[] }>();
  /** The same, without spelling it out. */
  readonly #lines = new Map<Question, Line[]>();
  /** Asked when there was no room to keep what, or kept in rows that do not open. */
  notCovered = 0;
  /** Of these, in rows that do not open. */
  altered = 0;

  constructor(from: Instant) {
    this.#from = from;
  }

  add(cell: KeptCell): void {
    const { day, hours, question } = cell;
    if (question) this.#linesOf(question).push({ day, hours, allowed: cell.answered.allowed });
    else this.#pass(cell);
  }

  #pass(cell: KeptCell): void {
    for (const [, times] of this.#hoursOf(cell)) {
      this.notCovered += times;
      if ("isAltered" in cell) this.altered += times;
    }
  }

  /** One after the other; less what was asked only before. */
  *questions(): Generator<Kept, void> {
    for (const { question, lines } of this.#asked.values()) {
      const hours = new Map<Instant, Answers>();
      for (const line of lines)
        for (const [begins, times] of this.#hoursOf(line)) {
          const { yes, no } = hours.get(begins) ?? { yes: 0, no: 0 };
          hours.set(begins, line.allowed ? { yes: yes + times, no } : { yes, no: no + times });
        }
      if (hours.size > 0) yield { question, hours };
    }
  }

  /** Those in which something was asked. */
  *#hoursOf({ day, hours }: Pick<Line, "day" | "hours">): Generator<readonly [Instant, number], void> {
    for (const [at, times] of hours.entries()) {
      const begins = (day + at * hour) as Instant; // milliseconds since the epoch
      if (times > 0 && begins >= this.#from) yield [begins, times];
    }
  }

  #linesOf(question: Question): Line[] {
    const there = this.#lines.get(question);
    if (there) return there;
    const name = nameOfQuestion(question);
    let one = this.#asked.get(name);
    if (!one) this.#asked.set(name, (one = { question, lines: [] }));
    this.#lines.set(question, one.lines);
    return one.lines;
  }
}
