import { cases, type Case } from "./mqtt/cases.ts";
import { startMosquitto, startOurs, type Server } from "./mqtt/server.ts";
import type { Result } from "./result.ts";

const warmUp = 500;
const measured = 2_000;

/** Messages carried per second of the server's CPU; each broker in a process of its own, started anew for each case. */
async function measure(
  start: () => Promise<Server | undefined>,
  one: Case,
): Promise<{ rate: number; name: string } | undefined> {
  const server = await start();
  if (!server) return undefined;
  try {
    const load = await one.prepare(server);
    const until = (milliseconds: number) => {
      const end = performance.now() + milliseconds;
      return () => performance.now() >= end;
    };
    await load.run(until(warmUp));
    const before = server.cpu();
    const messages = await load.run(until(measured));
    const rate = messages / (server.cpu() - before);
    load.close();
    return { rate, name: server.name };
  } finally {
    server.stop();
  }
}

/** `packages/mqtt` alone beside mosquitto, without TLS, by messages per CPU second of the server. */
export async function run(): Promise<Result> {
  const rows: Record<string, string | number>[] = [];
  const notes = [
    `Payload 100 bytes, ${measured / 1000} s after ${warmUp / 1000} s of warm-up, MQTT 3.1.1, no TLS; user and system time of the server process.`,
  ];
  let peer: string | undefined;
  for (const one of cases) {
    const ours = await measure(startOurs, one);
    const theirs = await measure(startMosquitto, one);
    peer ??= theirs?.name;
    const row: Record<string, string | number> = { case: one.name, "messages per CPU s": Math.round(ours?.rate ?? 0) };
    if (theirs && ours) {
      row["mosquitto"] = Math.round(theirs.rate);
      row["ratio"] = ours.rate / theirs.rate;
    }
    rows.push(row);
  }
  notes.push(
    peer === undefined ? "mosquitto is not on this machine; no ratios." : `Beside ${peer} on the same machine.`,
  );
  return { name: "mqtt", rows, notes };
}
