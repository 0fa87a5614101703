import type { Record } from "./records.ts";
import { own, type Speaker } from "./topics.ts";

type Command = { readonly expiresIn: number; readonly speaker: Speaker; readonly reply: string | undefined };

/**
 * Which commands were begun and what became of them, so that none runs twice (docs/commands.md, "Run once"). An id may be forgotten once the
 * platform cannot give the command any more; that is counted by the time that passes in one process, never by the clock, which on a device
 * jumps. After a restart counting begins anew: an id is kept too long rather than too short.
 */
export class Ledger {
  readonly #commands = new Map<string, Command>();

  begin(command: string, expiresIn: number, speaker: Speaker): void {
    this.#commands.set(command, { expiresIn, speaker, reply: this.#commands.get(command)?.reply });
  }

  finish(command: string, reply: string): void {
    const { expiresIn, speaker } = this.#commands.get(command) ?? { expiresIn: 0, speaker: own };
    this.#commands.set(command, { expiresIn, speaker, reply });
  }

  forget(command: string): void {
    this.#commands.delete(command);
  }

  find(command: string): Command | undefined {
    return this.#commands.get(command);
  }

  /** Who is to reply. */
  speakerOf(command: string): Speaker {
    return this.#commands.get(command)?.speaker ?? own;
  }

  all(): Iterable<[id: string, command: Command]> {
    return this.#commands.entries();
  }

  /** What is left to be written where a journal is written anew. Number 0: the reply is no entry of its own any more. */
  *records(): Iterable<Record> {
    for (const [id, { expiresIn, speaker, reply }] of this.#commands) {
      yield ["begun", id, expiresIn, speaker];
      if (reply !== undefined) yield ["done", id, 0, reply];
    }
  }
}
