import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { newId, systemRandom, type Id, type Instant } from "@holdfast/kernel";
import { Book, Line, type Page } from "./book.ts";
import { causes, type Whose } from "./connection.ts";
import { add, counted, nothing, silence, type Counts, type Traffic } from "./counts.ts";

const minute = 60_000;
const hour = 60 * minute;
const noon = Date.UTC(2026, 0, 31, 12) as Instant;
const later = (milliseconds: number) => (noon + milliseconds) as Instant;

const device = newId("device", systemRandom);
const credentials = [newId("key", systemRandom), newId("key", systemRandom), newId("token", systemRandom)];
const whose = (which: number): Whose => ({
  over: "mqtt",
  credential: credentials[which % credentials.length] ?? newId("key", systemRandom),
  application: undefined,
  device: which % 2 === 0 ? device : undefined,
});

/** What PostgreSQL does with a page: every row is set to what it says. */
class Kept {
  readonly lines = new Map<Id<"connection">, Page["lines"][number]>();
  readonly hours = new Map<string, { readonly hour: Instant; readonly counts: Readonly<Counts> }>();

  save(run: number, { lines, hours }: Page): void {
    for (const line of lines) this.lines.set(line.id, line);
    for (const { hour: at, whose: who, counts } of hours)
      this.hours.set(`${run} ${at} ${JSON.stringify(who)}`, { hour: at, counts });
  }

  /** A new server: whoever was open is not any more. */
  restart(at: Instant): void {
    for (const [id, line] of this.lines)
      if (!line.ended) this.lines.set(id, { ...line, ended: { at, cause: "crash" } });
  }

  ofLines(): Traffic & { connections: number } {
    const sum = { connections: this.lines.size, ...silence() };
    for (const line of this.lines.values()) for (const name of traffic) sum[name] += line[name];
    return sum;
  }

  ofHours(): Counts {
    const sum = nothing();
    for (const { counts } of this.hours.values()) add(sum, counts);
    return sum;
  }
}
const traffic = ["messagesIn", "messagesOut", "bytesIn", "bytesOut"] as const;

type Open = { line: Line; counters: Traffic };

function begin(book: Book, which: number, now: Instant): Open {
  const counters = silence();
  const line = new Line({
    id: newId("connection", systemRandom),
    meter: book.meter(whose(which), now),
    origin: { address: "192.0.2.7", transport: "mqtts" },
    person: undefined,
    beganAt: now,
    counters,
  });
  return { line: book.begin(line), counters };
}

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ what: fc.constant("begin" as const), which: fc.nat(5) }) },
  { weight: 8, arbitrary: fc.record({ what: fc.constant("send" as const), which: fc.nat(), bytes: fc.nat(5_000) }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant("end" as const), which: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant("points" as const), which: fc.nat(5), points: fc.nat(9) }) },
  { weight: 4, arbitrary: fc.record({ what: fc.constant("wait" as const), milliseconds: fc.nat(2 * hour) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant("round" as const),
      // The database may be away, or what was done may be lost on the way back.
      outcomes: fc.array(fc.constantFrom("kept", "lost", "unknown")),
    }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("kill" as const) }) },
);

test("the sums of connections equal the sums of hours, whoever comes, goes and is killed when", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const database = new Kept();
      let [now, run, book, open] = [noon, 1, new Book(noon), [] as Open[]];
      let [said, lastPoints] = [nothing(), 0];
      const check = () => {
        const hours = database.ofHours();
        for (const [name, sum] of Object.entries(database.ofLines()))
          assert.equal(sum, hours[name as keyof Counts], name); // names of counts
      };
      const round = (outcomes: readonly string[]) => {
        book.take(now);
        book.pages(3).forEach((page, at) => {
          const outcome = outcomes[at] ?? "kept";
          if (outcome !== "lost") database.save(run, page);
          check();
          if (outcome === "kept") book.kept(page);
        });
        book.forgetIdle(now);
      };
      for (const one of steps) {
        switch (one.what) {
          case "begin":
            open.push(begin(book, one.which, now));
            said.connections += 1;
            break;
          case "send": {
            const counters = open[one.which % Math.max(1, open.length)]?.counters;
            if (!counters) break;
            counters.messagesIn += 1;
            counters.bytesIn += one.bytes;
            said.messagesIn += 1;
            said.bytesIn += one.bytes;
            break;
          }
          case "end": {
            const [gone] = open.splice(one.which % Math.max(1, open.length), 1);
            if (gone) book.end(gone.line, now, causes[one.which % causes.length] ?? "fault");
            break;
          }
          case "points":
            book.meter(whose(one.which), now).points += one.points;
            lastPoints += one.points;
            break;
          case "wait":
            now = (now + one.milliseconds) as Instant;
            break;
          case "round":
            round(one.outcomes);
            break;
          case "kill":
            database.restart(now);
            [book, open, run, lastPoints] = [new Book(now), [], run + 1, 0];
            said = database.ofHours();
            check();
            break;
        }
      }
      round([]);
      const hours = database.ofHours();
      assert.equal(database.lines.size, hours.connections);
      for (const name of ["connections", "messagesIn", "bytesIn"] as const) assert.equal(hours[name], said[name], name);
      assert.equal(hours.points, said.points + lastPoints);
      assert.equal(book.open, open.length);
      assert.equal(book.unwritten, 0);
    }),
    { numRuns: 500 },
  );
});

test("what is counted belongs to the hour of the round, and of the month the sum is known without asking", () => {
  const book = new Book(noon);
  const { line, counters } = begin(book, 0, noon);
  counters.bytesOut = 10;
  book.take(later(hour - 1));
  counters.bytesOut = 25;
  book.take(later(hour));
  assert.deepEqual(
    book.pages(100).flatMap(({ hours }) => hours.map(({ hour: at, counts }) => [at, counts.bytesOut])),
    [
      [noon, 10],
      [later(hour), 15],
    ],
  );
  assert.equal(book.month.used.bytesOut, 25);
  counters.bytesOut = 26;
  book.take(later(12 * hour)); // it is February
  assert.equal(book.month.used.bytesOut, 1);
  assert.equal(book.month.from, later(12 * hour));
  book.end(line, later(12 * hour), "goodbye");
});

test("what is written twice, because nobody knows whether it was written, counts once", () => {
  const [book, database] = [new Book(noon), new Kept()];
  const { counters } = begin(book, 0, noon);
  counters.messagesIn = 3;
  for (let times = 0; times < 2; times += 1) {
    book.take(noon);
    for (const page of book.pages(100)) database.save(1, page);
  }
  assert.equal(database.ofHours().messagesIn, 3);
  assert.equal(database.ofHours().connections, 1);
});

test("who counts on after its end counts nowhere", () => {
  const [book, database] = [new Book(noon), new Kept()];
  const { line, counters } = begin(book, 0, noon);
  counters.bytesIn = 5;
  book.end(line, noon, "broken");
  counters.bytesIn = 50;
  book.take(noon);
  for (const page of book.pages(100)) database.save(1, page);
  assert.equal(database.ofLines().bytesIn, 5);
  assert.equal(counted.length, Object.keys(database.ofHours()).length);
});
