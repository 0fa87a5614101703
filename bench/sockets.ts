import { median } from "./ingest/cost.ts";
import { openPlace } from "./mqtt/place.ts";
import { startPlatform } from "./mqtt/platform.ts";
import type { Result } from "./result.ts";
import { secretsOf } from "./sockets/devices.ts";
import { Load } from "./sockets/load.ts";
import { wires } from "./sockets/wire.ts";

const rounds = 3;
const cases = [
  { name: "committed and acknowledged", devices: 100, window: 16, answered: 1, frames: 600, goal: 50_000 },
  { name: "committed, one in 24 acknowledged", devices: 100, window: 24, answered: 24, frames: 600, goal: 80_000 },
] as const;

/** Sealed readings over UDP through the whole platform, and what a reading takes on the wire by each way in. */
export async function run(): Promise<Result> {
  const place = await openPlace();
  const stack = new AsyncDisposableStack();
  stack.defer(() => place.close());
  try {
    const platform = await startPlatform(place, 100, { more: ["--udp-port", "0"] });
    stack.defer(() => platform.stop());
    const secrets = await secretsOf(platform);
    const rows: Result["rows"][number][] = [];
    for (const [boot, { name, devices, goal, ...shape }] of cases.entries()) {
      const load = await Load.open(platform.udpPort, secrets.slice(0, devices), { ...shape, boot });
      stack.defer(() => load.close());
      await load.round(); // warm
      const found: { perCpu: number; perSecond: number; database: number }[] = [];
      for (let round = 0; round < rounds; round++) {
        load.prepare();
        const before = { cpu: platform.cpu(), database: platform.databaseCpu(), at: performance.now() };
        const sent = await load.round();
        const cpu = platform.cpu() - before.cpu;
        const seconds = (performance.now() - before.at) / 1_000;
        const database = ((platform.databaseCpu() - before.database) / sent) * 1e6;
        found.push({ perCpu: sent / cpu, perSecond: sent / seconds, database });
      }
      const of = (pick: (one: (typeof found)[number]) => number) => found.map(pick).toSorted((a, b) => a - b);
      const perCpu = of((one) => one.perCpu);
      rows.push({
        what: `sealed, UDP: ${name}`,
        "per server CPU s": median(perCpu),
        "slowest to fastest": `${Math.round(perCpu[0] ?? 0).toLocaleString("en")} – ${Math.round(perCpu.at(-1) ?? 0).toLocaleString("en")}`,
        "per second": median(of((one) => one.perSecond)),
        "database CPU s/M": median(of((one) => one.database)),
        goal,
      });
    }
    await platform.stop();
    const wire = await wires();
    return {
      name: "sockets",
      rows: [...rows, ...wire.rows],
      notes: [
        `Readings of two values, frames of 25 bytes, sealed: opened, looked up in the replay window, authorised, accounted, parsed, sealed for the log, committed with the window, then answered. CPU is of the platform's own process, kernel's share included; the median of ${rounds} rounds. The database's CPU seconds are for a million readings.`,
        wire.note,
        place.note,
      ],
    };
  } finally {
    await stack.disposeAsync();
  }
}
