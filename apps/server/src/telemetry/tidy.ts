import { chunkPoints, mostChunkBytes, rest, smallChunk } from "./parts.ts";

/** A chunk as it lies in its month. */
export type Laid = {
  readonly first: number;
  readonly last: number;
  readonly position: number;
  readonly count: number;
  /** Of its sealed points. */
  readonly bytes: number;
  /** It stays as it is: the flusher's own, or in the object store. */
  readonly isFixed: boolean;
  /** Under the key of which period it is sealed. */
  readonly period: number;
};

/** Points, and sealed bytes, that are read and written again in one transaction. */
const mostPoints = 65_536;
const mostBytes = 2 * 1024 * 1024;

/** Chunks of which nobody else's in the month begins or ends within: each reaches into the one before. */
type Island = {
  readonly chunks: readonly Laid[];
  readonly points: number;
  readonly bytes: number;
  readonly isSmall: boolean;
};

/**
 * The next chunks of one month of a series, given in the order in which they begin, that are better written as one run: small ones that lie side
 * by side, and such as overlap. `undefined` when all is as it should be. What takes their place gets the highest of their positions, so that of
 * equal times the last still wins: a chunk that stays and reaches into them is older or newer than all of them, or they are left alone.
 */
export function nextToJoin(
  month: readonly Laid[],
  isDone: (group: readonly Laid[]) => boolean,
): readonly Laid[] | undefined {
  for (const period of new Set(month.map((one) => one.period))) {
    const seen = month.map((one) => (one.period === period ? one : { ...one, isFixed: true }));
    const group = nextOfPeriod(seen, isDone);
    // Those that were given, not copies of them.
    if (group) return group.flatMap((one) => month.find((each) => each === one) ?? []);
  }
  return undefined;
}

function nextOfPeriod(
  month: readonly Laid[],
  isDone: (group: readonly Laid[]) => boolean,
): readonly Laid[] | undefined {
  const fixed = month.filter(({ isFixed }) => isFixed);
  const islands = islandsOf(month.filter(({ isFixed }) => !isFixed));
  const isFree = (group: readonly Laid[]) => fixed.every((one) => staysApart(one, group)) && !isDone(group);
  for (let at = 0; at < islands.length; at += 1) {
    const island = islands[at];
    if (!island) break;
    const group = island.isSmall
      ? runAt(islands, at, (a, b) => fixed.some(({ first }) => first >= a && first <= b))
      : within(island);
    if (isWorth(group) && isFree(group)) return group;
  }
  return undefined;
}

function islandsOf(chunks: readonly Laid[]): readonly Island[] {
  const islands: Laid[][] = [];
  let reached = -Infinity;
  for (const chunk of chunks) {
    if (chunk.first > reached) islands.push([]);
    islands.at(-1)?.push(chunk);
    reached = Math.max(reached, chunk.last);
  }
  return islands.map((all) => {
    const points = all.reduce((sum, { count }) => sum + count, 0);
    const bytes = all.reduce((sum, one) => sum + one.bytes, 0);
    return { chunks: all, points, bytes, isSmall: points < smallChunk && bytes < mostChunkBytes / 2 };
  });
}

/** From a small one on all that are small; still small, they go along with a neighbour that has room. None lies on the other side of one that stays. */
function runAt(islands: readonly Island[], at: number, isCut: (a: number, b: number) => boolean): readonly Laid[] {
  const run: Island[] = [];
  let [points, bytes] = [0, 0];
  const take = (one: Island) => {
    run.push(one);
    points += one.points;
    bytes += one.bytes;
  };
  let next = at;
  const isBeside = (one: Island) => !isCut(Math.min(begin, firstOf(one)), Math.max(begin, firstOf(one)));
  const begin = firstOf(islands[at]);
  const fits = (one: Island) => points + one.points <= mostPoints && bytes + one.bytes <= mostBytes && isBeside(one);
  for (let one = islands[next]; one?.isSmall && fits(one); one = islands[next]) {
    take(one);
    next += 1;
  }
  const hasRoom = (one: Island | undefined): one is Island =>
    one !== undefined &&
    one.points + points < chunkPoints + rest &&
    one.bytes + bytes < mostChunkBytes &&
    isBeside(one);
  const [before, after] = [islands[at - 1], islands[next]];
  if (points < smallChunk && hasRoom(before)) return [...before.chunks, ...run.flatMap(({ chunks }) => chunks)];
  if (points < smallChunk && hasRoom(after)) take(after);
  return run.flatMap(({ chunks }) => chunks);
}

const firstOf = (island: Island | undefined): number => island?.chunks[0]?.first ?? 0; // an island has a chunk

/** Of an island that is more than fits in one transaction, the part that fits and that what is left of it stays apart from. */
function within({ chunks }: Island): readonly Laid[] {
  let [points, bytes, past] = [0, 0, 0];
  for (const one of chunks) {
    if ((points += one.count) > mostPoints || (bytes += one.bytes) > mostBytes) break;
    past += 1;
  }
  for (; past > 1; past -= 1) {
    const group = chunks.slice(0, past);
    if (chunks.slice(past).every((one) => staysApart(one, group))) return group;
  }
  return [];
}

function isWorth(group: readonly Laid[]): boolean {
  if (group.length < 2) return false;
  const points = group.reduce((sum, { count }) => sum + count, 0);
  const isOverlapping = group.some(({ first }, at) => group.slice(0, at).some(({ last }) => last >= first));
  return isOverlapping || chunksFor(points) < group.length;
}

/** In how many `partsOf` cuts so many. */
const chunksFor = (points: number): number => Math.max(1, Math.ceil((points - rest + 1) / chunkPoints));

function staysApart(one: Laid, group: readonly Laid[]): boolean {
  const first = Math.min(...group.map((each) => each.first));
  const last = Math.max(...group.map((each) => each.last));
  if (one.last < first || one.first > last) return true;
  const positions = group.map(({ position }) => position);
  return one.position > Math.max(...positions) || one.position < Math.min(...positions);
}
