import { Refusal } from "@holdfast/kernel";
import type { Aggregate, Step } from "@holdfast/protocol";
import { isPercentile } from "./percentile.ts";
import { quarterHour } from "./rollup.ts";

/** Points that are decoded for one question: about a second of a processor, and what a percentile of all of them needs of memory, 80 MB. */
export const mostDecoded = 10_000_000;
/** Points or buckets in one answer, of all series together. */
export const mostItems = 100_000;

/** What was asked for, as far as a narrower question can be made of it. */
export type Wide = {
  readonly from: number;
  readonly to: number;
  readonly every?: Step | undefined;
  readonly aggregates?: readonly Aggregate[] | undefined;
  /** How many devices and attributes. */
  readonly series?: number;
};

/** What may be decoded for one question. Nothing is decoded before it was spent. */
export class Budget {
  #spent = 0;
  readonly #asked: Wide;

  constructor(asked: Wide) {
    this.#asked = asked;
  }

  /** @throws Refusal `telemetry.tooMuch` */
  spend(points: number): void {
    this.#spent += points;
    if (this.#spent > mostDecoded) throw tooManyPoints(this.#spent, this.#asked);
  }
}

/** `points`: how many would have to be decoded, at least. */
export function tooManyPoints(points: number, asked: Wide): Refusal {
  const shorter = `at most ${lengthOf(((asked.to - asked.from) * mostDecoded) / points)} at once`;
  const fewer = (asked.series ?? 1) > 1 ? ", or for fewer devices or attributes" : "";
  const percentile = asked.aggregates?.find(isPercentile);
  const narrower = percentile
    ? `Ask for ${shorter}${fewer}, or without ${percentile}, which needs every point.`
    : asked.every && !rollsUp(asked.every)
      ? `Ask with every=15m or a multiple of it, of which sums are kept, or for ${shorter}${fewer}.`
      : `Ask for ${shorter}${fewer}.`;
  const detail = `${inWords(points)} points would have to be read, and ${inWords(mostDecoded)} may be. ${narrower}`;
  return new Refusal("telemetry.tooMuch", { detail });
}

/** `items`: how many there would be in the answer. */
export function tooManyItems(items: number, asked: Wide): Refusal {
  const span = asked.to - asked.from;
  const narrower = asked.every
    ? `Ask with every=${leastStep((span * (asked.series ?? 1)) / mostItems)} or longer`
    : `Ask with every, for example every=${leastStep((span * (asked.series ?? 1)) / 1_000)}, or export them`;
  const detail = `The answer would have ${inWords(items)} items, and ${inWords(mostItems)} is the most. ${narrower}, or for at most ${lengthOf((span * mostItems) / items)} at once.`;
  return new Refusal("telemetry.tooMuch", { detail });
}

const rollsUp = ({ unit, count }: Step): boolean => unit !== "millisecond" || count % quarterHour === 0;

const inWords = (count: number): string => Math.ceil(count).toLocaleString("en");

const units = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
] as const;

/** Rounded down to what people say. */
function lengthOf(milliseconds: number): string {
  const [unit, length] = units.find(([, one]) => milliseconds >= one) ?? units[3];
  return `${Math.max(1, Math.floor(milliseconds / length))}${unit}`;
}

const steps = ["1s", "10s", "1m", "5m", "15m", "1h", "6h", "1d", "7d", "30d"] as const;

/** The shortest of usual steps that is not shorter. */
function leastStep(milliseconds: number): string {
  const long = (step: string) => Number.parseInt(step, 10) * (units.find(([unit]) => step.endsWith(unit))?.[1] ?? 1);
  return steps.find((step) => long(step) >= milliseconds) ?? "366d";
}
