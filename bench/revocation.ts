import { setTimeout as wait } from "node:timers/promises";
import { Visitor } from "../apps/server/src/testing/visitor.ts";
import { Client, connectMany, secureContext, type Door } from "./mqtt/client.ts";
import { publishFrame } from "./mqtt/frames.ts";
import { openPlace } from "./mqtt/place.ts";
import { startPlatform } from "./mqtt/platform.ts";
import type { Result } from "./result.ts";

const sessions = 5_000;
const ofOneKey = 1_000; // as many as one program may have
const singles = 50;
const tagged = 10_000;
const watchedDevices = 100;
const patience = 30_000; // milliseconds
const payload = Buffer.from(JSON.stringify({ temperature: 21.53 }));

/** Somebody who watches: when the last byte came, and when it was over. */
type Watcher = { readonly client: Client; lastByte: number; closed: number };

/** From the call that revokes to the last byte that is delivered, and to the end of the connection, while messages come all the time. */
export async function run(): Promise<Result> {
  const place = await openPlace();
  const stack = new AsyncDisposableStack();
  stack.defer(() => place.close());
  try {
    const platform = await startPlatform(place, watchedDevices);
    stack.defer(() => platform.stop());
    const visitor = stack.adopt(new Visitor(platform.url, platform.ca), (it) => it.close());
    const me = visitor.as(platform.token);
    const door: Door = { port: platform.port, tls: secureContext(platform.ca) };
    const { devices } = platform;

    const { token } = await me.post<{ token: string }>("/v1/tokens", { name: "feeder", grants: ["telemetry.write"] });
    const feeder = await Client.connect(door, "feeder", { login: { user: "feeder", password: token } });
    const feeding = new AbortController();
    stack.defer(() => feeding.abort());
    void feed(feeder, devices, feeding.signal);

    const { items } = await me.get<{ items: { id: string }[] }>("/v1/applications");
    const [application] = items;
    if (!application) throw new Error("The devices have no application.");
    const keys: { id: string; secret: string }[] = [];
    for (let at = 0; at < sessions; at += ofOneKey)
      keys.push(await me.post(`/v1/applications/${application.id}/keys`, { name: `key ${at}` }));
    const crowd = await watch(door, sessions, devices, (at) => {
      const { id, secret } = keys[Math.floor(at / ofOneKey)]!; // one for each thousand was made
      return { user: id, password: secret };
    });
    const rows: Result["rows"][number][] = [];

    // One at a time, while all others stay.
    const alone: Cut[] = [];
    for (let at = 0; at < singles; at += 1) {
      const made = await me.post<{ id: string; token: string }>("/v1/tokens", {
        name: "one",
        grants: ["telemetry.read"],
      });
      const [one] = await watch(door, 1, devices, () => ({ user: "one", password: made.token }));
      if (!one) throw new Error("Nobody watches.");
      alone.push(...(await cut([one], () => me.delete(`/v1/credentials/${made.id}`))));
    }
    rows.push(rowOf(`one of ${sessions.toLocaleString("en")}, ${singles} times`, alone, 200));
    const gone = crowd.filter(({ closed }) => closed > 0).length;
    if (gone > 0) throw new Error(`${gone} connections ended that were not meant.`);

    const all = await cut(crowd, () => me.post("/v1/revocations", { about: application.id, ends: ["programs"] }));
    rows.push(rowOf(`${sessions.toLocaleString("en")} by one row`, all, 1_000));

    const other = await me.post<{ id: string }>("/v1/applications", { name: "Tagged" });
    const body = (at: number) => ({ application: other.id, name: `Tagged ${at}`, tags: { site: "north" } });
    // A credential has 2,000 requests at once.
    for (let from = 0; from < tagged; from += 1_600) {
      const hand = { name: "hand", grants: ["*"] };
      const { token: own } = await me.post<{ token: string }>("/v1/tokens", hand);
      const maker = visitor.as(own);
      for (let at = from; at < Math.min(from + 1_600, tagged); at += 16)
        await Promise.all(Array.from({ length: 16 }, (_, more) => maker.post("/v1/devices", body(at + more))));
    }
    const began = performance.now();
    await me.post("/v1/revocations", { about: "tag:site=north" });
    const took = performance.now() - began;
    return {
      name: "revocation",
      rows,
      notes: [
        `Milliseconds from the call until the last byte came, and until the connection was over, as each client saw it; MQTT 3.1.1 over TLS 1.3. ${watchedDevices} devices are watched, and a message comes to fifty of the watchers every 50 ms.`,
        `${tagged.toLocaleString("en")} devices of one tag were revoked in ${Math.round(took)} ms, as the caller saw it.`,
        place.note,
      ],
    };
  } finally {
    await stack.disposeAsync();
  }
}

/** One device after the other, twenty messages a second. */
async function feed(feeder: Client, devices: readonly { id: string }[], over: AbortSignal): Promise<void> {
  for (let at = 0; !over.aborted; at += 1) {
    const { id } = devices[at % devices.length]!; // it is one of them
    feeder.socket.write(publishFrame(`devices/${id}/telemetry`, payload));
    await wait(50);
  }
  feeder.close();
}

async function watch(
  door: Door,
  count: number,
  devices: readonly { id: string }[],
  loginOf: (at: number) => { user: string; password: string },
): Promise<Watcher[]> {
  const clients = await connectMany(count, async (at) => {
    const client = await Client.connect(door, `watcher-${at}-${count}`, { login: loginOf(at) });
    await client.subscribe(`devices/${devices[at % devices.length]!.id}/telemetry`); // it is one of them
    return client;
  });
  return clients.map((client) => {
    const watcher: Watcher = { client, lastByte: 0, closed: 0 };
    client.heard = () => (watcher.lastByte = performance.now());
    client.socket.once("close", () => (watcher.closed = performance.now()));
    return watcher;
  });
}

type Cut = { readonly lastByte: number; readonly closed: number };

/** Milliseconds after the call; a last byte from before it is none. */
async function cut(watchers: readonly Watcher[], revoke: () => Promise<unknown>): Promise<Cut[]> {
  await wait(100); // so that messages come to some of them
  const from = performance.now();
  await revoke();
  while (watchers.some(({ closed }) => closed === 0)) {
    const open = watchers.filter(({ closed }) => closed === 0).length;
    if (performance.now() - from > patience) throw new Error(`${open} connections are open after ${patience} ms.`);
    await wait(5);
  }
  return watchers.map(({ lastByte, closed }) => ({ lastByte: Math.max(0, lastByte - from), closed: closed - from }));
}

function rowOf(name: string, cuts: readonly Cut[], goal: number): Result["rows"][number] {
  const at = (values: readonly number[], share: number): number => {
    const sorted = values.toSorted((a, b) => a - b);
    return Math.round(sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0);
  };
  const [bytes, ends] = [cuts.map(({ lastByte }) => lastByte), cuts.map(({ closed }) => closed)];
  return {
    case: name,
    "last byte p99 ms": at(bytes, 0.99),
    "last byte at most ms": at(bytes, 1),
    "end p50 ms": at(ends, 0.5),
    "end p99 ms": at(ends, 0.99),
    "end at most ms": at(ends, 1),
    "goal p99 ms": goal,
  };
}
