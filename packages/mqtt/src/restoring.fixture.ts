import { Buffer } from "node:buffer";
import { Broker } from "./broker.ts";
import { TestPolicy } from "./house.fixture.ts";
import { Log } from "./log.fixture.ts";
import { encode, type Entry } from "./records.ts";
import { systemTime } from "./system-time.ts";

// A process that has just started reads a large space, and says how long the longest turn of its event loop was meanwhile. Run by fork().

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
let longest = 0;
let before = spent();
let isOver = false;
const turn = () => {
  const now = spent();
  longest = Math.max(longest, now - before);
  before = now;
  if (!isOver) setImmediate(turn);
};
setImmediate(turn);
await broker.restore("space", records);
isOver = true;
const { retained: topics, queued } = broker.statistics;
process.send?.({ longest, topics, queued }, () => process.exit(0));
