import { median } from "../ingest/cost.ts";
import type { Load } from "./cases.ts";
import type { BrokerName, Server } from "./server.ts";

export type Side = {
  readonly server: Pick<Server, "cpu">;
  readonly load: Load;
  /** CPU seconds of a process that works for the server. */
  readonly helper?: () => number;
};

/** For each side and turn: what was carried per second of the server's CPU, and which part of the time it worked. */
export type Turn = {
  readonly rate: number;
  readonly busy: number;
  /** CPU seconds of the helper, for a million that were carried. */
  readonly helped: number;
};

export type Sides<T> = Partial<Record<BrokerName, T>>;

export const turns = 3;
/** A turn is over when its server has worked for so many milliseconds, or when so many have passed. */
export const warmUp = { cpu: 1_000, atMost: 8_000 };
export const measured = { cpu: 600, atMost: 5_000 };

/** The sides take turns, so that whatever else the machine does falls on all of them; each is warmed up before. */
export async function inTurns<Name extends string>(
  sides: Partial<Record<Name, Side>>,
  count = turns,
): Promise<Partial<Record<Name, Turn[]>>> {
  const entries = Object.entries(sides) as [Name, Side][]; // its keys are these
  const found: Partial<Record<Name, Turn[]>> = {};
  for (const [, { server, load }] of entries) await load.run(working(server, warmUp));
  for (let turn = 0; turn < count; turn++) {
    for (const [name, { server, load, helper = () => 0 }] of entries) {
      const helpedBefore = helper();
      const began = performance.now();
      const before = server.cpu();
      const carried = await load.run(working(server, measured));
      const cpu = server.cpu() - before;
      const seconds = (performance.now() - began) / 1000;
      const helped = ((helper() - helpedBefore) / carried) * 1e6;
      (found[name] ??= []).push({ rate: carried / cpu, busy: cpu / seconds, helped });
    }
  }
  return found;
}

function working({ cpu }: Pick<Server, "cpu">, length: typeof measured): () => boolean {
  const enough = cpu() + length.cpu / 1000;
  const end = performance.now() + length.atMost;
  let next = 0;
  let over = false;
  return () => {
    const now = performance.now();
    if (over || now < next) return over;
    next = now + 20;
    return (over = now >= end || cpu() >= enough);
  };
}

type Times = { readonly median: number; readonly lowest: number; readonly highest: number };

/** How many times as much ours carried: by turns, since those of one turn had the same machine. */
export function times(ours: readonly Turn[], theirs: readonly Turn[]): Times {
  const all = ours.map(({ rate }, i) => rate / (theirs[i]?.rate ?? Number.NaN));
  return { median: median(all), lowest: Math.min(...all), highest: Math.max(...all) };
}

export const rateOf = (found: readonly Turn[]): number => median(found.map(({ rate }) => rate));

type Row = Record<string, string | number>;

/** One line of a table: the rates, and how ours stands to each peer's. */
export function rowOf(name: string, goal: number | undefined, found: Sides<Turn[]>): Row {
  const { ours = [], mosquitto, aedes } = found;
  const row: Row = { case: name, ours: Math.round(rateOf(ours)) };
  if (mosquitto) {
    const { median: middle, lowest, highest } = times(ours, mosquitto);
    Object.assign(row, {
      mosquitto: Math.round(rateOf(mosquitto)),
      "× mosquitto": middle,
      "lowest – highest": `${short(lowest)} – ${short(highest)}`,
      ...(goal !== undefined && { goal: `≥ ${goal}`, "": middle >= goal ? "met" : "missed" }),
    });
  }
  if (aedes) Object.assign(row, { aedes: Math.round(rateOf(aedes)), "× aedes": times(ours, aedes).median });
  row["busy %"] = Object.values(found)
    .map((side) => Math.round(100 * median(side.map(({ busy }) => busy))))
    .join(", ");
  return row;
}

export const short = (value: number): string => value.toLocaleString("en", { maximumSignificantDigits: 3 });
