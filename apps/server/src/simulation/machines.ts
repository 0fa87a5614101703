import { noise, rounded, type Chance } from "./chance.ts";

/** What a device measures at once, by attribute. */
export type Values = Readonly<Record<string, number | boolean | string>>;

/** Something that is measured: asked for one moment after the other, in epoch milliseconds, it remembers what lasts. */
export type Machine = (at: number) => Values;

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const whole = 2 * Math.PI;

/** From -1 to 1 in a day, highest at this hour (UTC). */
const daily = (at: number, peak: number): number => Math.cos(((at - peak * hour) / day) * whole);

/** Cooled to `target` (°C) by a compressor that comes and goes; warmer while somebody has the door open, which is by day, mostly. */
export function coldRoom(target: number, chance: Chance): Machine {
  const phase = chance() * whole;
  let before: number | undefined;
  let openUntil = 0;
  let warmth = 0;
  return (at) => {
    const passed = Math.min((at - (before ?? at)) / minute, 10);
    before = at;
    const isOpen = at < openUntil;
    warmth += isOpen ? passed * 0.7 : -warmth * Math.min(1, passed / 12);
    const opensPerMinute = 0.005 + 0.025 * Math.max(0, daily(at, 11));
    if (!isOpen && chance() < opensPerMinute * passed) openUntil = at + (0.5 + 4 * chance()) * minute;
    const compressor = 0.4 * Math.sin((at / (35 * minute)) * whole + phase);
    return {
      temperature: rounded(target + warmth + compressor + noise(chance, 0.1), 2),
      humidity: rounded(Math.min(99, 68 + 4 * warmth - 3 * compressor + noise(chance, 0.6)), 1),
      door: isOpen,
    };
  };
}

/** Runs for most of each cycle of three quarters of an hour; somebody takes it over by hand now and then. */
export function pump(head: number, chance: Chance): Machine {
  const phase = chance();
  let manualUntil = 0;
  return (at) => {
    const turn = (at / (45 * minute) + phase) % 1;
    const isRunning = turn < 0.7 + 0.15 * daily(at, 13);
    if (chance() < 0.0005) manualUntil = at + (2 + 10 * chance()) * minute;
    const load = 1 + 0.15 * daily(at, 13);
    return {
      pressure: rounded(isRunning ? head * load + noise(chance, 0.08) : 0.9 + noise(chance, 0.03), 2),
      flow: rounded(isRunning ? Math.max(0, 14 * load + noise(chance, 0.5)) : 0, 1),
      running: isRunning,
      mode: at < manualUntil ? "manual" : isRunning ? "automatic" : "standby",
    };
  };
}

/** Around `mean` kW. What it counted is what its curve adds up to, so that the count goes on where it was, whenever it is asked. */
export function meter(mean: number, chance: Chance): Machine {
  const began = Date.UTC(2025, 0, 1);
  const swing = 0.45;
  const peak = 13;
  return (at) => {
    const counted = mean * ((at - began) / hour + (swing * 24 * Math.sin(((at - peak * hour) / day) * whole)) / whole);
    return {
      power: rounded(mean * (1 + swing * daily(at, peak)) + noise(chance, mean * 0.05), 2),
      energy: rounded(counted, 1),
      voltage: rounded(231 - 2 * daily(at, 19) + noise(chance, 0.8), 1),
    };
  };
}
