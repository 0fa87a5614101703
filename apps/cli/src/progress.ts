import { printable } from "./text.ts";
import type { Outlet } from "./world.ts";

/** Says on stderr what is taking long: after a second, and on a terminal with the seconds. Programs are left alone. */
export class Progress {
  readonly #err: Outlet;
  readonly #isQuiet: boolean;
  #isShowing = false;
  #isBusy = false;

  constructor(err: Outlet, audience: "people" | "programs") {
    this.#err = err;
    this.#isQuiet = audience === "programs" && !err.isTTY;
  }

  /** `text` may change while it goes on. What happens inside of something longer is not shown. */
  async during<T>(text: () => string, work: Promise<T>): Promise<T> {
    if (this.#isQuiet || this.#isBusy) return work;
    this.#isBusy = true;
    let seconds = 0;
    const timer = setInterval(() => {
      seconds += 1;
      this.#show(text(), seconds);
    }, 1_000);
    try {
      return await work;
    } finally {
      clearInterval(timer);
      this.clear();
      this.#isBusy = false;
    }
  }

  /** Makes room for what is to be read. */
  clear(): void {
    if (this.#isShowing && this.#err.isTTY) this.#err.write("\r\u001b[K");
    this.#isShowing = false;
  }

  #show(text: string, seconds: number): void {
    if (this.#err.isTTY) this.#err.write(`\r\u001b[K${printable(text)} … ${seconds} s `);
    else if (seconds === 1) this.#err.write(`${printable(text)} …\n`);
    this.#isShowing = true;
  }
}
