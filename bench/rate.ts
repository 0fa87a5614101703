/** Millions a second of this thread's CPU, in the best of five turns of 40 ms: others may be working on this machine. */
export function rate(perCall: number, call: () => unknown): number {
  let best = 0;
  for (let turn = 0; turn < 5; turn++) {
    let calls = 0;
    let micros = 0;
    const before = process.threadCpuUsage();
    for (; micros < 40_000; micros = process.threadCpuUsage(before).user) {
      for (let i = 0; i < 64; i++) call();
      calls += 64;
    }
    best = Math.max(best, (calls * perCall) / micros);
  }
  return best;
}
