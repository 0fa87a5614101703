import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import path from "node:path";
import { Visitor } from "../apps/server/src/testing/visitor.ts";
import { median, quantile } from "./ingest/cost.ts";
import { acknowledged } from "./mqtt/cases.ts";
import { Client, connectMany, secureContext } from "./mqtt/client.ts";
import { openPlace } from "./mqtt/place.ts";
import { startPlatform, type Platform } from "./mqtt/platform.ts";
import type { Result } from "./result.ts";
import type { Asked, Person, Told } from "./sign-in/crowd.ts";
import { postFrom } from "./sign-in/from.ts";
import { Steady } from "./sign-in/steady.ts";

const devices = 200;
const people = 200;
/** Each of them has several browsers: making an account costs a slow hash, too. */
const accounts = 40;
const rounds = 5;
const quietly = 8_000; // milliseconds
const share = 0.3;
const goal = { bytes: 256 * 1024 * 1024, times: 2 };
const payload = Buffer.from(JSON.stringify({ temperature: 21.53, humidity: 48.2 }));

/** Two hundred people sign in at once while readings come in: who waits, how much memory it takes, and what the readings notice. */
export async function run(): Promise<Result> {
  const place = await openPlace();
  const stack = new AsyncDisposableStack();
  stack.defer(() => place.close());
  try {
    const platform = await startPlatform(place, devices);
    stack.defer(() => platform.stop());
    const crowd = fork(path.join(import.meta.dirname, "sign-in/crowd.ts"));
    stack.defer(() => void crowd.kill());
    const asked: Asked = { url: platform.url, ca: platform.ca, people: await invited(platform) };

    const door = { port: platform.port, tls: secureContext(platform.ca) };
    const clients = await connectMany(devices, (at) => {
      const { id, key } = platform.devices[at]!; // so many were made
      return Client.connect(door, id, { login: { user: key.id, password: key.secret } });
    });
    stack.defer(() => clients.forEach((client) => client.close()));
    const most = await capacity(clients);
    const steady = new Steady(clients, payload);
    const rate = share * most;
    await steady.run(rate, after(quietly));

    const quiet: Float64Array[] = [];
    const busy: Float64Array[] = [];
    const told: Told[] = [];
    const memory: { idle: number; peak: number }[] = [];
    for (let round = 0; round < rounds; round++) {
      const idle = watchMemory(platform.pid);
      quiet.push(await steady.run(rate, after(quietly)));
      const before = idle.stop();
      const during = watchMemory(platform.pid);
      const coming = ask(crowd, asked);
      busy.push(await steady.run(rate, coming.isOver));
      told.push(await coming.told);
      memory.push({ idle: before.median, peak: during.stop().most });
    }
    return result({ most, rate, quiet, busy, told, memory, note: place.note });
  } finally {
    await stack.disposeAsync();
  }
}

type Found = {
  readonly most: number;
  readonly rate: number;
  readonly quiet: readonly Float64Array[];
  readonly busy: readonly Float64Array[];
  readonly told: readonly Told[];
  readonly memory: readonly { readonly idle: number; readonly peak: number }[];
  readonly note: string;
};

function result({ most, rate, quiet, busy, told, memory, note }: Found): Result {
  const p99 = (all: readonly Float64Array[]) => all.map((latencies) => quantile(latencies, 0.99));
  const row = (of: string, all: readonly Float64Array[]) => ({
    of,
    "p50 ms": median(all.map((latencies) => quantile(latencies, 0.5))),
    "p99 ms": median(p99(all)),
    lowest: Math.min(...p99(all)),
    highest: Math.max(...p99(all)),
    "longest ms": Math.max(...all.map((latencies) => latencies.reduce((a, b) => Math.max(a, b), 0))),
  });
  const times = p99(busy).map((one, at) => one / (p99(quiet)[at] ?? Number.NaN));
  const grown = memory.map(({ idle, peak }) => (peak - idle) / 1024 / 1024);
  const others = told.flatMap((one) => one.others);
  if (others.length > 0) throw new Error(`Somebody was answered ${[...new Set(others)].join(", ")}.`);
  const met = (isMet: boolean) => (isMet ? "met" : "missed");
  return {
    name: "sign-in",
    rows: [
      row("readings, nobody signs in", quiet),
      row(`readings, ${people} sign in at once`, busy),
      {
        of: "times as long, p99",
        "p99 ms": median(times),
        lowest: Math.min(...times),
        highest: Math.max(...times),
        goal: `≤ ${goal.times}`,
        "": met(median(times) <= goal.times),
      },
      {
        of: "MiB above idle",
        "p99 ms": Math.max(...grown),
        lowest: Math.min(...grown),
        highest: Math.max(...grown),
        goal: `≤ ${goal.bytes / 1024 / 1024}`,
        "": met(Math.max(...grown) <= goal.bytes / 1024 / 1024),
      },
      {
        of: "seconds until all are in",
        "p99 ms": median(told.map(({ seconds }) => seconds)),
        lowest: Math.min(...told.map(({ seconds }) => seconds)),
        highest: Math.max(...told.map(({ seconds }) => seconds)),
      },
    ],
    notes: [
      `Readings of ${payload.length} bytes of ${devices} devices at QoS 1 over TLS 1.3, ${Math.round(rate).toLocaleString("en")} a second, which is ${share * 100} % of the ${Math.round(most).toLocaleString("en")} that were acknowledged as fast as they come; milliseconds are from when each was due. ${rounds} turns, in alternation; medians, lowest and highest turn.`,
      `${people} browsers of ${accounts} people with accounts, from ${people / 2} addresses, each with a connection of their own; whoever is told to come again does, after as long as the answer says (${[...new Set(told.flatMap((one) => one.retryAfter))].join(", ")} s): ${told.map(({ refused }) => refused).join(", ")} times. Hung up on: ${told.map(({ hungUp }) => hungUp).join(", ")} times.`,
      note,
    ],
  };
}

const after = (milliseconds: number): (() => boolean) => {
  const end = performance.now() + milliseconds;
  return () => performance.now() >= end;
};

/** Acknowledged in a second by whom nothing holds back: ten under way for each device. */
async function capacity(clients: readonly Client[]): Promise<number> {
  const load = acknowledged(
    clients.map((client) => ({ client, topic: "me/telemetry", payload })),
    10,
  );
  await load.run(after(3_000));
  const began = performance.now();
  const carried = await load.run(after(5_000));
  return carried / ((performance.now() - began) / 1_000);
}

/** People who have accounts, two at each address, and none of an account at the same one. */
async function invited(place: Platform): Promise<Person[]> {
  const owner = new Visitor(place.url, place.ca, place.token);
  const who = Array.from({ length: people }, (_, at) => ({
    email: `person-${at % accounts}@example.com`,
    password: "a river runs past nine hills",
    address: `127.0.0.${2 + Math.floor(at / 2)}`,
  }));
  try {
    for (const { email, password, address } of who.slice(0, accounts)) {
      const { link } = await owner.post<{ link: string }>("/v1/invitations", { email, role: "viewer" });
      const secret = link.split("#invitation=")[1] ?? "";
      const { status } = await postFrom(address, place, "/v1/invitations/accept", { secret, email, password });
      if (status >= 300) throw new Error(`Accepting an invitation answered ${status}.`);
    }
  } finally {
    await owner.close();
  }
  return who;
}

function ask(crowd: ChildProcess, asked: Asked): { told: Promise<Told>; isOver: () => boolean } {
  let over = false;
  const gone = once(crowd, "exit").then(() => {
    over = true;
    throw new Error("The people who sign in are gone.");
  });
  const answered = once(crowd, "message").then(([message]) => {
    over = true;
    return message as Told; // by crowd.ts
  });
  const told = Promise.race([answered, gone]);
  crowd.send(asked);
  return { told, isOver: () => over };
}

/** Bytes that the process has of the machine, looked at fifty times a second. */
function watchMemory(pid: number): { stop(): { median: number; most: number } } {
  const seen: number[] = [];
  const look = () =>
    void seen.push(1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]));
  look();
  const timer = setInterval(look, 20);
  return {
    stop() {
      clearInterval(timer);
      return { median: median(seen), most: Math.max(...seen) };
    },
  };
}
