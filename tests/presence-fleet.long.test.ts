import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import path from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import type { Alert } from "./alerts.fixture.ts";
import type { Device } from "./authority.fixture.ts";
import { Deployment } from "./faults/deployment.ts";
import { Chance } from "./faults/seed.ts";
import type { Act, Order, Step, Who } from "./presence-model.fixture.ts";
import { after, patience, raisedWithin, Verdict, type Told } from "./presence-verdict.fixture.ts";
import type { Presence } from "./presence.fixture.ts";

// A thousand devices, each over a socket of its own from another process, that leave, vanish, freeze, fall silent, take nothing and flap by chance,
// against a platform as its operator has it, which is stopped or killed and started again in the midst of it. All in real time. What the
// platform says each second is compared with what a model makes of what the clients did.

const second = 1_000;
const fleet = 1_000;
/** The last of them are one program, which is frozen as a whole. */
const gang = 120;
const drivers = 4;

const kinds = ["steady", "goodbye", "vanish", "freeze", "quiet", "pause", "flap", "deaf"] as const;
type Kind = (typeof kinds)[number];

/** Processes that are devices, and what they did. */
class Fleet {
  readonly acts = new Map<number, Act[]>();
  readonly #children: readonly ChildProcess[];
  readonly #place: Order["place"];

  constructor(place: Order["place"], devices: readonly Who[]) {
    this.#place = place;
    const program = path.join(import.meta.dirname, "presence-driver.fixture.ts");
    this.#children = Array.from({ length: drivers }, () =>
      spawn(process.execPath, [program], { stdio: ["pipe", "pipe", "inherit"] }),
    );
    for (const { at } of devices) this.acts.set(at, []);
    for (const child of this.#children)
      createInterface({ input: child.stdout! }).on("line", (line) => {
        const [device = "", at, what] = line.split(" ");
        this.acts.get(Number(device))?.push({ at: Number(at), what: what as Act["what"] }); // the program's own words
      });
    this.#tell((driver) => ({ devices: devices.filter((one) => driverOf(one.at) === driver), steps: [] }));
  }

  #tell(of: (driver: number) => Pick<Order, "devices" | "steps">): void {
    for (const [driver, child] of this.#children.entries())
      child.stdin!.write(`${JSON.stringify({ place: this.#place, ...of(driver) } satisfies Order)}\n`);
  }

  do(steps: readonly Step[]): void {
    this.#tell((driver) => ({ devices: [], steps: steps.filter(({ device }) => driverOf(device) === driver) }));
  }

  get gang(): ChildProcess {
    return this.#children[drivers - 1]!; // there are so many
  }

  async end(): Promise<void> {
    const running = this.#children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
    for (const child of running) child.kill("SIGKILL");
    await Promise.all(running.map((child) => once(child, "exit")));
  }
}

const driverOf = (device: number): number => (device >= fleet - gang ? drivers - 1 : device % (drivers - 1));

test("of a thousand devices over real sockets each presence is right to a second, over a restart too, and no alert is missed or false", async (t) => {
  const chance = new Chance();
  const delay = monitorEventLoopDelay({ resolution: 20 });
  t.diagnostic(`seed ${chance.seed}`);
  const deployment = await Deployment.make(chance);
  t.after(() => deployment.close());
  const run = { from: Date.now(), to: Number.POSITIVE_INFINITY };
  await deployment.start();
  const { token } = await deployment.setUp();
  const asks = () => deployment.visitor.as(token);
  const { id: application } = await asks().post<{ id: string }>("/v1/applications", { name: "Works" });
  await asks().post("/v1/alert-rules", {
    name: "All",
    states: ["offline", "silent", "notReceiving", "flapping"],
    after: `${after / second}s`,
  });

  const chosen: (readonly [Kind, Kind])[] = [];
  const who: Who[] = [];
  for (let at = 0; at < fleet; at += 1) {
    const isOfGang = at >= fleet - gang;
    const share = (): Kind => {
      const n = chance.between(0, 99);
      return kinds[[45, 57, 61, 65, 77, 87, 92, 100].findIndex((bound) => n < bound)]!; // below a hundred
    };
    const both = isOfGang ? (["steady", "steady"] as const) : ([share(), share()] as const);
    // What flaps has nothing else wrong with it, and a thirty seconds' wait is for what is left of the time.
    chosen.push([both[0] === "deaf" ? "steady" : both[0], both[1]]);
  }
  const reports = (at: number) => chosen[at]!.some((kind) => kind === "quiet" || kind === "pause");
  for (let from = 0; from < fleet; from += 20)
    await Promise.all(
      Array.from({ length: 20 }, async (_, more) => {
        const at = from + more;
        const interval = reports(at) ? 3 : undefined;
        const wanted = { application, name: `Device ${at}`, ...(interval && { reportingInterval: `${interval}s` }) };
        const { id, key } = await asks().post<Device>("/v1/devices", wanted);
        const listens = chosen[at]![1] === "deaf";
        who.push({
          at,
          device: id,
          key: key.id,
          secret: key.secret,
          keepAlive: chance.between(6, 8),
          interval,
          listens,
        });
      }),
    );
  const place = { port: deployment.mqttsPort, ca: readFileSync(deployment.caFile, "utf8") };
  const devices = new Fleet(place, who);
  t.after(() => devices.end());
  delay.enable();

  const told = new Map<number, Told[]>(who.map(({ at }) => [at, []]));
  const numbers = new Map(who.map(({ at, device }) => [device, at]));
  let looking: Promise<void> | undefined;
  let isLooking = false;
  const look = (): void => {
    isLooking = true;
    looking = (async () => {
      while (isLooking) {
        const from = Date.now();
        const { items } = await asks().get<{ items: { id: string; presence: Presence }[] }>("/v1/devices?limit=1000");
        const to = Date.now();
        for (const { id, presence } of items)
          told.get(numbers.get(id) ?? -1)?.push({
            from,
            to,
            state: presence.state,
            since: Date.parse(presence.since ?? "1970-01-01"),
            because: presence.because,
          });
        await wait(Math.max(0, from + second - Date.now()));
      }
    })();
  };
  const lookNoMore = async () => {
    isLooking = false;
    await looking;
  };

  const until = (at: number) => wait(Math.max(0, at - Date.now()));
  const everybodyIsThere = async () => {
    const end = Date.now() + 180 * second;
    for (;;) {
      const { online } = await asks().get<{ online: number }>("/v1/devices/summary");
      if (online === fleet) return;
      assert.ok(Date.now() < end, `${online} came`);
      await wait(200);
    }
  };

  /** What befalls each, by its kind, from a moment on; `back` is when whoever was to come back later does. */
  const troubles = (phase: 0 | 1, begin: number, back: number): Step[] => {
    const steps: Step[] = [];
    for (const [device, both] of chosen.entries()) {
      const kind = both[phase];
      // Those that say goodbye do so one by one, all others at once.
      const at = begin + chance.between(0, (kind === "goodbye" ? 15 : 3) * second);
      const add = (when: number, step: Step["do"]) => void steps.push({ device, at: when, do: step });
      const isShort = chance.between(0, 1) === 0;
      const later = back + chance.between(0, 5 * second);
      switch (kind) {
        case "goodbye":
        case "vanish":
          add(at, kind === "goodbye" ? "bye" : "cut");
          if (isShort || phase === 1) add(isShort ? at + chance.between(1_500, 3_000) : later, "come");
          break;
        case "freeze":
          add(at, "freeze");
          if (phase === 1) add(later, "come");
          break;
        case "quiet":
          add(at, "quiet");
          add(later, "talk");
          break;
        case "pause":
          add(at, "quiet");
          add(at + chance.between(1_000, 2_500), "talk");
          break;
        case "flap":
          for (let turn = 0; turn < 6; turn += 1) add(at + turn * 1_400, turn % 2 === 0 ? "bye" : "come");
          break;
        case "deaf":
          add(begin - second, "deaf");
          add(later, "hear");
          break;
        case "steady":
      }
    }
    return steps;
  };

  // They come, and half of them get into trouble.
  const began = Date.now();
  look();
  devices.do(
    who.map(({ at }) => ({
      device: at,
      at: began + chance.between(0, 5 * second),
      do: at >= fleet - gang ? "stay" : "come",
    })),
  );
  await everybodyIsThere();
  const first = Date.now() + second;
  const restartAt = first + 31 * second;
  devices.do(troubles(0, first, restartAt + 12 * second));
  await until(restartAt - second);
  await lookNoMore();
  const alertsBefore = await alertsOf(who, asks());

  // The platform goes, as politely as chance has it.
  const isKilled = chance.between(0, 1) === 0;
  await until(restartAt);
  run.to = Date.now();
  if (isKilled) await deployment.kill();
  else await deployment.stop();
  const again = { from: Date.now(), to: Number.POSITIVE_INFINITY };
  await deployment.start();
  const startedAt = Date.now();
  t.diagnostic(`${isKilled ? "killed" : "stopped"}, and there again after ${startedAt - run.to} ms`);
  look();
  // Most come back soon, some late, and some never.
  const returns: Step[] = [];
  const gone = new Set<number>();
  for (let device = 0; device < fleet - gang; device += 1) {
    const n = chance.between(0, 99);
    if (n < 2 && chosen[device]![0] !== "flap") gone.add(device);
    else
      returns.push({
        device,
        at: startedAt + second + chance.between(0, n < 5 ? 50 * second : 7 * second),
        do: "come",
      });
  }
  devices.do(returns);
  const late = new Set(returns.filter(({ at }) => at > startedAt + 8 * second).map(({ device }) => device));
  const another = startedAt + 14 * second;
  devices.do(
    troubles(1, another, another + 48 * second).filter(({ device }) => !gone.has(device) && !late.has(device)),
  );
  await until(another + second);
  const deaf = who.filter(({ at }) => chosen[at]![1] === "deaf" && !gone.has(at) && !late.has(at));
  for (const { device } of deaf) await asks().post(`/v1/devices/${device}/commands`, { name: "blink" });
  devices.gang.kill("SIGSTOP");
  await until(another + 42 * second);
  devices.gang.kill("SIGCONT");
  await until(startedAt + patience + raisedWithin + 3 * second);
  await lookNoMore();
  const end = Date.now();
  again.to = end;
  const alerts = await alertsOf(who, asks());

  delay.disable();
  const happened = {
    who,
    acts: devices.acts,
    told,
    alerts,
    alertsBefore: new Set(alertsBefore.keys()),
    runs: [run, again] as const,
    isKilled,
    startedAt,
    end,
    lag: Math.ceil(delay.max / 1e6),
  };
  const verdict = new Verdict(happened);
  const { compared, worst, owed, states, problems, wentTogether } = verdict;
  const number = new Set([...alerts.values()].flat().map(({ id }) => id)).size;
  t.diagnostic(
    `${compared} presences compared, the worst ${worst} ms beside; this process stood still for ${happened.lag} ms at most`,
  );
  t.diagnostic(`${owed} had to be told of, by ${number} alerts; ${wentTogether} went with many others`);
  assert.deepEqual(problems.slice(0, 5), [], `seed ${chance.seed}: ${problems.length} problems`);
  assert.deepEqual([...states].toSorted(), ["flapping", "never", "notReceiving", "offline", "online", "silent"]);
  assert.ok(wentTogether >= gang && owed > 200 && number < owed / 4, "many at once are one");
});

/** All alerts by the devices that they are about. */
async function alertsOf(
  who: readonly Who[],
  asks: { get<T>(path: string): Promise<T> },
): Promise<Map<number, readonly Alert[]>> {
  const found = new Map<number, readonly Alert[]>();
  for (let from = 0; from < who.length; from += 20)
    await Promise.all(
      who.slice(from, from + 20).map(async ({ at, device }) => {
        const { items } = await asks.get<{ items: Alert[] }>(`/v1/alerts?device=${device}`);
        if (items.length > 0) found.set(at, items);
      }),
    );
  return found;
}
