import { Client, publishFrame } from "./client.ts";
import type { Server } from "./server.ts";

/** Runs load until `isOver`, then drains it. Resolves to how many messages were carried; all of them are counted at the far end. */
export type Case = {
  readonly name: string;
  prepare(server: Server): Promise<{ run(isOver: () => boolean): Promise<number>; close(): void }>;
};

/** One publisher who never has more than `window` messages under way, and `readers` who all get everything. */
const fanOut = (name: string, readers: number, window: number): Case => ({
  name,
  async prepare({ port }) {
    const topic = "bench/fan/out";
    const clients: Client[] = [];
    for (let i = 0; i < readers; i++) {
      const client = await Client.connect(port, `reader-${i}`);
      await client.subscribe(topic, 0);
      clients.push(client);
    }
    const publisher = await Client.connect(port, "publisher");
    const frame = publishFrame(topic, 0);
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
            if (isOver()) {
              if (slowest() >= sent) resolve((sent - before) * readers);
              return;
            }
            const arrived = slowest();
            while (sent + batch - arrived <= window) {
              publisher.socket.write(bytes);
              sent += batch;
            }
          };
          for (const client of clients) client.heard(more);
          more();
        }),
      close: () => [...clients, publisher].forEach((client) => client.close()),
    };
  },
});

/** `count` publishers at QoS 1, each with `window` messages unacknowledged; nobody subscribes. */
const acknowledged = (name: string, count: number, window: number): Case => ({
  name,
  async prepare({ port }) {
    const clients: Client[] = [];
    for (let i = 0; i < count; i++) clients.push(await Client.connect(port, `publisher-${i}`));
    return {
      run: (isOver) =>
        new Promise((resolve) => {
          let total = 0;
          let busy = clients.length;
          for (const [i, client] of clients.entries()) {
            const one = publishFrame(`bench/in/${i}`, 1);
            const full = Buffer.concat(Array.from({ length: window }, () => one));
            let outstanding = window;
            let odd = 0;
            client.heard((bytes) => {
              const acknowledgements = Math.floor((odd + bytes) / 4);
              odd = (odd + bytes) % 4;
              outstanding -= acknowledgements;
              total += acknowledgements;
              if (isOver()) {
                if (outstanding === 0 && --busy === 0) resolve(total);
                return;
              }
              client.socket.write(full.subarray(0, one.length * acknowledgements));
              outstanding += acknowledgements;
            });
            client.socket.write(full);
          }
        }),
      close: () => clients.forEach((client) => client.close()),
    };
  },
});

/** Publishers and readers in pairs, each pair with a topic and a window of its own; or all readers the same one. */
const pairs = (name: string, count: number, window: number, oneReader: boolean): Case => ({
  name,
  async prepare({ port }) {
    const readers: Client[] = [];
    const publishers: Client[] = [];
    const pad = (i: number) => String(i).padStart(4, "0");
    if (oneReader) {
      const reader = await Client.connect(port, "reader");
      await reader.subscribe("bench/pair/+", 0);
      readers.push(reader);
    }
    for (let i = 0; i < count; i++) {
      if (!oneReader) {
        const reader = await Client.connect(port, `reader-${i}`);
        await reader.subscribe(`bench/pair/${pad(i)}`, 0);
        readers.push(reader);
      }
      publishers.push(await Client.connect(port, `publisher-${i}`));
    }
    const size = publishFrame(`bench/pair/${pad(0)}`, 0).length;
    return {
      run: (isOver) =>
        new Promise((resolve) => {
          let total = 0;
          let outstanding = 0;
          let odd = 0;
          const frames = publishers.map((_, i) => publishFrame(`bench/pair/${pad(i)}`, 0));
          const send = (i: number) => {
            publishers[i]?.socket.write(frames[i] ?? Buffer.alloc(0));
            outstanding++;
          };
          const done = () => isOver() && outstanding === 0 && resolve(total);
          if (oneReader) {
            let turn = 0;
            readers[0]?.heard((bytes) => {
              const arrived = Math.floor((odd + bytes) / size);
              odd = (odd + bytes) % size;
              outstanding -= arrived;
              total += arrived;
              if (isOver()) return void done();
              for (let i = 0; i < arrived; i++) send(turn++ % count);
            });
          } else {
            for (const [i, reader] of readers.entries()) {
              let mine = 0;
              reader.heard((bytes) => {
                const arrived = Math.floor((mine + bytes) / size);
                mine = (mine + bytes) % size;
                outstanding -= arrived;
                total += arrived;
                if (isOver()) return void done();
                for (let n = 0; n < arrived; n++) send(i);
              });
            }
          }
          for (let i = 0; i < count; i++) for (let n = 0; n < window; n++) send(i);
        }),
      close: () => [...readers, ...publishers].forEach((client) => client.close()),
    };
  },
});

export const cases: readonly Case[] = [
  fanOut("QoS 0, 1 to 1, pipelined", 1, 4000),
  fanOut("QoS 0, 1 to 100", 100, 400),
  pairs("QoS 0, 100 to 1", 100, 4, true),
  pairs("QoS 0, 100 pairs", 100, 1, false),
  acknowledged("QoS 1 in, window 10", 10, 10),
  acknowledged("QoS 1 in, one message per read", 100, 1),
];
