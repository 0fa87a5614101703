import type { Random } from "@holdfast/kernel";

/** From 0 up to, not including, 1. */
export type Chance = () => number;

export const chanceOf =
  (random: Random): Chance =>
  () =>
    new DataView(random.bytes(4).buffer).getUint32(0) / 2 ** 32;

/** From -most to most, near 0 more often than far. */
export const noise = (chance: Chance, most: number): number => (chance() + chance() + chance() - 1.5) * (most / 1.5);

/** As an instrument shows it. */
export const rounded = (value: number, decimals: number): number => Number(value.toFixed(decimals));
