/** How many counters back a frame may come late. RFC 4303, 3.4.3 and RFC 8613, 7.4 keep as many. */
const width = 32;

export type Standing = "new" | "had" | "past";

/** Which frames of one secret there were: its latest boot, the greatest counter of that, and which of the 32 up to there. */
export class Window {
  boot: number;
  top: number;
  /** Bit n is the counter n below the top. */
  bits: number;

  constructor(boot = -1, top = -1, bits = 0) {
    this.boot = boot;
    this.top = top;
    this.bits = bits;
  }

  of(boot: number, counter: number): Standing {
    if (boot !== this.boot) return boot > this.boot ? "new" : "past";
    const back = this.top - counter;
    if (back < 0) return "new";
    if (back >= width) return "past";
    return (this.bits & (1 << back)) === 0 ? "new" : "had";
  }

  /** What is past changes nothing. */
  add(boot: number, counter: number): void {
    if (this.of(boot, counter) === "past") return;
    const ahead = boot > this.boot ? width : counter - this.top;
    if (ahead > 0) {
      this.boot = boot;
      this.top = counter;
      this.bits = (ahead >= width ? 0 : this.bits << ahead) | 1;
    } else {
      this.bits |= 1 << -ahead;
    }
  }

  /** It was not kept after all: it may come again. */
  remove(boot: number, counter: number): void {
    if (this.of(boot, counter) === "had") this.bits &= ~(1 << (this.top - counter));
  }
}
