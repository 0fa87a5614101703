import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { secureContext } from "../mqtt/client.ts";
import { startPlatform } from "../mqtt/platform.ts";
import type { Chance } from "./chance.ts";
import { Heap, inspected, inspectorOf } from "./heap.ts";
import type { Scene } from "./visit.ts";

/** Something that clients come to, in a process of its own. */
export type Place = {
  readonly scene: Scene;
  readonly heap: Heap;
  /** Milliseconds after which nothing has to be remembered of whoever is gone, but of those who come again and again. */
  readonly memory: number;
  stop(): Promise<void>;
};

/** The longest session, or delay of a will, of a visit. */
const longestSession = 4_000;
/** The platform writes down every ten seconds which connections are over. */
const longestUnwritten = 11_000;

/** `npm run mqtt`, with these options of Node's before its own. */
export async function openBroker(options: readonly string[] = []): Promise<Place> {
  const main = path.join(import.meta.dirname, "../../packages/mqtt/src/standalone/main.ts");
  const args = ["--max-semi-space-size=8", inspected, ...options, main, "--port", "0"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  const [url, [line]] = await Promise.all([inspectorOf(child.stderr), once(child.stdout, "data")]);
  const port = Number(/mqtt:\/\/127\.0\.0\.1:(\d+)/.exec(String(line))?.[1]);
  const heap = await Heap.open(child.pid ?? 0, url);
  const share = (chance: Chance) => `$share/group-${chance.below(5)}/places/${chance.of("#", "+/state")}`;
  return {
    heap,
    memory: longestSession,
    scene: {
      door: { port },
      login: () => undefined,
      logins: [undefined],
      topic: (chance, serial) => (chance.in(0.7) ? `places/${chance.below(200)}/state` : `visits/${serial}/state`),
      lastingTopic: (chance) => `places/${chance.below(200)}/state`,
      filter: (chance, serial) =>
        chance.of(`visits/${serial}/state`, `visits/${serial}/#`, "places/+/state", "places/#", "#", share(chance)),
      payload: (chance) => Buffer.alloc(chance.below(400), 0x61),
    },
    async stop() {
      heap.close();
      const gone = once(child, "exit");
      child.kill("SIGTERM");
      await gone;
    },
  };
}

/** So few that their points fill a chunk, and are gone from memory, again and again: until then each waits there. */
const devices = 2;

/** The whole platform over TLS, with its database. */
export async function openPlatform(options: readonly string[] = []): Promise<Place> {
  let inspector: Promise<string> | undefined;
  const platform = await startPlatform(
    {
      start(program, args) {
        const child = spawn(program, [inspected, ...options, ...args], { stdio: ["ignore", "pipe", "pipe"] });
        inspector = inspectorOf(child.stderr);
        return child;
      },
    },
    devices,
  );
  const heap = await Heap.open(platform.pid, (await inspector) ?? "");
  const device = (at: number) => platform.devices[at]!; // so many were made
  const program = { user: "program", password: platform.token };
  return {
    heap,
    memory: longestUnwritten,
    scene: {
      door: { port: platform.port, tls: secureContext(platform.ca) },
      login(chance) {
        if (chance.in(0.25)) return program;
        const { id, secret } = device(chance.below(devices)).key;
        return { user: id, password: chance.in(0.01) ? "wrong" : secret };
      },
      lastingTopic: () => "me/telemetry",
      logins: [program, ...platform.devices.map(({ key }) => ({ user: key.id, password: key.secret }))],
      topic: (chance, serial) => (chance.in(0.95) ? "me/telemetry" : `me/nothing/${serial}`),
      filter: (chance, serial) =>
        chance.of(
          "me/telemetry",
          "me/#",
          "devices/+/telemetry",
          "$share/group/me/#",
          `me/nothing/${serial}`,
          "devices/#",
          `devices/${device(chance.below(devices)).id}/telemetry`,
        ),
      payload: (chance) => Buffer.from(JSON.stringify({ temperature: chance.below(1_000) / 10 })),
    },
    async stop() {
      heap.close();
      await platform.stop();
    },
  };
}
