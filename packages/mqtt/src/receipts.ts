import type { Publication } from "./publication.ts";

/**
 * The messages of QoS 2 that one client has sent and not released. Each is taken once, however often it is sent ([MQTT-4.3.3-10]), over
 * connections too.
 */
export class Receipts {
  /** By packet id; `undefined` once it is kept. */
  readonly #awaited = new Map<number, Publication | undefined>();
  /** Of those, whose PUBREL has come, though it is not known yet whether that is kept. */
  readonly #freeing = new Set<number>();
  /** Sent again before it was known whether it is kept. */
  readonly #repeats = new Map<number, Publication[]>();

  has(packetId: number): boolean {
    return this.#awaited.has(packetId);
  }

  isKept(packetId: number): boolean {
    return this.#awaited.has(packetId) && this.#awaited.get(packetId) === undefined;
  }

  await(publication: Publication): void {
    this.#awaited.set(publication.packetId, publication);
  }

  /** The same again: settled as the first was, and when it is. */
  repeat(publication: Publication): void {
    const { packetId } = publication;
    if (this.isKept(packetId)) return publication.settle(0);
    const repeats = this.#repeats.get(packetId);
    if (repeats) repeats.push(publication);
    else this.#repeats.set(packetId, [publication]);
  }

  /** One that was not kept is forgotten: the client may use its id for another. */
  settled({ packetId, code, reasonString }: Publication): void {
    if (code === 0) this.#awaited.set(packetId, undefined);
    else this.#awaited.delete(packetId);
    const repeats = this.#repeats.get(packetId) ?? [];
    this.#repeats.delete(packetId);
    for (const repeat of repeats) repeat.settle(code, reasonString);
  }

  /** The ids that have to be known after a restart; asked one by one, since they are freed meanwhile. */
  *kept(): Generator<number, void, undefined> {
    for (const packetId of this.#awaited.keys()) {
      if (this.isKept(packetId) && !this.#freeing.has(packetId)) yield packetId;
    }
  }

  restore(packetId: number): void {
    this.#awaited.set(packetId, undefined);
  }

  /** PUBREL came: from here on the log is told that the id is free. */
  release(packetId: number): void {
    this.#freeing.add(packetId);
  }

  /** The log knows, or could not be told: then it comes again. */
  released(packetId: number, code: number): void {
    this.#freeing.delete(packetId);
    if (code === 0) this.#awaited.delete(packetId);
  }
}
