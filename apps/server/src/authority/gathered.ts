import type { Instant } from "@holdfast/kernel";
import type { KeptCell } from "./decision-rows.ts";
import { nameOfQuestion, type Question } from "./decisions.ts";

/** How often a question was answered so and so in an hour. */
export type Answers = { readonly yes: number; readonly no: number };

/** A question, and how it was answered in each hour. */
export type Kept = { readonly question: Question; readonly hours: ReadonlyMap<Instant, Answers> };

const hour = 3_600_000; // milliseconds, as instants are

/** What was asked since a moment: the same question of all days, and of all starts of the server, as one. */
export class Gathered {
  readonly #from: Instant;
  readonly #kept = new Map<string, { readonly question: Question; readonly hours: Map<Instant, Answers> }>();
  /** The same, without spelling it out. */
  readonly #hours = new Map<Question, Map<Instant, Answers>>();
  /** Asked when there was no room to keep what. */
  notCovered = 0;

  constructor(from: Instant) {
    this.#from = from;
  }

  add(cell: KeptCell): void {
    for (let at = 0; at < cell.hours.length; at += 1) {
      const times = cell.hours[at] ?? 0;
      const begins = (cell.day + at * hour) as Instant; // milliseconds since the epoch
      if (times === 0 || begins < this.#from) continue;
      if (!cell.question) {
        this.notCovered += times;
        continue;
      }
      const hours = this.#of(cell.question);
      const { yes, no } = hours.get(begins) ?? { yes: 0, no: 0 };
      hours.set(begins, cell.answered.allowed ? { yes: yes + times, no } : { yes, no: no + times });
    }
  }

  questions(): Iterable<Kept> {
    return this.#kept.values();
  }

  #of(question: Question): Map<Instant, Answers> {
    const there = this.#hours.get(question);
    if (there) return there;
    const name = nameOfQuestion(question);
    let one = this.#kept.get(name);
    if (!one) this.#kept.set(name, (one = { question, hours: new Map() }));
    this.#hours.set(question, one.hours);
    return one.hours;
  }
}
