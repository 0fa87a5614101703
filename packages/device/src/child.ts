import type { Handler } from "./commands.ts";
import type { OnDesired } from "./twin.ts";
import type { Measured, Values, Voice } from "./voice.ts";

/**
 * A device that this one speaks for: a child of a gateway. It has readings, a twin and commands of its own, in the gateway's spool, of which it
 * fills a share at most. Where the platform does not let the gateway speak for it, `send` and `report` reject as `child.refused`.
 */
export class Child {
  /** Its id or its alias, as the gateway calls it. */
  readonly name: string;
  readonly #voice: Voice;

  constructor(name: string, voice: Voice) {
    this.name = name;
    this.#voice = voice;
  }

  /** As `Device.send`. Rejects as `child.refused`, and then it is not sent later. */
  send(values: Values, measured: Measured = {}): Promise<void> {
    return this.#voice.send(values, measured);
  }

  /** As `Device.keep`. While the child is refused it is kept, as far as its share goes, and tried again; beyond that it rejects as `child.refused`. */
  keep(values: Values, measured: Measured = {}): Promise<void> {
    return this.#voice.keep(values, measured);
  }

  /** As `Device.report`. Rejects as `child.refused`. */
  report(patch: Values): Promise<void> {
    return this.#voice.report(patch);
  }

  /** Runs once for each command of that name to this child, one time at most. */
  onCommand(name: string, handler: Handler): void {
    this.#voice.onCommand(name, handler);
  }

  /** Is told what is wanted of this child, as `Device.onDesired`. */
  onDesired(handler: OnDesired): void {
    this.#voice.onDesired(handler);
  }

  /** The child is out of reach: its commands wait at the platform until it comes, and expire there. What was measured is sent all the same. */
  leave(): void {
    this.#voice.leave();
  }

  /** It is there again; so it is without saying, too. */
  come(): void {
    this.#voice.come();
  }

  /** The child is gone for good, or another gateway's: what waits to be sent for it is sent no more, and whoever waits is told `child.forgotten`. */
  forget(): void {
    this.#voice.leave();
    this.#voice.forget();
  }
}
