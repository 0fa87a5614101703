import { setTimeout as wait } from "node:timers/promises";
import { Client, connectMany } from "./mqtt/client.ts";
import { openPlace, type Place } from "./mqtt/place.ts";
import { doorTo, peersOf, withBrokers } from "./mqtt/sides.ts";
import type { Server } from "./mqtt/server.ts";
import type { Result } from "./result.ts";

const before = 500;
const connections = 5_000;
const goals = { plain: 6, tls: 44 };
/** Until what is collected late has been given back. */
const settling = 3_000;

/** What an idle connection takes of the server's memory. */
export async function run(): Promise<Result> {
  const place = await openPlace();
  try {
    const rows: Result["rows"][number][] = [];
    for (const tls of [false, true]) {
      const goal = tls ? goals.tls : goals.plain;
      for (const name of tls ? (["ours", "mosquitto"] as const) : (["ours", "mosquitto", "aedes"] as const)) {
        const kilobytes = await withBrokers(place, [name], async ({ [name]: server }) =>
          server ? perConnection(server, place, tls) : undefined,
        );

        if (kilobytes === undefined) continue;
        const row = { connection: `${tls ? "TLS 1.3" : "plain"}, ${name}`, "kB each": kilobytes };
        rows.push(name === "ours" ? { ...row, goal: `≤ ${goal}`, "": kilobytes <= goal ? "met" : "missed" } : row);
      }
    }
    return {
      name: "mqtt-memory",
      rows,
      notes: [
        `Memory of the server's process (VmRSS) for each of ${connections.toLocaleString("en")} connections that said CONNECT and nothing more, beyond what it took with ${before}; read ${settling / 1000} s after the last came.`,
        `Beside ${await peersOf(place)}. ${place.note}`,
      ],
    };
  } finally {
    place.close();
  }
}

async function perConnection(server: Server, place: Place, tls: boolean): Promise<number> {
  const door = doorTo(server, place, tls);
  const come = (count: number, from: number): Promise<Client[]> =>
    connectMany(count, (at) => Client.connect(door, `idle-${from + at}`));
  // The first fill what every program takes once.
  const first = await come(before, 0);
  await wait(settling);
  const began = server.memory();
  const others = await come(connections, before);
  await wait(settling);
  const taken = server.memory() - began;
  for (const client of [...first, ...others]) client.close();
  return taken / connections / 1000;
}
