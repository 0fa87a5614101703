import { median, quantile } from "./ingest/cost.ts";
import { connectPairs } from "./mqtt/cases.ts";
import { Client } from "./mqtt/client.ts";
import { openPlace } from "./mqtt/place.ts";
import { doorTo, peersOf, withBrokers } from "./mqtt/sides.ts";
import type { BrokerName, Server } from "./mqtt/server.ts";
import { turns } from "./mqtt/turns.ts";
import type { Result } from "./result.ts";

const couples = 10;
const rates = [1_000, 5_000, 20_000];
const warmUp = 500;
const measured = 1_000;
const goal = { rate: 5_000, microseconds: 100 };

type Pairs = Awaited<ReturnType<typeof connectPairs>>;

/** From when a message was due to when its reader has it, at fixed rates over TLS, beside mosquitto and aedes. */
export async function run(): Promise<Result> {
  const place = await openPlace();
  try {
    const rows: Result["rows"][number][] = [];
    await withBrokers(place, ["ours", "mosquitto", "aedes"], async (servers) => {
      const sides: { name: BrokerName; pairs: Pairs }[] = [];
      for (const [name, server] of Object.entries(servers) as [BrokerName, Server][]) {
        const door = doorTo(server, place, true);
        sides.push({ name, pairs: await connectPairs((clientId) => Client.connect(door, clientId), couples) });
      }
      for (const rate of rates) {
        const found = new Map<BrokerName, Float64Array[]>();
        for (let turn = 0; turn < turns; turn++) {
          for (const { name, pairs } of sides) {
            if (turn === 0) await latencies(pairs, rate, warmUp);
            found.set(name, [...(found.get(name) ?? []), await latencies(pairs, rate, measured)]);
          }
        }
        for (const [name, all] of found) {
          const of = (part: number) => median(all.map((taken) => quantile(taken, part) * 1000));
          const row = {
            "messages a second": `${rate.toLocaleString("en")}, ${name}`,
            "p50 µs": of(0.5),
            "p90 µs": of(0.9),
          };
          const last = { ...row, "p99 µs": of(0.99), "p99.9 µs": of(0.999) };
          const isAsked = name === "ours" && rate === goal.rate;
          rows.push({
            ...last,
            ...(isAsked && { goal: `p50 < ${goal.microseconds}`, "": of(0.5) < goal.microseconds ? "met" : "missed" }),
          });
        }
      }
      for (const { pairs } of sides)
        for (const { reader, publisher } of pairs) [reader, publisher].forEach((one) => one.close());
    });
    return {
      name: "mqtt-latency",
      rows,
      notes: [
        `${couples} publishers with a reader each, QoS 0, 100 bytes, TLS 1.3 both ways. From the moment at which a message was due, whether or not we were late to send it, until its reader had it: our own encryption and decryption are in it. Medians of ${turns} turns of ${measured / 1000} s each in alternation.`,
        `Beside ${await peersOf(place)}. ${place.note}`,
      ],
    };
  } finally {
    place.close();
  }
}

/** Milliseconds that each message took. The pairs take turns; nobody waits for an answer. */
async function latencies(pairs: Pairs, rate: number, milliseconds: number): Promise<Float64Array> {
  const total = Math.round((rate * milliseconds) / 1000);
  const taken = new Float64Array(total);
  const due = new Float64Array(total);
  let arrived = 0;
  const all = Promise.withResolvers<void>();
  for (const [at, { reader, frame }] of pairs.entries()) {
    let odd = 0;
    // Its messages come in the order in which they were sent: every so many of all.
    let next = at;
    reader.heard = (bytes) => {
      const now = performance.now();
      for (odd += bytes; odd >= frame.length; odd -= frame.length) {
        taken[arrived++] = now - (due[next] ?? 0);
        next += pairs.length;
      }
      if (arrived === total) all.resolve();
    };
  }
  const began = performance.now() + 1;
  let sent = 0;
  // A timer has whole milliseconds: this looks at the clock in every turn of the event loop.
  const send = () => {
    const now = performance.now();
    for (; sent < total; sent++) {
      const time = began + (sent * 1000) / rate;
      if (time > now) break;
      due[sent] = time;
      const { publisher, frame } = pairs[sent % pairs.length]!; // below its length
      publisher.socket.write(frame);
    }
    if (sent < total || arrived < total) setImmediate(send);
  };
  send();
  await all.promise;
  return taken;
}
