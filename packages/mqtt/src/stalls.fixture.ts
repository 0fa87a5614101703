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
  if (now - before > worthALook) turns.push({ spent: now - before, from, to });
  [before, from] = [now, to];
  setImmediate(turn);
}
turn();
const own = ({ spent, from: start, to: end }: Turn): number =>
  collected
    .filter(({ startTime }) => startTime >= start && startTime < end)
    .reduce((left, { duration }) => left - duration, spent);

process.on("message", async () => {
  await new Promise((resolve) => setTimeout(resolve, 10)); // the collector's times come later
  process.send?.({ longest: Math.max(0, ...turns.map(own)) });
  [turns, collected] = [[], []];
});
process.on("disconnect", () => process.exit(0));
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port })); // TCP has one
