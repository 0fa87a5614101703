/** Milliseconds since the epoch, UTC. */
export type Instant = number & { readonly instant: unique symbol };

export interface Clock {
  /** What the machine says; somebody may set it, forth or back. */
  now(): Instant;
  /** Milliseconds that pass evenly, whatever is done to the clock. Only differences mean anything. */
  elapsed(): number;
}

export const systemClock: Clock = { now: () => Date.now() as Instant, elapsed: () => performance.now() };

/** RFC 3339 in UTC with milliseconds: the one form in which an instant leaves the platform. */
export const rfc3339 = (instant: Instant): string => new Date(instant).toISOString();

/** A whole number of milliseconds that a JavaScript date can hold (ECMA-262, 21.4.1.1) is an instant; anything else is not. */
export function instantOf(milliseconds: number): Instant | undefined {
  return Number.isInteger(milliseconds) && Math.abs(milliseconds) <= 8.64e15 ? (milliseconds as Instant) : undefined;
}

const rfc3339Form = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/i;

/**
 * Reads RFC 3339 with an offset; nothing looser, because a local time means another moment on every machine. A day or an hour that
 * is in no calendar is no time (5.7), and neither is a leap second: on a scale of milliseconds since 1970 nothing lies between :59
 * and :00, and to move a reading to a neighbour would be to make up when it was.
 */
export function parseInstant(text: string): Instant | undefined {
  if (!rfc3339Form.test(text) || !isInCalendar(text)) return undefined;
  const at = Date.parse(text.toUpperCase());
  return Number.isNaN(at) ? undefined : (at as Instant);
}

/** What `Date.parse` lets pass: it takes February 30th for March 2nd, and 24:00 for the day after. */
function isInCalendar(text: string): boolean {
  if (text.startsWith("24", 11)) return false;
  const day = Number(text.slice(8, 10));
  return day <= 28 || day <= daysIn(Number(text.slice(0, 4)), Number(text.slice(5, 7)));
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
