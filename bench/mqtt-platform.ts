import { median } from "./ingest/cost.ts";
import { acknowledged, type Load, type Publisher } from "./mqtt/cases.ts";
import { Client, connectMany, secureContext } from "./mqtt/client.ts";
import { openPlace } from "./mqtt/place.ts";
import { startPlatform } from "./mqtt/platform.ts";
import { brokers } from "./mqtt/server.ts";
import { inTurns, rowOf, type Side, type Sides } from "./mqtt/turns.ts";
import type { Result } from "./result.ts";

const payload = Buffer.from(JSON.stringify({ temperature: 21.53, humidity: 48.2 }));

const cases = [
  { name: "100 devices, window 10", devices: 100, window: 10, goal: 2 },
  { name: "1,000 devices, one message each", devices: 1000, window: 1, goal: 0.45 },
] as const;

/** Readings through the whole platform, beside mosquitto over TLS, which stores nothing. */
export async function run(): Promise<Result> {
  const place = await openPlace();
  const stack = new AsyncDisposableStack();
  stack.defer(() => place.close());
  try {
    const platform = await startPlatform(place, Math.max(...cases.map(({ devices }) => devices)));
    stack.defer(() => platform.stop());
    const mosquitto = await brokers.mosquitto(place);
    if (mosquitto) stack.defer(() => mosquitto.stop());

    const ourDoor = { port: platform.port, tls: secureContext(platform.ca) };
    const ours = (count: number, window: number): Promise<Load> =>
      load(count, window, async (at) => {
        const { id, key } = platform.devices[at]!; // so many were made
        const login = { user: key.id, password: key.secret };
        return { client: await Client.connect(ourDoor, id, { login }), topic: "me/telemetry", payload };
      });
    const theirs = (port: number, count: number, window: number): Promise<Load> =>
      load(count, window, async (at) => {
        const client = await Client.connect({ port, tls: secureContext(place.ca) }, `publisher-${at}`);
        return { client, topic: "me/telemetry", payload };
      });

    const rows: Result["rows"][number][] = [];
    for (const { name, devices, window, goal } of cases) {
      const sides: Sides<Side> = {
        ours: { server: platform, load: await ours(devices, window), helper: platform.databaseCpu },
      };
      if (mosquitto) sides.mosquitto = { server: mosquitto, load: await theirs(mosquitto.tlsPort, devices, window) };
      const found = await inTurns(sides);
      for (const side of Object.values(sides)) side.load.close();
      const ofDatabase = median((found.ours ?? []).map(({ helped }) => helped));
      rows.push({ ...rowOf(name, goal, found), "database CPU s/M": ofDatabase });
    }
    return {
      name: "mqtt-platform",
      rows,
      notes: [
        `Readings of ${payload.length} bytes (JSON of two values) at QoS 1 over TLS 1.3, per second of the CPU of the platform's own process: authenticated, authorised, accounted, parsed, sealed, committed, then acknowledged. Beside ${mosquitto?.name ?? "nobody: mosquitto is not on this machine"} over TLS, which stores nothing. The database's CPU seconds are for a million readings.`,
        place.note,
      ],
    };
  } finally {
    await stack.disposeAsync();
  }
}

async function load(count: number, window: number, come: (at: number) => Promise<Publisher>): Promise<Load> {
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
