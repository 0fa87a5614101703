import { connectMany, type Client } from "./client.ts";
import { publishFrame, publishFrame1 } from "./frames.ts";

/** Runs load until `isOver`, then drains it. Resolves to how many messages were carried; all of them are counted at the far end. */
export type Load = { run(isOver: () => boolean): Promise<number>; close(): void };

export type Dial = (clientId: string) => Promise<Client>;

export type Case = {
  readonly name: string;
  /** Of mosquitto's messages per CPU second. */
  readonly goal: number;
  readonly tls?: true;
  prepare(dial: Dial): Promise<Load>;
};

/** One publisher who never has more than `window` messages under way, and `readers` who all get everything. */
async function fanOut(dial: Dial, readers: number, window: number): Promise<Load> {
  const topic = "bench/fan/out";
  const clients = await connectMany(readers, async (at) => {
    const client = await dial(`reader-${at}`);
    await client.subscribe(topic);
    return client;
  });
  const publisher = await dial("publisher");
  const frame = publishFrame(topic);
  const batch = Math.max(1, window / 4);
  const bytes = Buffer.concat(Array.from({ length: batch }, () => frame));
  const start = clients.map((client) => client.received);
  let sent = 0;
  return {
    run: (isOver) =>
      new Promise((resolve) => {
        const before = sent;
        // The slowest reader sets the pace, so that nobody drops anything.
        const slowest = () =>
          clients.reduce((least, client, i) => Math.min(least, client.received - (start[i] ?? 0)), Infinity) /
          frame.length;
        const more = () => {
          const arrived = slowest();
          if (isOver()) {
            if (arrived >= sent) resolve((sent - before) * readers);
            return;
          }
          while (sent + batch - arrived <= window) {
            publisher.socket.write(bytes);
            sent += batch;
          }
        };
        // Once for all that came in one turn of the event loop.
        let asked = false;
        const soon = () => {
          if (asked) return;
          asked = true;
          setImmediate(() => {
            asked = false;
            more();
          });
        };
        for (const client of clients) client.heard = soon;
        more();
      }),
    close: () => [...clients, publisher].forEach((client) => client.close()),
  };
}

/** Who speaks for many has a topic for each, all of one length, and publishes to one after the other. */
export type Publisher = {
  readonly client: Client;
  readonly topic: string | readonly string[];
  readonly payload?: Uint8Array;
};

/** Publishers at QoS 1, each with `window` messages unacknowledged; nobody subscribes. */
export function acknowledged(publishers: readonly Publisher[], window: number): Load {
  const lines = publishers.map(({ client, topic, payload }) => {
    const topics = typeof topic === "string" ? [topic] : topic;
    const frames = Array.from({ length: window }, (_, i) => publishFrame1(topics[i % topics.length]!, i + 1, payload)); // it is one of them
    // Twice, so that from any place the next `window` messages are one piece.
    return { client, size: frames[0]?.length ?? 0, ring: Buffer.concat([...frames, ...frames]), place: 0 };
  });
  return {
    run: (isOver) =>
      new Promise((resolve) => {
        let total = 0;
        let busy = lines.length;
        for (const line of lines) {
          const { client, size, ring } = line;
          let outstanding = 0;
          let odd = 0;
          const send = (count: number) => {
            client.socket.write(ring.subarray(size * line.place, size * (line.place + count)));
            line.place = (line.place + count) % window;
            outstanding += count;
          };
          client.heard = (bytes) => {
            const acknowledgements = Math.floor((odd + bytes) / 4);
            odd = (odd + bytes) % 4;
            outstanding -= acknowledgements;
            total += acknowledgements;
            if (!isOver()) send(acknowledgements);
            else if (outstanding === 0 && --busy === 0) resolve(total);
          };
          send(window);
        }
      }),
    close: () => publishers.forEach(({ client }) => client.close()),
  };
}

/**
 * Publishers at QoS 0, and one who reads everything. `window` messages of each are under way, and whenever half of them could have arrived,
 * by their number, they send that half: all in turn, since a broker is fair or the rest of the table says so.
 */
async function fanIn(dial: Dial, count: number, window: number): Promise<Load> {
  const reader = await dial("reader");
  await reader.subscribe("bench/in/+");
  const publishers = await connectMany(count, (at) => dial(`publisher-${at}`));
  const half = window / 2;
  const halves = publishers.map((_, at) => {
    const frame = publishFrame(`bench/in/${padded(at)}`);
    return { size: frame.length, bytes: Buffer.concat(Array.from({ length: half }, () => frame)) };
  });
  const size = halves[0]?.size ?? 1;
  let odd = 0;
  let turn = 0;
  return {
    run: (isOver) =>
      new Promise((resolve) => {
        let total = 0;
        let outstanding = 0;
        const more = () => {
          while (outstanding + half <= count * window) {
            const at = turn++ % count;
            publishers[at]?.socket.write(halves[at]?.bytes ?? Buffer.alloc(0)); // at < count
            outstanding += half;
          }
        };
        reader.heard = (bytes) => {
          const arrived = Math.floor((odd + bytes) / size);
          odd = (odd + bytes) % size;
          outstanding -= arrived;
          total += arrived;
          if (!isOver()) more();
          else if (outstanding === 0) resolve(total);
        };
        more();
      }),
    close: () => [reader, ...publishers].forEach((client) => client.close()),
  };
}

/** A publisher and a reader each, one message under way. */
async function pairs(dial: Dial, count: number): Promise<Load> {
  const couples = await connectPairs(dial, count);
  return {
    run: (isOver) =>
      new Promise((resolve) => {
        let total = 0;
        let busy = count;
        for (const { reader, publisher, frame } of couples) {
          let odd = 0;
          reader.heard = (bytes) => {
            odd += bytes;
            if (odd < frame.length) return;
            odd = 0;
            total++;
            if (!isOver()) publisher.socket.write(frame);
            else if (--busy === 0) resolve(total);
          };
          publisher.socket.write(frame);
        }
      }),
    close: () => couples.forEach(({ reader, publisher }) => [reader, publisher].forEach((client) => client.close())),
  };
}

type Pair = { readonly reader: Client; readonly publisher: Client; readonly frame: Buffer };

export async function connectPairs(dial: Dial, count: number): Promise<Pair[]> {
  const topic = (at: number) => `bench/pair/${padded(at)}`;
  const readers = await connectMany(count, async (at) => {
    const reader = await dial(`reader-${at}`);
    await reader.subscribe(topic(at));
    return reader;
  });
  const publishers = await connectMany(count, (at) => dial(`publisher-${at}`));
  return readers.flatMap((reader, at) => {
    const publisher = publishers[at];
    return publisher ? [{ reader, publisher, frame: publishFrame(topic(at)) }] : [];
  });
}

const padded = (at: number): string => String(at).padStart(4, "0");

async function publishing(dial: Dial, count: number, window: number): Promise<Load> {
  const clients = await connectMany(count, (at) => dial(`publisher-${at}`));
  const publishers = clients.map((client, at) => ({ client, topic: `bench/in/${padded(at)}` }));
  return acknowledged(publishers, window);
}

export const cases = {
  pipelined: { name: "QoS 0, 1 to 1, pipelined", goal: 15, prepare: (dial) => fanOut(dial, 1, 4000) },
  fanOut: { name: "QoS 0, 1 to 100", goal: 6, prepare: (dial) => fanOut(dial, 100, 400) },
  fanIn: { name: "QoS 0, 100 to 1, five messages a write", goal: 2, prepare: (dial) => fanIn(dial, 100, 10) },
  pairs: { name: "QoS 0, 100 pairs, one message each", goal: 1, prepare: (dial) => pairs(dial, 100) },
  window: { name: "QoS 1 in, 100 clients, window 10", goal: 6, prepare: (dial) => publishing(dial, 100, 10) },
  single: { name: "QoS 1 in, 1,000 clients, window 1", goal: 0.8, prepare: (dial) => publishing(dial, 1000, 1) },
  singleTls: {
    name: "the same over TLS 1.3",
    goal: 0.65,
    tls: true,
    prepare: (dial) => publishing(dial, 1000, 1),
  },
} as const satisfies Record<string, Case>;
