import { performance, PerformanceObserver, type PerformanceEntry } from "node:perf_hooks";
import { createServer, type AddressInfo } from "node:net";
import { Broker } from "./broker.ts";
import { openPolicy } from "./standalone/policy.ts";
import { systemTime } from "./system-time.ts";

// A broker in a process of its own, which says how long the longest turn of its event loop was since it was asked last. Run by fork().
const retainedTopics = 100_000;

let assigned = 0;
const broker = new Broker({
  policy: openPolicy([], undefined),
  time: systemTime,
  newClientId: () => `assigned-${++assigned}`,
  reportFault: (fault) => process.send?.({ fault: String(fault) }),
});
const payload = Buffer.from("x".repeat(20));
for (let i = 0; i < retainedTopics; i++) {
  broker.publish("everything", { topic: `kept/${i % 300}/${i}`, payload, qos: 0, retain: true });
}
const server = createServer((socket) => broker.accept(socket, { remoteAddress: "", secure: false, name: "mqtt" }));

// What a turn takes of CPU, in milliseconds, however many other processes want the processor meanwhile; but for what V8 collected in
// it: how long that takes, and when it comes, is not what one client's message decides.
type Turn = { readonly spent: number; readonly from: number; readonly to: number };
const worthALook = 5;
let turns: Turn[] = [];
let collected: PerformanceEntry[] = [];
new PerformanceObserver((list) => collected.push(...list.getEntries())).observe({ entryTypes: ["gc"] });
let before = spent();
let from = performance.now();
function spent(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
function turn(): void {
  const [now, to] = [spent(), performance.now()];
  // Some systems count a processor's time in ticks of 4 ms: no turn takes longer than it lasts.
  const took = Math.min(now - before, to - from);
  if (took > worthALook) turns.push({ spent: took, from, to });
  [before, from] = [now, to];
  setImmediate(turn);
}
turn();
const own = ({ spent, from: start, to: end }: Turn): number =>
  collected
    .filter(({ startTime }) => startTime >= start && startTime < end)
    .reduce((left, { duration }) => left - duration, spent);

type Owner = { turn: number; made: object[]; readonly owed: object[]; readonly asks: Ask[]; readonly other: object[] };
type Ask = { readonly owner: Owner; readonly n: number };
/** Like sessions with ten filters each, and as far apart. Made at the first use. */
let owners: Owner[] = [];
let walks = 0;

/**
 * Milliseconds of CPU in which this machine, as it is now, looks at a hundred thousand objects of ten thousand others and makes something of each: the least
 * that a message takes which as many filters of as many sessions match.
 */
function walk(): number {
  if (owners.length === 0)
    owners = Array.from({ length: 10_000 }, () => {
      const owner: Owner = {
        turn: 0,
        made: [],
        owed: [],
        asks: [],
        other: Array.from({ length: 64 }, (_, n) => ({ n })),
      };
      for (let n = 0; n < 10; n += 1) owner.asks.push({ owner, n });
      return owner;
    });
  const began = spent();
  const turn = ++walks;
  const found: Ask[] = [];
  for (let n = 0; n < 10; n += 1) for (const { asks } of owners) found.push(asks[n]!); // each has ten
  const all: Owner[] = [];
  for (const ask of found) {
    const { owner } = ask;
    if (owner.turn !== turn) {
      owner.turn = turn;
      owner.made = [];
      all.push(owner);
    }
    owner.made.push(ask);
  }
  for (const { owed, made } of all) owed[0] = { made };
  return spent() - began;
}

process.on("message", async (asked) => {
  if (asked === "walk") return void process.send?.({ walked: walk() });
  await new Promise((resolve) => setTimeout(resolve, 10)); // the collector's times come later
  process.send?.({ longest: Math.max(0, ...turns.map(own)) });
  [turns, collected] = [[], []];
});
process.on("disconnect", () => process.exit(0));
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port })); // TCP has one
