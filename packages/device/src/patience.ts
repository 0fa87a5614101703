import type { Random } from "@holdfast/kernel";

/** What came before a wait: nobody was reached, something was answered "later", or the platform does not want this device. */
export type Setback = "unreachable" | "later" | "unwanted";

const bounds = {
  unreachable: { least: 0, first: 1_000, most: 60_000 },
  later: { least: 500, first: 2_000, most: 60_000 },
  unwanted: { least: 30_000, first: 60_000, most: 900_000 },
} as const;

/**
 * How long to wait before the next try, in milliseconds, after so many that failed (1 and more). Anywhere up to a bound that doubles ("full
 * jitter"): a thousand devices whose platform was away do not come back in one moment. A credential that was refused will rarely be good a moment later.
 */
export function waitAfter(setback: Setback, failures: number, random: Random): number {
  const { least, first, most } = bounds[setback];
  const bound = Math.min(most, first * 2 ** Math.min(failures - 1, 30));
  return Math.round(least + (bound - least) * fraction(random));
}

/** Evenly from 0 up to and without 1. */
export function fraction(random: Random): number {
  const bytes = random.bytes(4);
  return new DataView(bytes.buffer).getUint32(bytes.byteOffset) / 2 ** 32;
}

/** What nobody else says. */
export function markOf(random: Random): string {
  return [...random.bytes(12)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
