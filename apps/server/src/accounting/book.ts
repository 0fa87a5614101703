// Hot path: what counts a message is two additions in an object that its connection holds. Everything else is done in a round.
import type { Id, Instant } from "@holdfast/kernel";
import type { Cause, ConnectionRecord, Ended, Origin, Whose } from "./connection.ts";
import { add, counted, nothing, silence, type Counts, type Traffic } from "./counts.ts";
import { startOf } from "./period.ts";

/** Milliseconds after which a meter that stands still is forgotten: whoever held it for a request or a commit has let go by then. */
const idleAfter = 900_000;

/** What somebody does by one way, in the name of one device. Counted since the start of the platform; `take` makes hours of it. */
export class Meter {
  readonly whose: Whose;
  requests = 0;
  points = 0;
  bytesIn = 0;
  bytesOut = 0;
  readonly lines = new Set<Line>();
  /** As much of the above as is in hours. */
  readonly taken = { requests: 0, points: 0, bytesIn: 0, bytesOut: 0 };
  /** Each hour as it stands, until it is over and written down. */
  readonly hours = new Map<Instant, Counts>();
  /** Hours that the database has not got as they stand. */
  readonly changed = new Set<Instant>();
  movedAt: Instant;
  /** Whoever holds it has to ask for another. */
  isForgotten = false;

  constructor(whose: Whose, now: Instant) {
    this.whose = whose;
    this.movedAt = now;
  }
}

/** One open connection, and one that is over until that is written down. */
export class Line {
  readonly id: Id<"connection">;
  readonly meter: Meter;
  readonly origin: Origin;
  readonly person: Id<"person"> | undefined;
  readonly beganAt: Instant;
  /** Whoever speaks the protocol counts in it, until the connection is over. */
  counters: Readonly<Traffic>;
  /** As much of it as is in hours. */
  taken: Traffic = silence();
  isCounted = false;
  ended: Ended | undefined;
  /** Whether the database has a row of it, and whether that says all. */
  isKept = false;
  hasChanged = true;

  constructor(needs: Pick<Line, "id" | "meter" | "origin" | "person" | "beganAt" | "counters">) {
    this.id = needs.id;
    this.meter = needs.meter;
    this.origin = needs.origin;
    this.person = needs.person;
    this.beganAt = needs.beganAt;
    this.counters = needs.counters;
  }
}

export type HourRow = { readonly hour: Instant; readonly whose: Whose; readonly counts: Readonly<Counts> };
export type LineRow = ConnectionRecord & { readonly isKept: boolean };

/** What is written in one transaction: connections, and the hours that hold all that they have had. Every number is how it stands, so writing it twice is writing it once. */
export type Page = { readonly hours: readonly HourRow[]; readonly lines: readonly LineRow[] };

export type Written = Page & { readonly meters: readonly Meter[] };

/** What one organisation uses, in memory. Pure: whoever writes it down says `kept`. */
export class Book {
  readonly #meters = new Map<string, Meter>();
  #open = 0;
  #unwritten = 0;
  #month: Instant;
  #used = nothing();

  constructor(now: Instant) {
    this.#month = startOf("month", now);
  }

  /** Connections that are open. */
  get open(): number {
    return this.#open;
  }

  /** Connections that are over, and stand in memory alone. */
  get unwritten(): number {
    return this.#unwritten;
  }

  /** What the month has used, as of the last `take`; and when it began. */
  get month(): { readonly from: Instant; readonly used: Readonly<Counts> } {
    return { from: this.#month, used: this.#used };
  }

  /** What servers before this one had counted in this month. */
  carryOver(month: Instant, used: Readonly<Counts>): void {
    if (month === this.#month) add(this.#used, used);
  }

  meter(whose: Whose, now: Instant): Meter {
    const name = `${whose.over} ${whose.credential} ${whose.device ?? ""} ${whose.application ?? ""}`;
    let meter = this.#meters.get(name);
    if (!meter) this.#meters.set(name, (meter = new Meter(whose, now)));
    return meter;
  }

  begin(line: Line): Line {
    line.meter.lines.add(line);
    this.#open += 1;
    return line;
  }

  /** A second time changes nothing. */
  end(line: Line, at: Instant, cause: Cause): void {
    if (line.ended) return;
    const { messagesIn, messagesOut, bytesIn, bytesOut } = line.counters;
    line.counters = { messagesIn, messagesOut, bytesIn, bytesOut };
    line.ended = { at, cause };
    line.hasChanged = true;
    this.#open -= 1;
    this.#unwritten += 1;
  }

  /** Puts what was counted since the last time into the hour and the month that it is now. */
  take(now: Instant): void {
    const month = startOf("month", now);
    if (month > this.#month) {
      this.#month = month;
      this.#used = nothing();
    }
    const hour = startOf("hour", now);
    for (const meter of this.#meters.values()) {
      const more = takeFrom(meter);
      if (!more) continue;
      meter.movedAt = now;
      let counts = meter.hours.get(hour);
      if (!counts) meter.hours.set(hour, (counts = nothing()));
      add(counts, more);
      add(this.#used, more);
      meter.changed.add(hour);
    }
  }

  /** In the turn of `take`: what the database has not got, in pieces of about so many rows, a connection never without its hours. */
  pages(most: number): readonly Written[] {
    const pages: Written[] = [];
    let meters: Meter[] = [];
    let hours: HourRow[] = [];
    let lines: LineRow[] = [];
    for (const meter of this.#meters.values()) {
      const before = hours.length + lines.length;
      for (const hour of meter.changed) {
        const counts = meter.hours.get(hour);
        if (counts) hours.push({ hour, whose: meter.whose, counts: { ...counts } });
      }
      for (const line of meter.lines) if (line.hasChanged && line.isCounted) lines.push(rowOf(line));
      if (hours.length + lines.length === before) continue;
      meters.push(meter);
      if (hours.length + lines.length < most) continue;
      pages.push({ hours, lines, meters });
      [meters, hours, lines] = [[], [], []];
    }
    if (meters.length > 0) pages.push({ hours, lines, meters });
    return pages;
  }

  /** The page is durable. Nothing was taken since it was made. */
  kept({ meters, lines }: Written): void {
    const over = new Map(lines.map(({ id, ended }) => [id, ended !== undefined]));
    for (const meter of meters) {
      const latest = Math.max(...meter.hours.keys());
      meter.changed.clear();
      for (const hour of meter.hours.keys()) if (hour < latest) meter.hours.delete(hour);
      for (const line of meter.lines) {
        const isOver = over.get(line.id);
        if (isOver === undefined) continue;
        line.isKept = true;
        // It may have ended while its page was on its way.
        line.hasChanged = !isOver && line.ended !== undefined;
        if (!isOver) continue;
        meter.lines.delete(line);
        this.#unwritten -= 1;
      }
    }
  }

  /** Meters that have stood still for long need no memory. Not within their hour: what it has is written as a whole. */
  forgetIdle(now: Instant): void {
    const hour = startOf("hour", now);
    for (const [name, meter] of this.#meters) {
      const { lines, changed, movedAt } = meter;
      if (lines.size > 0 || changed.size > 0 || movedAt >= hour || now - movedAt <= idleAfter) continue;
      meter.isForgotten = true;
      this.#meters.delete(name);
    }
  }
}

/** What a meter and its connections counted since the last time; `undefined` where that is nothing. */
function takeFrom(meter: Meter): Counts | undefined {
  const more = nothing();
  const { taken } = meter;
  for (const name of ["requests", "points", "bytesIn", "bytesOut"] as const) {
    more[name] = meter[name] - taken[name];
    taken[name] = meter[name];
  }
  for (const line of meter.lines) takeFromLine(line, more);
  return counted.some((name) => more[name] !== 0) ? more : undefined;
}

function takeFromLine(line: Line, more: Counts): void {
  const { counters, taken } = line;
  if (!line.isCounted) more.connections += 1;
  else if (
    counters.bytesIn === taken.bytesIn &&
    counters.bytesOut === taken.bytesOut &&
    counters.messagesIn === taken.messagesIn &&
    counters.messagesOut === taken.messagesOut
  )
    return;
  line.isCounted = true;
  more.messagesIn += counters.messagesIn - taken.messagesIn;
  more.messagesOut += counters.messagesOut - taken.messagesOut;
  more.bytesIn += counters.bytesIn - taken.bytesIn;
  more.bytesOut += counters.bytesOut - taken.bytesOut;
  const { messagesIn, messagesOut, bytesIn, bytesOut } = counters;
  line.taken = { messagesIn, messagesOut, bytesIn, bytesOut };
  line.hasChanged = true;
}

const rowOf = ({ id, meter, origin, person, beganAt, ended, taken, isKept }: Line): LineRow => ({
  id,
  ...meter.whose,
  ...origin,
  ...taken,
  person,
  beganAt,
  ended,
  isKept,
});
