import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Visitor } from "../apps/server/src/testing/visitor.ts";
import { denied, door } from "./authority/demanding.ts";
import { acknowledged, type Load, type Publisher } from "./mqtt/cases.ts";
import { Client, connectMany, secureContext, type Door } from "./mqtt/client.ts";
import { publishFrame } from "./mqtt/frames.ts";
import { openPlace } from "./mqtt/place.ts";
import { startPlatform, type Platform } from "./mqtt/platform.ts";
import { inTurns, rateOf, short, times } from "./mqtt/turns.ts";
import type { Result } from "./result.ts";

const goal = 0.85;
const turns = 5;
const devices = 1_000;
const payload = Buffer.from(JSON.stringify({ temperature: 21.53, humidity: 48.2 }));
const everythingAllowed = path.join(import.meta.dirname, "authority", "everything-allowed.ts");

type Key = { readonly id: string; readonly secret: string };

/** A platform, and an access key of its application. */
type Side = { readonly platform: Platform; readonly door: Door; readonly key: Key };

/** Nobody sends more than the thousand messages a second that one session may: who does is read later, and batches are others then. */
const cases: readonly { readonly name: string; readonly load: (side: Side) => Promise<Load> }[] = [
  { name: "1,000 devices, one message each", load: (side) => fromDevices(side, devices, 1) },
  { name: "1,000 devices, window 10", load: (side) => fromDevices(side, devices, 10) },
  { name: "100 gateways for ten devices each, window 10", load: fromGateways },
  { name: "one device to 100 readers", load: toReaders },
];

/** What authority and accounting cost a message: the platform with doors and lists, beside one that asks nobody and counts nothing. */
export async function run(): Promise<Result> {
  const place = await openPlace();
  const stack = new AsyncDisposableStack();
  stack.defer(() => place.close());
  try {
    const open = async (preload?: string): Promise<Side> => {
      const platform = await startPlatform(place, devices, preload === undefined ? {} : { preload });
      stack.defer(() => platform.stop());
      const key = await furnish(platform, preload === undefined);
      return { platform, door: { port: platform.port, tls: secureContext(platform.ca) }, key };
    };
    const sides = { decided: await open(), allowed: await open(everythingAllowed) };

    const rows: Result["rows"][number][] = [];
    for (const { name, load } of cases) {
      const loads = { decided: await load(sides.decided), allowed: await load(sides.allowed) };
      const { decided = [], allowed = [] } = await inTurns(
        {
          decided: { server: sides.decided.platform, load: loads.decided },
          allowed: { server: sides.allowed.platform, load: loads.allowed },
        },
        turns,
      );
      for (const each of Object.values(loads)) each.close();
      const { median, lowest, highest } = times(decided, allowed);
      rows.push({
        case: name,
        decided: Math.round(rateOf(decided)),
        "everything allowed": Math.round(rateOf(allowed)),
        ratio: median,
        "lowest – highest": `${short(lowest)} – ${short(highest)}`,
        goal: `≥ ${goal}`,
        "": median >= goal ? "met" : "missed",
      });
    }
    return {
      name: "authority-messages",
      rows,
      notes: [
        `Messages per second of the CPU of the platform's own process, ${turns} turns in alternation, medians: QoS 1 over TLS 1.3, JSON of two values, committed, then acknowledged; with readers, what they get. Both are the whole platform. One has a door with every demand on its product and on each device, and ${denied.length.toLocaleString("en")} entries on the deny list; the other answers yes without a look, and its accounts count nothing (bench/authority/everything-allowed.ts).`,
        place.note,
      ],
    };
  } finally {
    await stack.disposeAsync();
  }
}

async function furnish(platform: Platform, isDemanding: boolean): Promise<Key> {
  const visitor = new Visitor(platform.url, platform.ca);
  try {
    const me = visitor.as(platform.token);
    const { items } = await me.get<{ items: { id: string }[] }>("/v1/applications");
    const [application] = items;
    if (!application) throw new Error("The devices have no application.");
    if (isDemanding) {
      const product = await me.post<{ id: string }>("/v1/products", { name: "Meter" });
      await me.put(`/v1/products/${product.id}/door`, door);
      for (const { id } of platform.devices) {
        await me.patch(`/v1/devices/${id}`, { product: product.id });
        await me.put(`/v1/devices/${id}/door`, door);
        await wait(5); // a credential has 200 requests a second
      }
      for (const entry of denied) {
        await me.post("/v1/lists", { list: "deny", ...entry });
        await wait(2);
      }
    }
    return await me.post<Key>(`/v1/applications/${application.id}/keys`, { name: "Gateway" });
  } finally {
    await visitor.close();
  }
}

async function fromDevices({ platform, door: way }: Side, count: number, window: number): Promise<Load> {
  return publishing(count, window, async (at) => {
    const { id, key } = platform.devices[at]!; // so many were made
    const client = await Client.connect(way, id, { login: { user: key.id, password: key.secret } });
    return { client, topic: "me/telemetry", payload };
  });
}

async function fromGateways({ platform, door: way, key }: Side): Promise<Load> {
  return publishing(100, 10, async (at) => {
    const client = await Client.connect(way, `gateway-${at}`, { login: { user: key.id, password: key.secret } });
    const own = platform.devices.slice(at * 10, at * 10 + 10);
    return { client, topic: own.map(({ id }) => `devices/${id}/telemetry`), payload };
  });
}

async function publishing(count: number, window: number, come: (at: number) => Promise<Publisher>): Promise<Load> {
  const publishers: Publisher[] = [];
  const clients = await connectMany(count, async (at) => {
    const publisher = await come(at);
    publishers[at] = publisher;
    return publisher.client;
  });
  return acknowledged(
    clients.flatMap((_, at) => publishers[at] ?? []),
    window,
  );
}

/** One device with ten messages under way, and readers who all get everything. */
async function toReaders(side: Side): Promise<Load> {
  const { platform, door: way, key } = side;
  const readers = await connectMany(100, async (at) => {
    const client = await Client.connect(way, `reader-${at}`, { login: { user: key.id, password: key.secret } });
    await client.subscribe("devices/+/telemetry");
    return client;
  });
  const { id } = platform.devices[0]!; // there are some
  const size = publishFrame(`devices/${id}/telemetry`, payload).length;
  const load = await fromDevices(side, 1, 10);
  const heard = (): number => readers.reduce((sum, { received }) => sum + received, 0);
  return {
    async run(isOver) {
      const before = heard();
      const sent = await load.run(isOver);
      // What is acknowledged is on its way to them. Who does not keep up loses messages of QoS 0, and those do not count.
      const until = performance.now() + 1_000;
      while (heard() - before < sent * readers.length * size && performance.now() < until) await wait(1);
      return (heard() - before) / size;
    },
    close() {
      load.close();
      for (const reader of readers) reader.close();
    },
  };
}
