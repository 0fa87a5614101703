/**
 * What stands at filters or topics, by their levels. One per space. A run of levels without a fork is one node: a name of 128 levels
 * costs hardly more than one of three, in memory and when it is looked for.
 */
export class TopicTree<T> {
  readonly #root: Node<T> = newNode([]);
  /** What the last `match` took: places looked at, and values found. */
  cost = 0;

  add(name: string, value: T): void {
    const levels = name.split("/");
    let node = this.#root;
    for (let at = 0; at < levels.length;) {
      const key = levels[at]!; // at < length
      node.children ??= new Map();
      const child = node.children.get(key);
      if (!child) {
        const leaf: Node<T> = newNode(levels.slice(at));
        node.children.set(key, leaf);
        node = leaf;
        break;
      }
      const length = common(child.run, levels, at);
      node = length === child.run.length ? child : split(node, key, child, length);
      at += length;
    }
    node.values.push(value);
  }

  remove(name: string, value: T): void {
    const levels = name.split("/");
    const found = this.#find(levels);
    if (!found) return;
    const { node, parent, above } = found;
    const index = node.values.indexOf(value);
    if (index < 0) return;
    node.values.splice(index, 1);
    if (node.values.length > 0) return;
    if (node.children) return mend(parent, node);
    parent.children?.delete(node.run[0]!); // only the root has an empty run
    if (parent.children?.size === 0) parent.children = undefined;
    if (above) mend(above, parent);
  }

  /** What stands at the name itself, not at what it matches. */
  at(name: string): readonly T[] {
    return this.#find(name.split("/"))?.node.values ?? [];
  }

  #find(levels: readonly string[]): { node: Node<T>; parent: Node<T>; above: Node<T> | undefined } | undefined {
    let above: Node<T> | undefined;
    let parent = this.#root;
    let node = this.#root;
    for (let at = 0; at < levels.length;) {
      const child = node.children?.get(levels[at]!); // at < length
      if (!child || common(child.run, levels, at) < child.run.length) return undefined;
      [above, parent, node] = [at === 0 ? undefined : parent, node, child];
      at += child.run.length;
    }
    return { node, parent, above };
  }

  /** Of a tree of filters: everything whose filter matches the topic. */
  match(topic: string): T[] {
    const found: T[] = [];
    places = 0;
    // [MQTT-4.7.2-1]: a wildcard at the first level does not match a topic that begins with $.
    collect(this.#root, topic.split("/"), 0, found, topic.startsWith("$"));
    this.cost = places + found.length;
    return found;
  }

  /**
   * Of a tree of topics: everything that the filter matches, one by one, and `undefined` for a place where there was nothing. Bears
   * that the tree changes meanwhile: what is added behind it may come or not.
   */
  *search(filter: string): Generator<T | undefined, void> {
    yield* search(this.#root, filter.split("/"), 0);
  }

  /** Everything that is there, in the same way. */
  all(): Generator<T | undefined, void> {
    return everything(this.#root);
  }
}

type Node<T> = {
  /** The levels that lead here from the node above. */
  readonly run: readonly string[];
  /** By the first level of their runs. */
  children: Map<string, Node<T>> | undefined;
  readonly values: T[];
};
const newNode = <T>(run: readonly string[]): Node<T> => ({ run, children: undefined, values: [] });

/** How many levels of the run stand in `levels` from `at` on. */
function common(run: readonly string[], levels: readonly string[], at: number): number {
  let length = 0;
  while (length < run.length && at + length < levels.length && run[length] === levels[at + length]) length++;
  return length;
}

/** A node in the middle of the child's run. Runs do not change, because a search may be about to look at them: nodes are replaced. */
function split<T>(parent: Node<T>, key: string, child: Node<T>, length: number): Node<T> {
  const middle: Node<T> = newNode(child.run.slice(0, length));
  const run = child.run.slice(length);
  middle.children = new Map([[run[0]!, { ...child, run }]]); // length < the run's
  parent.children?.set(key, middle);
  return middle;
}

/** A node without values and with one child is no fork any more. */
function mend<T>(parent: Node<T>, node: Node<T>): void {
  if (node.values.length > 0 || node.children?.size !== 1) return;
  for (const child of node.children.values()) {
    parent.children?.set(node.run[0]!, { ...child, run: [...node.run, ...child.run] }); // only the root has an empty run
  }
}

/** Looked at by the `match` under way. */
let places = 0;

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
  if (exact) follow(exact, levels, depth, found, system);
  const any = wild ? children.get("+") : undefined;
  if (any) follow(any, levels, depth, found, system);
}

/** Whose first level matches: the rest of its run, then what is below. */
function follow<T>(node: Node<T>, levels: readonly string[], depth: number, found: T[], system: boolean): void {
  const { run } = node;
  places++;
  for (let i = 1; i < run.length; i++) {
    const wanted = run[i];
    if (wanted === "#") return take(node, found); // it matches the level above, too (4.7.1.2)
    if (depth + i >= levels.length || (wanted !== "+" && wanted !== levels[depth + i])) return;
  }
  collect(node, levels, depth + run.length, found, system);
}

function take<T>(node: Node<T>, found: T[]): void {
  // Not a spread: a hundred thousand arguments would not fit the stack.
  for (const value of node.values) found.push(value);
}

/** `depth` levels of the filter have led to the end of this node's run. */
function* search<T>(node: Node<T>, wanted: readonly string[], depth: number): Generator<T | undefined, void> {
  const level = wanted[depth];
  if (level === undefined || level === "#") yield* node.values; // it matches the level above, too (4.7.1.2)
  if (level === undefined || !node.children) return;
  if (level !== "#" && level !== "+") {
    const child = node.children.get(level);
    if (child) yield* enter(child, wanted, depth);
    return;
  }
  for (const [first, child] of node.children) {
    // [MQTT-4.7.2-1]
    if (depth > 0 || !first.startsWith("$")) yield* enter(child, wanted, depth);
  }
}

/** The same, before the node's run. */
function* enter<T>(node: Node<T>, wanted: readonly string[], depth: number): Generator<T | undefined, void> {
  yield undefined;
  const { run } = node;
  for (let i = 0; i < run.length; i++) {
    const level = wanted[depth + i];
    if (level === "#") return yield* everything(node);
    if (level !== "+" && level !== run[i]) return;
  }
  yield* search(node, wanted, depth + run.length);
}

function* everything<T>(node: Node<T>): Generator<T | undefined, void> {
  yield undefined;
  yield* node.values;
  for (const child of node.children?.values() ?? []) yield* everything(child);
}
