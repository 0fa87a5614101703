import type { Chance } from "./chance.ts";
import { coldRoom, meter, pump, type Machine } from "./machines.ts";

/** A made-up site that looks like one: what the fleet consists of. Its devices are known again by their aliases. */

type ProductName = "Cold-room sensor" | "Pump" | "Energy meter";
type ApplicationName = "Cold chain" | "Plant";

type Attributes = Readonly<
  Record<string, { readonly type: "number" | "boolean" | "text"; readonly unit?: string | undefined }>
>;

export const orgName = "Simulated fleet";

export const applications: readonly ApplicationName[] = ["Cold chain", "Plant"];

export const products: Readonly<Record<ProductName, Attributes>> = {
  "Cold-room sensor": {
    temperature: { type: "number", unit: "°C" },
    humidity: { type: "number", unit: "%" },
    door: { type: "boolean" },
  },
  Pump: {
    pressure: { type: "number", unit: "bar" },
    flow: { type: "number", unit: "m³/h" },
    running: { type: "boolean" },
    mode: { type: "text" },
  },
  "Energy meter": {
    power: { type: "number", unit: "kW" },
    energy: { type: "number", unit: "kWh" },
    voltage: { type: "number", unit: "V" },
  },
};

/**
 * What is worth watching about one: it goes now and then and comes back, or it says now and then what is refused. Over HTTPS there is
 * no connection that could go.
 */
export type Habit = "steady" | "flapping" | "careless";

export type Played = {
  readonly name: string;
  readonly alias: string;
  readonly application: ApplicationName;
  readonly product: ProductName;
  readonly tags: Readonly<Record<string, string>>;
  readonly via: "mqtt" | "https";
  readonly habit: Habit;
  /** Seconds between two readings. */
  readonly every: number;
  readonly machine: (chance: Chance) => Machine;
};

type About = Pick<Played, "name" | "alias"> & Partial<Pick<Played, "via" | "habit">> & { readonly hall: string };

const played = (
  { name, alias, hall, via = "mqtt", habit = "steady" }: About,
  rest: Pick<Played, "application" | "product" | "machine" | "every">,
): Played => ({ name, alias, via, habit, tags: { simulated: "yes", site: "north-quay", hall }, ...rest });

const room = (target: number, about: About): Played =>
  played(about, {
    application: "Cold chain",
    product: "Cold-room sensor",
    machine: (chance) => coldRoom(target, chance),
    every: 10,
  });

const pumped = (head: number, about: About): Played =>
  played(about, { application: "Plant", product: "Pump", machine: (chance) => pump(head, chance), every: 5 });

const metered = (mean: number, about: About): Played =>
  played(about, { application: "Plant", product: "Energy meter", machine: (chance) => meter(mean, chance), every: 10 });

export const fleet: readonly Played[] = [
  room(3.5, { name: "Cold room 1, fruit", alias: "cold-room-1", hall: "a" }),
  room(2, { name: "Cold room 2, dairy", alias: "cold-room-2", hall: "a" }),
  room(0.5, { name: "Cold room 3, fish", alias: "cold-room-3", hall: "a" }),
  room(1.5, { name: "Cold room 4, meat", alias: "cold-room-4", hall: "b" }),
  room(-21, { name: "Freezer 1", alias: "freezer-1", hall: "b", habit: "flapping" }),
  room(7, { name: "Loading dock", alias: "loading-dock", hall: "b", via: "https" }),
  pumped(3.2, { name: "Well pump", alias: "well-pump", hall: "yard" }),
  pumped(4.6, { name: "Booster pump", alias: "booster-pump", hall: "plant" }),
  pumped(2.4, { name: "Coolant pump", alias: "coolant-pump", hall: "plant", habit: "careless" }),
  metered(86, { name: "Main meter", alias: "main-meter", hall: "plant" }),
  metered(41, { name: "Chiller meter", alias: "chiller-meter", hall: "plant" }),
  metered(6, { name: "Office meter", alias: "office-meter", hall: "office", via: "https" }),
];
