import type { Step } from "@holdfast/protocol";
import { quarterHour } from "./rollup.ts";

/** From its first millisecond up to the next one's. */
export type Window = { readonly start: number; readonly end: number };

const day = 86_400_000;
/** 1970-01-05. */
const firstMonday = 4;
/** From then on every offset of every zone is whole quarter hours, and changes at one (`windows.test.ts` asks them all). */
const quarterHoursSince = Date.UTC(2023, 0);

/** A time between two changes of a zone's clocks. */
type Stretch = { readonly from: number; readonly to: number; readonly offset: number; readonly before: number };

/**
 * The windows that time is cut into. Steps of seconds to hours are multiples of themselves on the clock of the zone, so that an hour in
 * Kathmandu begins at its own full hour; where clocks are set forward or back, a window begins each time they reach such a multiple: the hour
 * that comes twice is two windows, and six hours of that night are seven. Days, weeks and months are those of the zone's calendar; several at
 * once are counted from 1970 on. Where clocks are set back over midnight (St. John's until 2011, at 00:01) a day has begun when it first
 * begins, and the last hour of the day before, when it comes again, is the new day's.
 */
export class Windows {
  readonly #step: Step;
  /** `undefined` is UTC. */
  readonly #zone: string | undefined;
  readonly #stretches: Stretch[] = [];
  #last: Window = { start: 0, end: 0 };

  constructor(step: Step, zone?: string) {
    this.#step = step;
    this.#zone = zone === undefined || /^(Etc\/)?(UTC|GMT|Zulu)$/i.test(zone) ? undefined : zone;
  }

  /** The one that a time lies in. */
  at(time: number): Window {
    if (time >= this.#last.start && time < this.#last.end) return this.#last;
    return (this.#last = this.#find(time));
  }

  /** Every window that has something of [from, to), in order. */
  *between(from: number, to: number): Generator<Window> {
    for (let window = this.at(from); window.start < to; window = this.at(window.end)) yield window;
  }

  /** About how many there are, without counting them. */
  countBetween(from: number, to: number): number {
    return Math.ceil((to - from) / this.length) + 1;
  }

  /** About how long one is, in milliseconds. */
  get length(): number {
    const { unit, count } = this.#step;
    return count * { millisecond: 1, day, week: 7 * day, month: 30.4 * day }[unit];
  }

  /** From when on every window begins and ends at a quarter hour of UTC, so that sums of quarter hours do. */
  get rollsUpSince(): number {
    const { unit, count } = this.#step;
    if (unit === "millisecond" && count % quarterHour !== 0) return Infinity;
    return this.#zone === undefined ? -Infinity : quarterHoursSince;
  }

  #find(time: number): Window {
    const { unit, count } = this.#step;
    switch (unit) {
      case "millisecond":
        return this.#zone === undefined
          ? cell(time, 0, count)
          : { start: this.#startOf(time, count), end: this.#endOf(time, count) };
      case "day":
        return this.#days(time, count, 0);
      case "week":
        return this.#days(time, 7 * count, firstMonday);
      case "month":
        return this.#months(time, count);
    }
  }

  #days(time: number, count: number, first: number): Window {
    if (this.#zone === undefined) return cell(time, first * day, count * day);
    const { year, month, day: dayOfMonth } = this.#zoned(time, this.#zone);
    const today = Date.UTC(year, month - 1, dayOfMonth) / day;
    const begin = first + Math.floor((today - first) / count) * count;
    return this.#ofCalendar(time, (nth) => new Date((begin + nth * count) * day));
  }

  #months(time: number, count: number): Window {
    const date = new Date(time);
    const { year, month } =
      this.#zone === undefined
        ? { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1 }
        : this.#zoned(time, this.#zone);
    const months = (year - 1970) * 12 + month - 1;
    const begin = Math.floor(months / count) * count;
    return this.#ofCalendar(time, (nth) => new Date(Date.UTC(1970, begin + nth * count)));
  }

  /** The window that a time lies in, where the clock of the zone shows one that begins on the 0th of these days. */
  #ofCalendar(time: number, dayOf: (nth: number) => Date): Window {
    const [start, end] = [this.#beginOf(dayOf(0)), this.#beginOf(dayOf(1))];
    return time < end ? { start, end } : { start: end, end: this.#beginOf(dayOf(2)) };
  }

  /** When this day of the calendar begins: not at midnight where clocks are set forward at midnight. */
  #beginOf(date: Date): number {
    if (this.#zone === undefined) return date.getTime();
    const plain = new Temporal.PlainDate(date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate());
    return plain.toZonedDateTime(this.#zone).epochMilliseconds;
  }

  #startOf(time: number, step: number): number {
    const stretch = this.#stretch(time);
    const { start } = cell(time, -stretch.offset, step);
    if (start > stretch.from) return start;
    return begins(stretch, step) ? stretch.from : this.#startOf(stretch.from - 1, step);
  }

  #endOf(time: number, step: number): number {
    const { offset, to } = this.#stretch(time);
    const { end } = cell(time, -offset, step);
    if (end <= to) return end;
    return begins(this.#stretch(to), step) ? to : this.#endOf(to, step);
  }

  #stretch(time: number): Stretch {
    const known = this.#stretches.find(({ from, to }) => time >= from && time < to);
    if (known) return known;
    const zone = this.#zone ?? "UTC";
    const now = this.#zoned(time, zone);
    // What was asked about may be the moment of a change itself: `previous` looks before it.
    const previous = this.#zoned(time + 1, zone).getTimeZoneTransition("previous");
    const next = now.getTimeZoneTransition("next");
    const from = previous?.epochMilliseconds ?? -Infinity;
    const offset = offsetOf(now);
    const before = previous ? offsetOf(this.#zoned(from - 1, zone)) : offset;
    const found = { from, to: next?.epochMilliseconds ?? Infinity, offset, before };
    this.#stretches.push(found);
    return found;
  }

  #zoned(time: number, zone: string): Temporal.ZonedDateTime {
    return Temporal.Instant.fromEpochMilliseconds(time).toZonedDateTimeISO(zone);
  }
}

const offsetOf = ({ offsetNanoseconds }: Temporal.ZonedDateTime): number => offsetNanoseconds / 1e6;

function cell(time: number, origin: number, step: number): Window {
  const start = origin + Math.floor((time - origin) / step) * step;
  return { start, end: start + step };
}

/** Whether a clock that is set at the begin of this stretch reaches a multiple of the step, or passes one by being set. */
function begins({ from, offset, before }: Stretch, step: number): boolean {
  if (from === -Infinity) return true;
  return Math.floor((from + Math.max(before, offset)) / step) > Math.floor((from - 1 + before) / step);
}
