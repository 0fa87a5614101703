import { deepestJson, isSoundJson, type Timers } from "@holdfast/kernel";
import type { Emitter } from "./emitter.ts";
import { DeviceError, wordsOf } from "./failure.ts";
import type { Spool } from "./spool.ts";
import { at, placeOf, replies, type Speaker } from "./topics.ts";

export type Command = {
  readonly id: string;
  readonly name: string;
  readonly body: unknown;
  /** Milliseconds that were left when it left the platform. */
  readonly expiresIn: number;
};
/** What it returns is the reply's result, as JSON; what it throws is the reply's error, by its message. */
export type Handler = (command: Command) => unknown;

type Needs = {
  readonly spool: Spool;
  readonly emitter: Emitter;
  readonly timers: Timers;
  /** A reply is in the spool. */
  readonly owed: () => void;
};

/** What a timer can wait at once; a command may be open for 30 days. */
const longest = 2 ** 31 - 1;
const largestReply = 16 * 1024;
const interrupted = "The device stopped while it ran this. Nobody knows how far it came.";
const tooDeep = `The reply has more than ${deepestJson} objects and arrays in each other.`;
const noRoom = "The device did not run this: it cannot note that it would, as on a full disk.";
const unsure = "This may have run before the device started, which keeps nothing over a start.";

/** Runs each command once at most, over kills of the process too where the journal outlives them (docs/commands.md, "Run once"). */
export class Commands {
  readonly #needs: Needs;
  readonly #handlers = new Map<string, Handler>();
  readonly #running = new Set<string>();
  readonly #forgetting = new Map<string, { cancel(): void }>();
  #isOver = false;

  constructor(needs: Needs) {
    this.#needs = needs;
    const { spool } = needs;
    for (const [id, { expiresIn, reply }] of spool.ledger.all()) {
      if (reply === undefined) spool.finish(id, JSON.stringify({ error: interrupted }));
      this.#forgetAfter(id, expiresIn);
    }
  }

  /** By the topic at which it comes, which is of the device itself or of a child. */
  handle(topic: string, handler: Handler): void {
    this.#handlers.set(topic, handler);
  }

  /** It is written down that it begins, or it does not, and is answered so. */
  take(topic: string, text: string): void {
    const { spool, owed, emitter } = this.#needs;
    const { id, name, body = null, expiresIn, again } = JSON.parse(text) as Command & { again: boolean }; // the platform's own words
    const known = spool.ledger.find(id);
    if (known) {
      this.#forgetAfter(id, expiresIn);
      // A child may have another name by now, and replies by that.
      const { speaker } = placeOf(topic);
      if (speaker !== known.speaker) spool.note(id, expiresIn, speaker);
      const owedTo = [...(spool.queues("reply").get(speaker)?.values() ?? [])];
      const isOwed = owedTo.some((entry) => entry.topic === at(speaker, replies) + id);
      if (known.reply !== undefined && !isOwed) spool.finish(id, known.reply);
      return owed();
    }
    const isWritten = this.#begin(id, expiresIn, placeOf(topic).speaker);
    this.#forgetAfter(id, expiresIn);
    if (!isWritten) {
      spool.finish(id, JSON.stringify({ error: noRoom }));
      return owed();
    }
    this.#running.add(id);
    const isUnsure = again && !spool.outlives;
    this.#run(topic, { id, name, body, expiresIn }, isUnsure).catch((error: unknown) => emitter.emit("fault", error));
  }

  #begin(id: string, expiresIn: number, speaker: Speaker): boolean {
    const { spool, emitter } = this.#needs;
    try {
      spool.begin(id, expiresIn, speaker);
      return true;
    } catch (error) {
      if (!(error instanceof DeviceError) || error.code !== "spool.unwritable") throw error;
      emitter.emit("fault", error);
      spool.note(id, expiresIn, speaker);
      return false;
    }
  }

  /** Nothing is forgotten any more, and what still runs has nobody to reply to: after a restart it was interrupted. */
  end(): void {
    this.#isOver = true;
    for (const timer of this.#forgetting.values()) timer.cancel();
    this.#forgetting.clear();
  }

  async #run(topic: string, command: Command, isUnsure: boolean): Promise<void> {
    const { spool, owed } = this.#needs;
    const reply = await this.#reply(topic, command, isUnsure);
    this.#running.delete(command.id);
    if (this.#isOver) return;
    spool.finish(command.id, reply);
    owed();
  }

  async #reply(topic: string, command: Command, isUnsure: boolean): Promise<string> {
    try {
      const handler = this.#handlers.get(topic);
      if (!handler) throw new Error("This device knows no such command.");
      if (isUnsure) throw new Error(unsure);
      await this.#needs.spool.sync();
      const reply = `{"result":${JSON.stringify(await handler(command)) ?? "null"}}`; // of a function, say, there is no JSON
      if (new TextEncoder().encode(reply).length > largestReply) throw new Error("The reply is larger than 16 KiB.");
      if (!isSoundJson(JSON.parse(reply))) throw new Error(tooDeep);
      return reply;
    } catch (error) {
      // Who sent the command is told.
      return JSON.stringify({ error: wordsOf(error) });
    }
  }

  #forgetAfter(id: string, milliseconds: number): void {
    this.#forgetting.get(id)?.cancel();
    const wait = Math.min(Math.max(milliseconds, 0), longest);
    const timer = this.#needs.timers.after(wait, () => {
      const rest = this.#running.has(id) ? 60_000 : milliseconds - wait;
      if (rest > 0) return this.#forgetAfter(id, rest);
      this.#forgetting.delete(id);
      this.#needs.spool.forget(id);
    });
    this.#forgetting.set(id, timer);
  }
}
