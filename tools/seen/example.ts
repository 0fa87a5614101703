import { readFileSync } from "node:fs";
import { Client } from "@holdfast/client";
import { nodeTransport } from "@holdfast/client/node";
import { parseId, systemClock, type Id } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { connectAsync, type MqttClient } from "mqtt";
import type { Ready } from "./server.ts";

export const owner = { email: "ada@example.com", password: "correct horse battery staple" };

const hour = 3_600_000;
const step = 5 * 60_000;

/** What each product measures, and how that goes up and down over a day; `at` is in hours. */
const products = {
  "Climate sensor": {
    attributes: { temperature: { type: "number", unit: "°C" }, humidity: { type: "number", unit: "%" } },
    at: (at: number, n: number) => ({
      temperature: round(19 + 5 * Math.sin(((at - 9) / 12) * Math.PI) + 0.4 * noise(n)),
      humidity: round(62 - 11 * Math.sin(((at - 9) / 12) * Math.PI) + 1.5 * noise(n + 7)),
    }),
  },
  "Circulation pump": {
    attributes: { pressure: { type: "number", unit: "bar" }, running: { type: "boolean" } },
    at: (at: number, n: number) => ({ pressure: round(2.1 + 0.1 * noise(n)), running: at % 3 < 2 }),
  },
  "Energy meter": {
    attributes: { power: { type: "number", unit: "kW" } },
    at: (at: number, n: number) => ({ power: round(3 + 2 * Math.sin((at / 6) * Math.PI) + 0.3 * noise(n)) }),
  },
} as const;

type Product = keyof typeof products;

const devices: readonly (readonly [name: string, product: Product, site: string, is: "online" | "offline"])[] = [
  ["House 1, bench", "Climate sensor", "north", "online"],
  ["House 1, roof", "Climate sensor", "north", "online"],
  ["House 2, bench", "Climate sensor", "north", "online"],
  ["House 2, roof", "Climate sensor", "north", "offline"],
  ["House 3, bench", "Climate sensor", "south", "online"],
  ["House 3, roof", "Climate sensor", "south", "online"],
  ["Boiler room, feed", "Circulation pump", "north", "online"],
  ["Boiler room, return", "Circulation pump", "north", "online"],
  ["Well", "Circulation pump", "south", "offline"],
  ["Main supply", "Energy meter", "north", "online"],
  ["Lamps, north", "Energy meter", "north", "online"],
  ["Lamps, south", "Energy meter", "south", "online"],
];

export type Example = {
  readonly org: string;
  readonly sensor: { readonly id: string; readonly mqtt: MqttClient };
  /** A client of a stranger's making, with the key that the console showed. */
  connect(key: string): Promise<MqttClient>;
  close(): Promise<void>;
};

/** A nursery on a platform that nobody has set up yet: a dozen devices, and what they measured since yesterday. */
export async function exampleOn({ url, mqttsUrl, caFile, setupLink }: Ready): Promise<Example> {
  const ca = readFileSync(caFile, "utf8");
  const transport = nodeTransport({ ca });
  const secret = setupLink.split("#setup=")[1] ?? "";
  const { org, token } = await new Client({ url, transport }).call(routes.setUp, {
    body: { secret, ...owner, org: "Meadow Nursery", fleet: false },
  });
  const me = new Client({ url, token, transport });
  const application = await me.call(routes.createApplication, { body: { name: "Greenhouses" } });
  const made = new Map<Product, Id<"product">>();
  for (const [name, { attributes }] of Object.entries(products)) {
    // `entries` forgets that these are the keys of a constant.
    const { id } = await me.call(routes.createProduct, { body: { name, attributes, strict: true } });
    made.set(name as Product, parseId("product", id));
  }
  const clients: MqttClient[] = [];
  const connect = async (key: string): Promise<MqttClient> => {
    const [username = "", password = ""] = key.split(".");
    const client = await connectAsync(mqttsUrl, { ca, username, password });
    clients.push(client);
    return client;
  };

  const now = systemClock.now();
  let sensor: Example["sensor"] | undefined;
  for (const [number, [name, product, site, is]] of devices.entries()) {
    const tags = { site, floor: String(1 + (number % 2)) };
    const { id, key } = await me.call(routes.createDevice, {
      body: { name, application: application.id, product: made.get(product), tags, alias: aliasOf(name) },
    });
    const credential = `${key.id}.${key.secret ?? ""}`;
    const content = JSON.stringify(dayOf(product, now, number));
    await new Client({ url, token: credential, transport }).call(routes.sendTelemetry, {
      body: { contentType: "application/json", content },
    });
    const mqtt = await connect(credential);
    if (is === "offline") await mqtt.endAsync();
    sensor ??= { id, mqtt };
    if (name === "Lamps, south") await me.call(routes.suspendDevice, { params: { device: id } });
  }
  if (sensor === undefined) throw new Error("there is a first device in the list above");
  return {
    org,
    sensor,
    connect,
    async close() {
      await Promise.all(clients.map((client) => client.endAsync(true)));
    },
  };
}

/** A reading every five minutes, with two hours in which the line was down. */
function dayOf(product: Product, now: number, number: number): object[] {
  const readings: object[] = [];
  for (let ago = 24 * hour; ago > 0; ago -= step) {
    if (number === 0 && ago < 9 * hour && ago > 7 * hour) continue;
    const time = now - ago;
    readings.push({ time, values: products[product].at((time / hour) % 24, time / step + 100 * number) });
  }
  return readings;
}

const round = (value: number): number => Math.round(value * 10) / 10;
const aliasOf = (name: string): string => name.toLowerCase().replaceAll(/\W+/g, "-");

/** From -1 to 1, uneven to the eye and the same each time. */
const noise = (n: number): number => Math.sin(n * 12.9898) * Math.cos(n * 78.233);
