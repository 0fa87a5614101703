import type { Session } from "./session.ts";

const tickMs = 500;
/** How often PostgreSQL is asked, and after how long without an answer it counts as gone. */
const usual = { askEvery: 4, silentAfter: 16 };
/** The same while the platform closes. */
const hurried = { askEvery: 1, silentAfter: 3 };

/**
 * Notices a PostgreSQL that neither answers nor breaks its connections: one that was stopped, whose disk hangs, or behind a network that swallows
 * everything. Statements have no deadline of their own on our side, so whoever waits would wait for ever.
 *
 * It counts ticks of the process, not time: one that was itself held up, or a laptop that slept, takes nobody for silent.
 */
export class Pulse {
  readonly #timer: NodeJS.Timeout;

  /** `silent` is called once; `closing` is aborted when the platform closes, which waits for nobody. */
  constructor(session: Session, silent: () => void, closing?: AbortSignal) {
    let ticks = 0;
    let unanswered = 0;
    let isAsking = false;
    const ask = async (): Promise<void> => {
      isAsking = true;
      // A failure is an answer too: the session ends, or was not asked properly.
      await session.query("select 1").catch(() => undefined);
      isAsking = false;
      unanswered = 0;
    };
    this.#timer = setInterval(() => {
      ticks += 1;
      const { askEvery, silentAfter } = closing?.aborted ? hurried : usual;
      if (isAsking) unanswered += 1;
      else if (ticks % askEvery === 0) void ask();
      if (unanswered < silentAfter) return;
      this.stop();
      silent();
    }, tickMs).unref();
    void session.ended.then(() => this.stop());
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
