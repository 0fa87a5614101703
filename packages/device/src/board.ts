import type { Clock, Random, Timers } from "@holdfast/kernel";
import type { Emitter } from "./emitter.ts";
import { DeviceError } from "./failure.ts";
import { refusalOf, type Outbox } from "./outbox.ts";
import { markOf } from "./patience.ts";
import type { Spool } from "./spool.ts";
import type { Subscriptions } from "./subscriptions.ts";
import { answers, board, groupTree, placeOf } from "./topics.ts";

export type BoardNeeds = {
  readonly spool: Spool;
  readonly outbox: Outbox;
  readonly subscriptions: Subscriptions;
  readonly emitter: Emitter;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  /** Seconds between signs of life of the connection; 0 is none. */
  readonly keepAlive: number;
};

/** A task as it was given out. */
export type Leased = {
  readonly id: string;
  readonly name: string;
  readonly body: unknown;
  readonly lease: number;
  /** What was left of it, in seconds. */
  readonly seconds: number;
};

/** What a member says to it. */
type Verb = "lease" | "renew" | "answer" | "release" | "put";
type Waiting = { readonly done: (answer: object) => void; readonly failed: (error: DeviceError) => void };

/** What is said to the board of a group, and what it answers. Nothing of it waits for a connection: a lease is of now. */
export class Board {
  readonly #group: string;
  readonly #needs: BoardNeeds;
  readonly #waiting = new Map<string, Waiting>();
  readonly #onceHeard = new Set<Waiting>();
  #isListening = false;
  #isHeard = false;

  constructor(group: string, needs: BoardNeeds) {
    this.#group = group;
    this.#needs = needs;
  }

  /**
   * Resolves with what the board answers. Rejects as `group.refused` or `platform.refused`, or where nobody knows whether it was heard, as
   * `connection.ended` or, after so many milliseconds, `board.silent`.
   */
  async ask(verb: Verb, body: object, patience: number): Promise<object> {
    await this.#heard();
    const { outbox, timers, random } = this.#needs;
    const mark = markOf(random);
    const answer = Promise.withResolvers<object>();
    answer.promise.catch(() => {}); // it may fail while the acknowledgement is waited for, and is looked at after that
    const timer = timers.after(patience, () => this.#fail(mark, "board.silent"));
    this.#waiting.set(mark, { done: answer.resolve, failed: answer.reject });
    try {
      this.#judge(verb, await outbox.tell({ ...this.#message(verb, body), mark }));
      return await answer.promise;
    } finally {
      timer.cancel();
      this.#waiting.delete(mark);
    }
  }

  /** What the board does not answer. Rejects as `ask`. */
  async tell(verb: Verb, body: object): Promise<void> {
    this.#judge(verb, await this.#needs.outbox.tell(this.#message(verb, body)));
  }

  /** By way of the spool, so that it outlives a connection and, with a journal, the process. Rejects as `platform.refused` or `group.refused`. */
  async owe(verb: Verb, body: object): Promise<void> {
    const { spool, outbox } = this.#needs;
    const { topic, payload } = this.#message(verb, body);
    const entry = verb === "answer" ? spool.owe(topic, payload) : await spool.keep(topic, payload, outbox.isUnderWay);
    const answer = outbox.answer(entry);
    outbox.pump();
    await answer;
  }

  /** The connection is over, and so is what was asked on it. */
  down(): void {
    this.#isHeard = false;
    for (const mark of Array.from(this.#waiting.keys())) this.#fail(mark, "connection.ended");
    for (const { failed } of this.#onceHeard) failed(new DeviceError("connection.ended"));
    this.#onceHeard.clear();
  }

  /** Resolves once its answers are heard. */
  async #heard(): Promise<void> {
    if (!this.#isListening) this.#listen();
    if (this.#isHeard) return;
    if (!this.#needs.outbox.isOpen) throw new DeviceError("connection.ended");
    await new Promise((done, failed) => this.#onceHeard.add({ done, failed }));
  }

  #listen(): void {
    this.#isListening = true;
    const { subscriptions, emitter } = this.#needs;
    subscriptions.listen(answers, {
      take: (_, payload, mark) => this.#take(payload, mark),
      granted: () => {
        this.#isHeard = true;
        for (const { done } of this.#onceHeard) done({});
        this.#onceHeard.clear();
      },
      refused: (reason) => {
        const refusal = refusalOf(placeOf(answers), reason);
        for (const { failed } of this.#onceHeard) failed(refusal);
        this.#onceHeard.clear();
        emitter.emit("fault", refusal);
      },
    });
  }

  /** An answer that was asked for here, and once. All others are of another group, or of another program of this device. */
  #take(payload: string, mark: string | undefined): void {
    const waiting = mark === undefined ? undefined : this.#waiting.get(mark);
    if (mark === undefined || !waiting) return;
    this.#waiting.delete(mark);
    const answer = parsed(payload);
    if (answer) waiting.done(answer);
    else waiting.failed(malformed());
  }

  #fail(mark: string, code: "connection.ended" | "board.silent"): void {
    this.#waiting.get(mark)?.failed(new DeviceError(code));
    this.#waiting.delete(mark);
  }

  #message(verb: string, body: object) {
    return { topic: `${groupTree(this.#group)}${board}${verb}`, payload: JSON.stringify(body) };
  }

  #judge(verb: string, reason: number): void {
    if (reason >= 0x80) throw refusalOf(placeOf(this.#message(verb, {}).topic), reason);
  }
}

export const malformed = (): DeviceError => new DeviceError("board.malformed");

/** What stands in an answer of the board. Throws `board.malformed`. */
export function leasedIn(answer: unknown): Leased {
  if (typeof answer !== "object" || answer === null) throw malformed();
  const { id, name, body = null, lease, seconds } = answer as Partial<Record<keyof Leased, unknown>>;
  const isLeased =
    typeof id === "string" &&
    typeof name === "string" &&
    Number.isSafeInteger(lease) &&
    typeof seconds === "number" &&
    seconds >= 0;
  if (!isLeased) throw malformed();
  return { id, name, body, lease: lease as number, seconds }; // a safe integer, by the line above
}

function parsed(payload: string): object | undefined {
  try {
    const answer: unknown = JSON.parse(payload);
    return typeof answer === "object" && answer !== null ? answer : undefined;
  } catch {
    return undefined; // which is told as `board.malformed`
  }
}
