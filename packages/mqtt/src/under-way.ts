// Hot path: how many messages a client was sent on this connection and has not acknowledged, and since when it acknowledges none.
import type { Session } from "./session.ts";

export class UnderWay {
  count = 0;
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  begin(): void {
    if (this.count++ === 0) this.#tell();
  }

  end(): void {
    if (--this.count === 0) this.#session.core.policy.owing?.(this.#session.context, undefined);
  }

  /** The client acknowledges something. */
  answered(): void {
    if (this.count > 0) this.#tell();
  }

  clear(): void {
    this.count = 0;
  }

  #tell(): void {
    const { core, context } = this.#session;
    core.policy.owing?.(context, core.time.elapsed());
  }
}
