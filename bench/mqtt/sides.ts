import type { Case, Load } from "./cases.ts";
import { Client, secureContext, type Door } from "./client.ts";
import type { Place } from "./place.ts";
import { brokers, type BrokerName, type Server } from "./server.ts";
import { inTurns, type Side, type Sides, type Turn } from "./turns.ts";

/** The brokers that are here, each started anew, for as long as `work` takes. */
export async function withBrokers<T>(
  place: Place,
  names: readonly BrokerName[],
  work: (servers: Sides<Server>) => Promise<T>,
): Promise<T> {
  const servers: Sides<Server> = {};
  try {
    for (const name of names) {
      const server = await brokers[name](place);
      if (server) servers[name] = server;
    }
    return await work(servers);
  } finally {
    await Promise.all(Object.values(servers).map((server) => server.stop()));
  }
}

export function doorTo({ port, tlsPort }: Server, place: Place, tls: boolean): Door {
  return tls ? { port: tlsPort, tls: secureContext(place.ca) } : { port };
}

/** One load, prepared for each of these brokers and run in turns. */
export function measure(
  place: Place,
  names: readonly BrokerName[],
  prepare: (server: Server, name: BrokerName) => Promise<Load>,
): Promise<Sides<Turn[]>> {
  return withBrokers(place, names, async (servers) => {
    const sides: Sides<Side> = {};
    for (const [name, server] of Object.entries(servers) as [BrokerName, Server][]) {
      sides[name] = { server, load: await prepare(server, name) };
    }
    try {
      return await inTurns(sides);
    } finally {
      for (const { load } of Object.values(sides)) load.close();
    }
  });
}

export function measureCase(place: Place, names: readonly BrokerName[], one: Case): Promise<Sides<Turn[]>> {
  return measure(place, names, (server) => {
    const door = doorTo(server, place, one.tls === true);
    return one.prepare((clientId) => Client.connect(door, clientId));
  });
}

/** Who was there to be measured beside, by name and version, and who was not. */
export async function peersOf(place: Place): Promise<string> {
  return withBrokers(place, ["mosquitto", "aedes"], async ({ mosquitto, aedes }) =>
    [mosquitto?.name ?? "mosquitto is not on this machine", aedes?.name ?? "aedes is not on this machine"].join(", "),
  );
}
