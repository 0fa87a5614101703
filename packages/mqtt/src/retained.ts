import type { Limits } from "./limits.ts";
import type { Publication } from "./publication.ts";
import type { Statistics } from "./statistics.ts";

type Node = { children: Map<string, Node> | undefined; message: Publication | undefined };
const newNode = (): Node => ({ children: undefined, message: undefined });

/** The last retained message of each topic of a space. */
export class Retained {
  readonly #limits: Limits;
  readonly #statistics: Statistics;
  readonly #root = newNode();
  #count = 0;
  #bytes = 0;

  constructor(limits: Limits, statistics: Statistics) {
    this.#limits = limits;
    this.#statistics = statistics;
  }

  get count(): number {
    return this.#count;
  }

  /** Keeps the publication, or forgets its topic when the payload is empty ([MQTT-3.3.1-6]). `false` where the space is full. */
  keep(publication: Publication): boolean {
    const levels = publication.topic.split("/");
    if (publication.propertiesEnd === publication.end) {
      this.#forget(levels);
      return true;
    }
    let node = this.#root;
    for (const level of levels) {
      node.children ??= new Map();
      let child = node.children.get(level);
      if (!child) node.children.set(level, (child = newNode()));
      node = child;
    }
    const old = node.message;
    const { retainedMessages, retainedBytes } = this.#limits;
    const count = this.#count + (old ? 0 : 1);
    const bytes = this.#bytes + publication.size - (old?.size ?? 0);
    if (count > retainedMessages || bytes > retainedBytes) {
      if (!old) this.#forget(levels);
      return false;
    }
    publication.detach();
    node.message = publication;
    this.#account(count, bytes);
    return true;
  }

  #account(count: number, bytes: number): void {
    this.#statistics.retained += count - this.#count;
    this.#statistics.retainedBytes += bytes - this.#bytes;
    this.#count = count;
    this.#bytes = bytes;
  }

  #forget(levels: readonly string[]): void {
    const path: Node[] = [this.#root];
    for (const level of levels) {
      const child = path.at(-1)?.children?.get(level);
      if (!child) return;
      path.push(child);
    }
    const leaf = path.at(-1);
    if (leaf?.message) {
      this.#account(this.#count - 1, this.#bytes - leaf.message.size);
      leaf.message = undefined;
    }
    for (let depth = levels.length; depth > 0; depth--) {
      const node = path[depth];
      const level = levels[depth - 1];
      if (!node || level === undefined || node.message || node.children?.size) return;
      path[depth - 1]?.children?.delete(level);
    }
  }

  /** What the filter matches and has not expired at that moment (by `Time.elapsed`). Expired ones are forgotten. */
  match(filter: string, elapsed: number): Publication[] {
    const found: Publication[] = [];
    collect(this.#root, filter.split("/"), 0, found);
    return found.filter((publication) => {
      if (publication.secondsLeft(elapsed) !== 0) return true;
      this.#forget(publication.topic.split("/"));
      return false;
    });
  }
}

function collect(node: Node, levels: readonly string[], depth: number, found: Publication[]): void {
  const level = levels[depth];
  if (level === undefined) {
    if (node.message) found.push(node.message);
    return;
  }
  if (level === "#") return everything(node, depth === 0, found);
  if (level !== "+") {
    const child = node.children?.get(level);
    if (child) collect(child, levels, depth + 1, found);
    return;
  }
  for (const [name, child] of node.children ?? []) {
    // [MQTT-4.7.2-1]
    if (depth > 0 || !name.startsWith("$")) collect(child, levels, depth + 1, found);
  }
}

function everything(node: Node, atRoot: boolean, found: Publication[]): void {
  if (node.message) found.push(node.message);
  for (const [name, child] of node.children ?? []) {
    if (!atRoot || !name.startsWith("$")) everything(child, false, found);
  }
}
