/** The keys used last, at most `limit` of them. A map keeps the order of insertion: the first is the one used longest ago. */
export class RecentKeys {
  readonly #keys = new Map<string, Uint8Array>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(name: string): Uint8Array | undefined {
    const key = this.#keys.get(name);
    if (key) {
      this.#keys.delete(name);
      this.#keys.set(name, key);
    }
    return key;
  }

  set(name: string, key: Uint8Array): void {
    this.#keys.delete(name);
    this.#keys.set(name, key);
    if (this.#keys.size <= this.#limit) return;
    const [oldest] = this.#keys.keys();
    if (oldest !== undefined) this.#keys.delete(oldest);
  }

  delete(name: string): void {
    this.#keys.delete(name);
  }
}
