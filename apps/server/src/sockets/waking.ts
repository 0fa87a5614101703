import { because, Refusal, type Report } from "@holdfast/kernel";
import type { Sender } from "./answer.ts";
import type { Peer } from "./peer.ts";

/** Frames that wait for one secret to be read, and for all. What comes beyond is lost, and sent again. */
const mostOfOne = 16;
const mostOfAll = 8_192;
/** Secrets that are read at once. */
const mostWaking = 32;

export type Come = { readonly bytes: Uint8Array; readonly sender: Sender };

type Needs = {
  readonly report: Report;
  /** All that frames of this address need. @throws Refusal, where it cannot be had now */
  readonly read: (address: number) => Promise<Peer | undefined>;
  /** What came meanwhile, in order; nobody's where it could not be read. */
  readonly woke: (address: number, peer: Peer | undefined, come: readonly Come[]) => void;
};

/** Secrets whose first frame has come, and which are read from the database: so many at once, in turns. */
export class Waking {
  readonly #needs: Needs;
  readonly #asleep = new Map<number, Come[]>();
  readonly #queue: number[] = [];
  #waking = 0;
  #count = 0;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** Whether there was room for it. */
  wait(address: number, come: Come): boolean {
    const there = this.#asleep.get(address);
    if (this.#count >= mostOfAll || (there && there.length >= mostOfOne)) return false;
    this.#count += 1;
    if (there) {
      there.push(come);
      return true;
    }
    this.#asleep.set(address, [come]);
    this.#queue.push(address);
    this.#next();
    return true;
  }

  #next(): void {
    while (this.#waking < mostWaking) {
      const address = this.#queue.shift();
      if (address === undefined) return;
      this.#waking += 1;
      void this.#wake(address).finally(() => {
        this.#waking -= 1;
        this.#next();
      });
    }
  }

  async #wake(address: number): Promise<void> {
    const { read, woke, report } = this.#needs;
    let peer: Peer | undefined;
    try {
      peer = await read(address);
    } catch (error) {
      if (!(error instanceof Refusal)) report("A frame met a fault of our own.", because(error));
    }
    const come = this.#asleep.get(address) ?? [];
    this.#asleep.delete(address);
    this.#count -= come.length;
    woke(address, peer, come);
  }
}
