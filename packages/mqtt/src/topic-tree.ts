/** Filters and what stands at them. One per space; matching walks only the levels the topic has. */
export class TopicTree<T> {
  readonly #root: Node<T> = newNode();

  add(filter: string, value: T): void {
    let node = this.#root;
    for (const level of filter.split("/")) {
      node.children ??= new Map();
      let child = node.children.get(level);
      if (!child) node.children.set(level, (child = newNode()));
      node = child;
    }
    node.values.push(value);
  }

  remove(filter: string, value: T): void {
    const levels = filter.split("/");
    const path: Node<T>[] = [this.#root];
    for (const level of levels) {
      const child = path.at(-1)?.children?.get(level);
      if (!child) return;
      path.push(child);
    }
    const leaf = path.at(-1);
    const index = leaf?.values.indexOf(value) ?? -1;
    if (index >= 0) leaf?.values.splice(index, 1);
    for (let depth = levels.length; depth > 0; depth--) {
      const node = path[depth];
      const level = levels[depth - 1];
      if (!node || level === undefined || node.values.length > 0 || node.children?.size) return;
      path[depth - 1]?.children?.delete(level);
    }
  }

  /** What stands at the filter itself, not at what it matches. */
  at(filter: string): readonly T[] {
    let node: Node<T> | undefined = this.#root;
    for (const level of filter.split("/")) node = node?.children?.get(level);
    return node?.values ?? [];
  }

  /** Everything whose filter matches the topic. */
  match(topic: string): T[] {
    const found: T[] = [];
    // [MQTT-4.7.2-1]: a wildcard at the first level does not match a topic that begins with $.
    collect(this.#root, topic.split("/"), 0, found, topic.startsWith("$"));
    return found;
  }
}

type Node<T> = { children: Map<string, Node<T>> | undefined; values: T[] };
const newNode = <T>(): Node<T> => ({ children: undefined, values: [] });

function collect<T>(node: Node<T>, levels: readonly string[], depth: number, found: T[], system: boolean): void {
  const level = levels[depth];
  const { children } = node;
  if (level === undefined) take(node, found);
  if (!children) return;
  const wild = depth > 0 || !system;
  if (wild) {
    const rest = children.get("#");
    if (rest) take(rest, found);
  }
  if (level === undefined) return;
  const exact = children.get(level);
  if (exact) collect(exact, levels, depth + 1, found, system);
  const any = wild ? children.get("+") : undefined;
  if (any) collect(any, levels, depth + 1, found, system);
}

function take<T>(node: Node<T>, found: T[]): void {
  // Not a spread: a hundred thousand arguments would not fit the stack.
  for (const value of node.values) found.push(value);
}
