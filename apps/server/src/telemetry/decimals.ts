// Hot path: decides for every number of every chunk how it is kept.
import { largestInteger } from "./integers.ts";

/** 10^0 … 10^14, all exact doubles. */
const powers = Array.from({ length: 15 }, (_, digits) => 10 ** digits);
export const mostDigits = powers.length - 1;

export const powerOf = (digits: number): number => powers[digits] ?? 1;

/**
 * The digits behind the decimal point at which nearly all of these numbers are exact: `round(v × 10^d) / 10^d === v`, bit for bit, which holds
 * for what was written with so many digits, because one division of two exact doubles gives the double nearest to the decimal. Up to 1 in 32
 * may be exceptions. `undefined` when there is no such number. -0 counts as 0 here.
 */
export function digitsOf(values: Float64Array, count: number): number | undefined {
  const least = new Uint32Array(mostDigits + 2);
  let digits = 0;
  const allowed = count >> 5;
  for (let at = 0; at < count; at++) {
    const value = values[at] ?? 0;
    // most have as many digits as the one before
    const isLeast = isExact(value, digits) && (digits === 0 || !isExact(value, digits - 1));
    if (!isLeast) digits = leastDigits(value);
    least[digits] = (least[digits] ?? 0) + 1;
    if (digits > mostDigits && (least[digits] ?? 0) > allowed) return undefined;
  }
  let exceptions = 0;
  let enough = mostDigits + 1;
  for (; enough > 0 && exceptions + (least[enough] ?? 0) <= allowed; enough--) exceptions += least[enough] ?? 0;
  return enough > mostDigits ? undefined : enough;
}

function leastDigits(value: number): number {
  for (let digits = 0; digits <= mostDigits; digits++) if (isExact(value, digits)) return digits;
  return mostDigits + 1;
}

export function isExact(value: number, digits: number): boolean {
  const power = powers[digits];
  if (power === undefined) return false;
  const whole = Math.round(value * power);
  return whole / power === value && whole <= largestInteger && whole >= -largestInteger;
}
