/** Who is here, by the network they came from, oldest first; says at once of which network most are. */
export class Crowd<Member> {
  readonly #members = new Map<string, Set<Member>>();
  /** Networks by how many of theirs are here. */
  readonly #bySize: Set<string>[] = [new Set()];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  of(network: string): number {
    return this.#members.get(network)?.size ?? 0;
  }

  /** How many are here of the network that has most. */
  get most(): number {
    return this.#bySize.length - 1;
  }

  /** Who of that network has been here longest. */
  oldestOf(network: string): Member | undefined {
    const [oldest] = this.#members.get(network) ?? [];
    return oldest;
  }

  /** Of the network that has most. */
  get oldestOfMost(): Member | undefined {
    const [network = ""] = this.#bySize[this.most] ?? [];
    return this.oldestOf(network);
  }

  add(network: string, member: Member): void {
    let members = this.#members.get(network);
    if (!members) this.#members.set(network, (members = new Set()));
    if (members.has(member)) return;
    members.add(member);
    this.#size += 1;
    this.#resize(network, members.size - 1, members.size);
  }

  /** `false` when it was not here. */
  remove(network: string, member: Member): boolean {
    const members = this.#members.get(network);
    if (!members?.delete(member)) return false;
    this.#size -= 1;
    if (members.size === 0) this.#members.delete(network);
    this.#resize(network, members.size + 1, members.size);
    return true;
  }

  #resize(network: string, from: number, to: number): void {
    this.#bySize[from]?.delete(network);
    if (to > 0) (this.#bySize[to] ??= new Set()).add(network);
    while (this.most > 0 && this.#bySize[this.most]?.size === 0) this.#bySize.pop();
  }
}
