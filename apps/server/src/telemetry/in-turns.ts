/** Does it with each, so many at the same time, and answers in their order. The first that fails ends it: no further one is begun. */
export async function inTurns<T, R>(
  all: readonly T[],
  atOnce: number,
  work: (one: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  const queue = all.entries();
  let hasFailed = false;
  const serve = async (): Promise<void> => {
    for (const [at, one] of queue) {
      if (hasFailed) return;
      try {
        results[at] = await work(one);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, all.length) }, serve));
  return results;
}
