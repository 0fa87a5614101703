import type { Emitter } from "./emitter.ts";

/** All that differs from what the device reported, as a merge patch (RFC 7396). */
export type Desired = Readonly<Record<string, unknown>>;
export type OnDesired = (desired: Desired, version: number) => unknown;

/** What is wanted of the device: the newest alone, one at a time (docs/twins.md). */
export class Twin {
  readonly #emitter: Emitter;
  #handler: OnDesired | undefined;
  #newest = 0;
  #next: { version: number; desired: Desired } | undefined;
  #isBusy = false;

  constructor(emitter: Emitter) {
    this.#emitter = emitter;
  }

  handle(handler: OnDesired): void {
    this.#handler = handler;
  }

  /** It is listened to anew. A platform whose data were put back from a backup counts from where that was. */
  begin(): void {
    this.#newest = 0;
  }

  take(text: string): void {
    const wanted = JSON.parse(text) as { version: number; desired: Desired }; // the platform's own words
    if (wanted.version < this.#newest) return;
    this.#newest = wanted.version;
    this.#next = wanted;
    if (!this.#isBusy) void this.#work();
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    for (let wanted = this.#next; wanted; wanted = this.#next) {
      this.#next = undefined;
      try {
        await this.#handler?.(wanted.desired, wanted.version);
      } catch (error) {
        this.#emitter.emit("fault", error);
      }
    }
    this.#isBusy = false;
  }
}
