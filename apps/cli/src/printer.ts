import { styleText } from "node:util";
import { unsaid } from "@holdfast/client";
import { rfc3339, parseInstant, type Clock } from "@holdfast/kernel";
import type { Failure } from "./failure.ts";
import { relative } from "./moment.ts";
import { Progress } from "./progress.ts";
import { fields, table, type Column } from "./table.ts";
import { printable, printableJson } from "./text.ts";
import type { Outlet, World } from "./world.ts";

/** What a verb answers with. Stdout holds the answer and nothing else: with `--json` one document, else text for people. */
export class Printer {
  readonly progress: Progress;
  readonly isJson: boolean;
  readonly #world: World;
  readonly #clock: Clock;

  constructor(world: World, form: "json" | "text") {
    this.#world = world;
    this.#clock = world.clock;
    this.isJson = form === "json";
    this.progress = new Progress(world.err, this.isJson ? "programs" : "people");
  }

  /** One thing: `value` as it is, or its fields. */
  thing(value: object, entries: readonly (readonly [name: string, value: string])[]): void {
    this.#out(this.isJson ? printableJson(value, 2) : fields(entries, this.#style("dim", this.#world.out)));
  }

  /** Many things of one kind, and where the next ones begin when there are more. */
  list<Row>(page: Page<Row>, columns: readonly Column<Row>[], none: string): void {
    const { items, altered = [], nextCursor } = page;
    const more = { ...(altered.length > 0 && { altered }), ...(nextCursor !== undefined && { nextCursor }) };
    if (this.isJson) this.#out(printableJson({ items, ...more }, 2));
    else if (items.length > 0) this.#out(table(items, columns, this.#style("dim", this.#world.out)));
    else if (altered.length === 0) this.note(none);
    if (altered.length > 0)
      this.note(`Altered in the database, so that nothing more is known of them: ${altered.join(" ")}`);
    if (nextCursor !== undefined)
      this.note(`There are more than these ${items.length}: raise --limit, or go on with --cursor ${nextCursor}`);
  }

  /** One of many that come one by one: a line each. */
  line(value: unknown, text: string): void {
    this.#out(this.isJson ? printableJson(value) : printable(text));
  }

  /** Text for people that is the answer: help. */
  page(text: string): void {
    this.#out(text);
  }

  /** A sentence beside the answer, on stderr. */
  note(sentence: string): void {
    this.#err(printable(sentence));
  }

  /** Said beside every answer that holds a secret. */
  secretNote(what: string): void {
    this.#err(
      this.#style("yellow", this.#world.err)(`The ${what} is shown this once: nobody can read it again. Keep it safe.`),
    );
  }

  failure({ told }: Failure): void {
    if (this.isJson) return this.#err(printableJson({ error: told }));
    const { sentence, code, requestId, errors = [], retryAfterSeconds } = told;
    const colour = this.#style("red", this.#world.err);
    this.#err(colour(sentence.split("\n").map(printable).join("\n")));
    for (const { path, message } of unsaid(sentence, errors)) this.#err(`  ${printable(path)}: ${printable(message)}`);
    if (retryAfterSeconds !== undefined) this.#err(`  Try again in ${retryAfterSeconds} s.`);
    if (code !== "usage") this.#err(printable(`  (${code}${requestId === undefined ? "" : `, request ${requestId}`})`));
  }

  /** When, as a distance from now. */
  ago(time: string | undefined): string {
    return relative(time, this.#clock.now());
  }

  /** When, exactly and as a distance. */
  at(time: string | undefined): string {
    const at = time === undefined ? undefined : parseInstant(time);
    return at === undefined ? "" : `${rfc3339(at)} (${this.ago(time)})`;
  }

  #style(style: "dim" | "red" | "yellow", outlet: Outlet): (text: string) => string {
    const colourful = outlet.isTTY && this.#world.environment.mayColour;
    return (text) => (colourful ? styleText(style, text, { validateStream: false }) : text);
  }

  #out(text: string): void {
    this.progress.clear();
    this.#world.out.write(`${text}\n`);
  }

  #err(text: string): void {
    this.progress.clear();
    this.#world.err.write(`${text}\n`);
  }
}

/** A part of a list; `nextCursor` when more follows. */
export type Page<Row> = {
  readonly items: readonly Row[];
  /** Of rows that somebody altered in the database: they are there, and cannot be read. */
  readonly altered?: readonly string[] | undefined;
  readonly nextCursor?: string | undefined;
};
