import type { CredentialId, Id, Instant } from "@holdfast/kernel";
import type { Action } from "@holdfast/protocol";
import type { Circumstances } from "./circumstances.ts";
import { placeOf } from "./network.ts";

/** Of one organisation and day: what is asked differently beyond that is counted, and nothing else is known of it. */
const mostCells = 30_000;
/** And of one credential, so that none, a device's that somebody opened for example, takes the room of all others. */
const mostOfOne = 10_000;

const hour = 3_600_000; // milliseconds, as instants are
const day = 24 * hour;

/** The first moment of its day, in UTC. */
export const firstHourOf = (at: Instant): Instant => (at - (at % day)) as Instant; // milliseconds since the epoch both

/** All that a question hangs on, so that it can be put again to an organisation that is otherwise; of an address only where that is. */
export type Question = {
  readonly credential: CredentialId;
  /** `connect` is whether it is let in at all. */
  readonly action: Action | "connect";
  /** One thing; none where it was asked of the organisation, or of all that there are. */
  readonly about: Id<"device"> | Id<"application"> | Id<"product"> | undefined;
  /** The device that came, or that somebody asked about. */
  readonly device: Id<"device"> | undefined;
  readonly came: Omit<Circumstances, "address" | "shown"> & { readonly place: string | undefined };
};

/** What was answered, and by what: the clause that said no, in a few words that name nobody but by identifiers. */
export type Answered = { readonly allowed: boolean; readonly clause: string };
export const granted: Answered = { allowed: true, clause: "granted" };

/** A question and its answer on one day, and how often in each hour. */
export class Cell {
  /** The day's first moment, in UTC. */
  readonly day: Instant;
  /** `undefined` for all that there was no room for. */
  readonly question: Question | undefined;
  readonly answered: Answered;
  /** By which it is found again: two that say the same are one. */
  readonly name: string;
  readonly hours: number[] = Array.from({ length: 24 }, () => 0);
  /** How often it was told something, as of the last write too. */
  told = 0;
  written = 0;
  /** The database has a row of it. */
  isKept = false;

  constructor(needs: Pick<Cell, "day" | "question" | "answered" | "name">) {
    this.day = needs.day;
    this.question = needs.question;
    this.answered = needs.answered;
    this.name = needs.name;
  }

  count(at: Instant): void {
    const index = Math.floor((at - this.day) / hour);
    this.hours[index] = (this.hours[index] ?? 0) + 1;
    this.told += 1;
  }
}

/** How a cell stood when it was read. Every number is how it stands, so writing it twice is writing it once. */
export type CellRow = Pick<Cell, "day" | "question" | "answered" | "name" | "isKept"> & {
  readonly hours: readonly number[];
  readonly cell: Cell;
  readonly told: number;
};

/**
 * What one organisation's authority was asked and answered, in memory. An answer that goes on holding is counted when it is asked: each request,
 * each connection, and each topic of a connection once an hour. Pure: whoever writes it down says `kept`.
 */
export class Decisions {
  readonly #cells = new Map<string, Cell>();
  readonly #most: number;
  readonly #mostOfOne: number;
  #day = Number.NaN;
  #room = 0;
  /** How much of it each credential has taken. */
  readonly #taken = new Map<CredentialId, number>();

  constructor(most = mostCells, ofOne = mostOfOne) {
    this.#most = most;
    this.#mostOfOne = ofOne;
  }

  get hasChanged(): boolean {
    return this.#cells.values().some(({ told, written }) => told > written);
  }

  count(question: Question, answered: Answered, at: Instant): void {
    this.#cell(question, answered, at).count(at);
  }

  /** Where this is counted, on the day that it is. */
  #cell(question: Question, answered: Answered, at: Instant): Cell {
    const today = firstHourOf(at);
    if (today !== this.#day) {
      [this.#day, this.#room] = [today, this.#most];
      this.#taken.clear();
    }
    const name = nameOf(question, answered);
    const there = this.#cells.get(`${today} ${name}`);
    if (there) return there;
    const taken = this.#taken.get(question.credential) ?? 0;
    if (this.#room <= 0 || taken >= this.#mostOfOne) return this.#others(today);
    this.#room -= 1;
    this.#taken.set(question.credential, taken + 1);
    return this.#put({ day: today, question, answered, name });
  }

  /** What the database has not got, in pieces of so many rows. */
  pages(most: number): readonly (readonly CellRow[])[] {
    const changed = [...this.#cells.values()].filter(({ told, written }) => told > written).map(rowOf);
    return Array.from({ length: Math.ceil(changed.length / most) }, (_, at) =>
      changed.slice(at * most, (at + 1) * most),
    );
  }

  /** The page is durable. */
  kept(page: readonly CellRow[]): void {
    for (const { cell, told } of page) {
      cell.isKept = true;
      cell.written = told;
    }
  }

  /** Days that are over and written down need no memory. */
  forgetPast(at: Instant): void {
    const today = firstHourOf(at);
    for (const [name, { day: of, told, written }] of this.#cells)
      if (of < today && told === written) this.#cells.delete(name);
  }

  /** The organisation is no more. */
  clear(): void {
    this.#cells.clear();
  }

  #others(today: Instant): Cell {
    const there = this.#cells.get(`${today} ${others}`);
    return there ?? this.#put({ day: today, question: undefined, answered: unknown, name: others });
  }

  #put(needs: ConstructorParameters<typeof Cell>[0]): Cell {
    const cell = new Cell(needs);
    this.#cells.set(`${needs.day} ${needs.name}`, cell);
    return cell;
  }
}

const others = "others";
const unknown: Answered = { allowed: false, clause: others };

const rowOf = (cell: Cell): CellRow => {
  const { day: of, question, answered, name, isKept, hours, told } = cell;
  return { day: of, question, answered, name, isKept, hours: [...hours], cell, told };
};

/** Two questions of one name are the same. */
export const nameOfQuestion = ({ credential, action, about, came }: Question): string =>
  [credential, action, about, came.place, came.transport, came.tls, came.proof, came.origin].join(" ");

const nameOf = (question: Question, { allowed, clause }: Answered): string =>
  `${nameOfQuestion(question)} ${allowed ? "yes" : "no"} ${clause}`;

/** Longer than a site's name is (RFC 1035, 2.3.4): it is none that anybody named. */
const longestOrigin = 270;

/** As it is kept. What a page says of itself is a text of a stranger's: one that cannot be meant is one of them all. */
export const cameFrom = ({ address, transport, tls, origin, proof }: Circumstances): Question["came"] => ({
  place: address === undefined ? undefined : placeOf(address),
  transport,
  tls,
  origin: origin !== undefined && origin.length > longestOrigin ? "another" : origin,
  proof,
});
