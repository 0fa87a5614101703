/** So much is done in one turn of the event loop: that an entry is read, or made true, costs one. */
const most = 50;
/** Bytes that are copied in the time that an entry takes. */
const bytesOfOne = 4_096;

/** Long work that leaves others their turn. */
export class Slices {
  #left = most;

  /** `undefined`: go on. Else others come first. */
  spend(bytes = 0): Promise<void> | undefined {
    this.#left -= 1 + bytes / bytesOfOne;
    if (this.#left > 0) return undefined;
    this.#left = most;
    return new Promise((resolve) => setImmediate(resolve));
  }
}
