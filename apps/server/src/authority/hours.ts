import type { Instant } from "@holdfast/kernel";
import { days, formatHours, type Hours } from "@holdfast/protocol";

/** Milliseconds of a week, by the clocks of one place, from Monday's midnight on. */
type Span = readonly [from: number, to: number];

const minute = 60_000;
const day = 24 * 60 * minute;
const week = 7 * day;

/** Further ahead nobody looks: whoever is still here then is asked again. */
const farthest = 8 * day;

/** What is wrong with it, in words, or it as it is kept. */
export function readHours(asked: Hours): Hours | string {
  const zone = zoneCalled(asked.zone);
  if (zone === undefined) return "no zone of the IANA database: write Europe/Berlin, America/New_York or UTC";
  const hours = { ...asked, days: days.filter((one) => asked.days.includes(one)), zone };
  if (hours.from === hours.to) return "it ends when it begins, so it would never hold";
  const isAlways = hours.days.length === days.length && hours.from === "00:00" && hours.to === "24:00";
  return isAlways ? "it would always hold: leave hours out instead" : hours;
}

/** A name with a place, not an offset: offsets do not know of summer. */
function zoneCalled(name: string): string | undefined {
  if (!/^[A-Za-z]/.test(name)) return undefined;
  try {
    return Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name).timeZoneId;
  } catch (error) {
    if (error instanceof RangeError) return undefined; // there is no such zone
    throw error;
  }
}

/** Whether one of them holds at this moment. */
export const holdAt = (hours: readonly Hours[], at: Instant): boolean =>
  compileHours(hours)((zone) => timeOfWeek(at, zone));

/** The same for asking often, by what the clocks of each zone show. */
export function compileHours(hours: readonly Hours[]): (shows: (zone: string) => number) => boolean {
  const all = zonesOf(hours).map((zone) => ({ zone, spans: spansOf(hours, zone) }));
  return (shows) => all.some(({ zone, spans }) => isIn(spans, shows(zone)));
}

/** Until when one or another holds without a break, where one holds now; eight days at most. */
export function heldUntil(hours: readonly Hours[], at: Instant): Instant {
  let end = at;
  for (let isHeld = true; isHeld && end - at < farthest;) {
    isHeld = false;
    for (const zone of zonesOf(hours)) {
      const spans = spansOf(hours, zone);
      if (!isIn(spans, timeOfWeek(end, zone))) continue;
      isHeld = true;
      end = nextChange(spans, zone, end);
    }
  }
  return Math.min(end, at + farthest) as Instant; // milliseconds since the epoch both
}

/** The first moment at which it may be otherwise: a span begins or ends, or the clocks of the place are set. */
function nextChange(spans: readonly Span[], zone: string, at: Instant): Instant {
  const zoned = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone);
  const now = timeOfWeekOf(zoned);
  const ahead = spans.flat().map((edge) => (edge > now ? edge - now : edge + week - now));
  const set = zoned.getTimeZoneTransition("next")?.epochMilliseconds ?? Number.POSITIVE_INFINITY;
  return Math.min(at + Math.min(...ahead), set) as Instant; // milliseconds since the epoch both
}

/** The first moment after this one at which they may begin or end. */
export const changeAfter = (hours: readonly Hours[], at: Instant): Instant =>
  Math.min(...zonesOf(hours).map((zone) => nextChange(spansOf(hours, zone), zone, at))) as Instant; // milliseconds since the epoch all

/** Whether they hold only when the others do; in zones that the others do not name, nobody can say. */
export const holdWithin = (outer: readonly Hours[], inner: readonly Hours[]): boolean =>
  zonesOf(inner).every((zone) => {
    const spans = spansOf(outer, zone);
    return spansOf(inner, zone).every(([from, to]) => spans.some(([first, last]) => first <= from && to <= last));
  });

export const inWords = (hours: readonly Hours[]): string => hours.map(formatHours).join(" or ");

const zonesOf = (hours: readonly Hours[]): readonly string[] => [...new Set(hours.map(({ zone }) => zone))];

const isIn = (spans: readonly Span[], time: number): boolean => spans.some(([from, to]) => from <= time && time < to);

/** Of one zone, in order, none touching another but at the end of the week. */
function spansOf(hours: readonly Hours[], zone: string): readonly Span[] {
  const spans = hours.filter((one) => one.zone === zone).flatMap(weeklyOf);
  const merged: Span[] = [];
  for (const [from, to] of spans.toSorted(([a], [b]) => a - b)) {
    const last = merged.at(-1);
    if (last && from <= last[1]) merged[merged.length - 1] = [last[0], Math.max(last[1], to)];
    else merged.push([from, to]);
  }
  return merged;
}

function weeklyOf(hours: Hours): readonly Span[] {
  const [from, to] = [timeOfDay(hours.from), timeOfDay(hours.to)];
  const length = to > from ? to - from : to + day - from;
  return hours.days.flatMap((one): Span[] => {
    const begin = days.indexOf(one) * day + from;
    const end = begin + length;
    if (end <= week) return [[begin, end]];
    return [
      [begin, week],
      [0, end - week],
    ];
  });
}

function timeOfDay(text: string): number {
  const [hour = 0, past = 0] = text.split(":").map(Number);
  return (hour * 60 + past) * minute;
}

/** Milliseconds since Monday's midnight, as the clocks there show them. */
export const timeOfWeek = (at: Instant, zone: string): number =>
  timeOfWeekOf(Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone));

const timeOfWeekOf = ({ dayOfWeek, hour, minute: past, second, millisecond }: Temporal.ZonedDateTime): number =>
  (dayOfWeek - 1) * day + (hour * 60 + past) * minute + second * 1_000 + millisecond;
