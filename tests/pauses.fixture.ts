/** How often it is looked. */
const everyMs = 20;
/** What is that much late was not held up, but is the timer's own coarseness. */
const noticed = 5;

const pauses: { readonly until: number; readonly milliseconds: number }[] = [];
let last = performance.now();
let used = process.threadCpuUsage();
setInterval(() => {
  const now = performance.now();
  const { user, system } = process.threadCpuUsage(used);
  used = process.threadCpuUsage();
  const milliseconds = now - last - everyMs - (user + system) / 1_000;
  if (milliseconds > noticed) pauses.push({ until: now, milliseconds });
  last = now;
}, everyMs).unref();

/** For how many milliseconds since then this thread wanted to run and others had the processor. What it computed itself, however long, is not among them; what it waited for in a call that holds it up is. */
export const heldUp = (since: number): number =>
  pauses.reduce((sum, { until, milliseconds }) => sum + Math.max(Math.min(milliseconds, until - since), 0), 0);
