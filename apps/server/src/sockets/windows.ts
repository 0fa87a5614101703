import { setImmediate } from "node:timers/promises";
import { because, Refusal, type Clock, type Report } from "@holdfast/kernel";
import { asPlatform, type Space } from "../authority/index.ts";
import type { Storage } from "../storage/index.ts";
import { openMarks, sealMarks, type Telemetry } from "../telemetry/index.ts";
import { markOf, pictureOf, readMark } from "./mark.ts";
import { socketLogIn } from "./postgres.ts";
import { Window, type Standing } from "./window.ts";

/** Rows that are read at once. */
const atOnce = 64;
/** Bytes of one organisation that are written anew as one row; and of one frame, where it has a commit to itself. */
const leastBytes = 1024 * 1024;
const bytesOfFrame = 64;

type Needs = {
  readonly storage: Storage;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  readonly report: Report;
  /** Whether there is a secret under this address. */
  readonly isKnown: (address: number) => boolean;
  /** Tests give fewer bytes before a row is written anew. */
  readonly least?: number;
};

/** Of one secret: what was taken, and what of it is durable. Between the two are those whose commit is under way. */
type Pair = { readonly taken: Window; readonly kept: Window };

/** The frames that one organisation's devices have sent. */
export class Windows {
  readonly #needs: Needs;
  readonly #space: Space;
  readonly #pairs: Map<number, Pair>;
  #bytes: number;
  #picture = 0;
  #isWriting = false;
  /** Whether a commit was kept is not known: what is here may be wrong, and is read again. */
  isDoubtful = false;

  private constructor(needs: Needs, space: Space, pairs: Map<number, Pair>, bytes: number) {
    this.#needs = needs;
    this.#space = space;
    this.#pairs = pairs;
    this.#bytes = bytes;
  }

  /** Reads what was kept, behind all that was given. @throws Refusal `storage.unavailable`; `seal.broken` where a row was altered */
  static async read(needs: Needs, space: Space): Promise<Windows> {
    await settled(needs.telemetry, space);
    const pairs = new Map<number, Pair>();
    let bytes = 0;
    await needs.storage.read(asPlatform(space.scope), async (unit) => {
      let after = -1;
      for (;;) {
        const some = await socketLogIn(unit).rows(after, atOnce);
        for (const { position, body } of some) {
          for (const mark of openMarks(space.scope, position, body)) remember(pairs, mark);
          after = position;
          bytes += bytesOfFrame + body.length;
          await setImmediate();
        }
        if (some.length < atOnce) break;
      }
      // Where a crash came before anything was written behind it, the log does not know of the last row's position; a commit there would lose its marks.
      needs.telemetry.passPosition(after);
    });
    return new Windows(needs, space, pairs, bytes);
  }

  /** `waiting`: it is here, and not durable yet. */
  of(address: number, boot: number, counter: number): Standing | "waiting" {
    const pair = this.#pairs.get(address);
    if (!pair) return "new";
    const standing = pair.taken.of(boot, counter);
    if (standing === "new" || pair.kept.of(boot, counter) === "had") return standing === "new" ? "new" : "had";
    return standing === "had" ? "waiting" : "past";
  }

  /** It is on its way. Answers what is to be kept with it. */
  take(address: number, boot: number, counter: number): Uint8Array {
    let pair = this.#pairs.get(address);
    if (!pair) this.#pairs.set(address, (pair = { taken: new Window(), kept: new Window() }));
    pair.taken.add(boot, counter);
    return markOf(address, boot, counter);
  }

  /** It is durable. */
  keep(address: number, boot: number, counter: number): void {
    this.#pairs.get(address)?.kept.add(boot, counter);
    this.#bytes += bytesOfFrame;
    const { least = leastBytes } = this.#needs;
    if (!this.#isWriting && !this.isDoubtful && this.#bytes > Math.max(least, 2 * this.#picture)) void this.#write();
  }

  /** It was not kept, and may come again. */
  drop(address: number, boot: number, counter: number): void {
    this.#pairs.get(address)?.taken.remove(boot, counter);
  }

  /** One row in place of all up to now. Killed anywhere, those or this one are there. */
  async #write(): Promise<void> {
    const { storage, telemetry, clock, report, isKnown } = this.#needs;
    this.#isWriting = true;
    try {
      // In the microtask behind it all that the commit holds is in `kept`, and nothing of a later one.
      const position = await settled(telemetry, this.#space);
      if (this.isDoubtful || this.#space.closed) return;
      const marks: Uint8Array[] = [];
      for (const [address, { kept }] of this.#pairs)
        if (isKnown(address) && kept.boot >= 0) marks.push(pictureOf(address, kept));
      const body = sealMarks(this.#space.scope, position, marks);
      this.#bytes = this.#picture = body.length;
      const at = clock.now();
      await storage.note(asPlatform(this.#space.scope), (unit) => socketLogIn(unit).replace({ position, at, body }));
    } catch (error) {
      // What is there stays true; it is tried again when there is as much again.
      this.#picture = this.#bytes;
      report(`Which frames ${this.#space.org} had could not be written anew, and goes on as it is.`, because(error));
    } finally {
      this.#isWriting = false;
    }
  }
}

function remember(pairs: Map<number, Pair>, mark: Uint8Array): void {
  const { address, boot, counter, bits } = readMark(mark);
  if (bits !== undefined) {
    const [taken, kept] = [new Window(boot, counter, bits), new Window(boot, counter, bits)];
    return void pairs.set(address, { taken, kept });
  }
  let pair = pairs.get(address);
  if (!pair) pairs.set(address, (pair = { taken: new Window(), kept: new Window() }));
  pair.taken.add(boot, counter);
  pair.kept.add(boot, counter);
}

/** Everything of the space that was given so far is durable, or refused. Answers the position of the commit behind. */
const settled = (telemetry: Telemetry, space: Space): Promise<number> =>
  new Promise((resolve, reject) =>
    telemetry.record(space, undefined, (code, position) =>
      code === 0 ? resolve(position) : reject(new Refusal("storage.unavailable", { retryAfterSeconds: 1 })),
    ),
  );
