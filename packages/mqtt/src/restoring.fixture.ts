import { Buffer } from "node:buffer";
import { performance, PerformanceObserver, type PerformanceEntry } from "node:perf_hooks";
import { Broker } from "./broker.ts";
import { TestPolicy } from "./house.fixture.ts";
import { Log } from "./log.fixture.ts";
import { encode, type Entry } from "./records.ts";
import { systemTime } from "./system-time.ts";

// A process that has just started reads a large space, and says how long the turns of its event loop were meanwhile: nearly all
// of them, and the longest but for what V8 collected in it. Run by fork().

const message = (number: number, topic: string, isRetained: boolean): Entry => ({
  kind: "message",
  message: number,
  receivedAt: Date.now(),
  isRetained,
  topic,
  qos: 1,
  retain: isRetained,
  properties: {},
  payload: Buffer.from("x".repeat(100)),
});

function* retained(): Generator<Entry> {
  for (let n = 1; n <= 100_000; n++) yield message(n, `devices/${n}/telemetry`, true);
}

function* owed(): Generator<Entry> {
  let number = 0;
  for (let session = 1; session <= 10_000; session++) {
    const [clientId, written] = [`c${session}`, `devices/${session}/#`];
    const about = { session, principal: "p", clientId, keepsake: "k", expirySeconds: 1e6, will: undefined };
    yield { kind: "session", ...about, came: false };
    yield { kind: "left", session, at: Date.now(), expirySeconds: 1e6, keepsWill: false };
    yield { kind: "subscribed", session, written, qos: 1, noLocal: false, retainAsPublished: false, identifier: 0 };
    for (let packetId = 1; packetId <= 20; packetId++) {
      yield message(++number, `devices/${session}/telemetry`, false);
      const delivery = { topic: "", qos: 1, retain: false, identifiers: [], stage: 1 } as const;
      yield { kind: "owed", message: number, session, packetId, ...delivery };
    }
  }
}

/** As a picture writes them. */
function recordsOf(entries: Iterable<Entry>): readonly Uint8Array[] {
  const records: Uint8Array[] = [];
  let some: Entry[] = [];
  for (const entry of entries) {
    if (some.push(entry) < 500) continue;
    records.push(encode(some));
    some = [];
  }
  return [...records, encode(some)];
}

// Of CPU, however many other processes want the processor meanwhile.
function spent(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

const records = recordsOf(process.argv[2] === "retained" ? retained() : owed());
const broker = new Broker({
  policy: new TestPolicy(),
  time: systemTime,
  newClientId: () => "assigned",
  reportFault: (fault) => process.send?.({ fault: String(fault) }),
  journal: new Log(),
});
await new Promise((resolve) => setTimeout(resolve, 50));
const turns: { spent: number; from: number; to: number }[] = [];
const collected: PerformanceEntry[] = [];
new PerformanceObserver((list) => collected.push(...list.getEntries())).observe({ entryTypes: ["gc"] });
let before = spent();
let from = performance.now();
let isOver = false;
const turn = () => {
  const [now, to] = [spent(), performance.now()];
  turns.push({ spent: now - before, from, to });
  [before, from] = [now, to];
  if (!isOver) setImmediate(turn);
};
setImmediate(turn);
await broker.restore("space", records);
isOver = true;
await new Promise((resolve) => setTimeout(resolve, 50)); // the collector's times come later
const all = turns.map((one) => one.spent).toSorted((a, b) => a - b);
const p99 = all[Math.floor(all.length * 0.99)];
const longest = Math.max(...turns.map((one) => one.spent - collectedIn(one)));
const { retained: topics, queued } = broker.statistics;
process.send?.({ longest, p99, floor: grown(), topics, queued }, () => process.exit(0));

/** Milliseconds of CPU in which this machine, as it is now, makes room for as many in a table, which is done in one piece: the longest of all additions. */
function grown(): number {
  const table = new Map<number, object>();
  let most = 0;
  for (let n = 0; n < 200_000; n++) {
    const isFull = (n & (n - 1)) === 0; // it doubles
    const began = isFull ? spent() : 0;
    table.set(n, records);
    if (isFull) most = Math.max(most, spent() - began);
  }
  return most;
}

function collectedIn({ from: start, to: end }: { from: number; to: number }): number {
  const own = collected.filter(({ startTime }) => startTime >= start && startTime < end);
  return own.reduce((sum, { duration }) => sum + duration, 0);
}
