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

/** Reads RFC 3339 with an offset; nothing looser, because a local time means another moment on every machine. */
export function parseInstant(text: string): Instant | undefined {
  if (!rfc3339Form.test(text)) return undefined;
  const at = Date.parse(text.toUpperCase());
  return Number.isNaN(at) ? undefined : (at as Instant);
}
