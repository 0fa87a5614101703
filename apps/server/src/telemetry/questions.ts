import { Refusal, type Clock, type Id, type Instant, type Random } from "@holdfast/kernel";
import type { Aggregate, Fill, Step } from "@holdfast/protocol";
import { permitsWithin, readableAttributes, readerOf, type Permit, type Reach } from "../authority/index.ts";
import type { Keyring, Storage } from "../storage/index.ts";
import { Budget, mostDecoded, mostItems, tooManyItems, tooManyPoints } from "./budget.ts";
import { Buckets, sortedBy, type Bucket } from "./buckets.ts";
import type { Decoding } from "./decoding.ts";
import { filled, type Filled } from "./filling.ts";
import { inTurns } from "./in-turns.ts";
import { monthOf, largestChunk } from "./parts.ts";
import { pointAt, type Point, type Points } from "./points.ts";
import { chunksIn } from "./postgres.ts";
import { newestOf } from "./query.ts";
import { readParts, type Asked } from "./reader.ts";
import type { ValueType } from "./value.ts";
import type { Series } from "./series.ts";
import type { Telemetry } from "./telemetry.ts";
import { Thinning } from "./thinning.ts";
import { Windows } from "./windows.ts";

/** Which devices: all that is said has to hold. */
export type Which = {
  readonly devices?: readonly Id<"device">[] | undefined;
  readonly application?: Id<"application"> | undefined;
  readonly product?: Id<"product"> | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
};

export type Question = {
  readonly attributes: readonly string[];
  readonly from: Instant;
  /** Now, when nobody says. */
  readonly to?: Instant | undefined;
  readonly every?: Step | undefined;
  readonly aggregates?: readonly Aggregate[] | undefined;
  readonly fill: Fill;
  readonly timezone?: string | undefined;
  readonly by: "device" | "attribute";
  readonly width?: number | undefined;
};

export type Item = Point | Bucket | Filled;
export type Answer = {
  /** None where all devices of an attribute are together. */
  readonly device: Id<"device"> | undefined;
  readonly attribute: string;
  readonly type: ValueType;
  readonly items: readonly Item[];
};

/** A series that somebody may read. */
export type Readable = { readonly permit: Permit<"telemetry.read">; readonly series: Series };

type Needs = {
  readonly telemetry: Telemetry;
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly random: Random;
  readonly clock: Clock;
  readonly decoding: Decoding;
};

/** Series that are read at the same time: PostgreSQL answers about one while another is looked at. */
const atOnce = 4;

/** The newest point of an attribute. */
export type Latest = { readonly device: Id<"device">; readonly attribute: string; readonly point: Point };

/** Questions about several devices and attributes at once. Nobody is answered about what he may not read, nor told that it is there. */
export class Questions {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** @throws Refusal `telemetry.tooMuch`, `telemetry.range`, `telemetry.noAggregate` */
  async ask(reach: Reach<"telemetry.read">, which: Which, question: Question): Promise<readonly Answer[]> {
    return this.answer(permitsFor(reach, which), question);
  }

  /** The newest point of each of these attributes, or of all. */
  async latest(
    reach: Reach<"telemetry.read">,
    which: Which,
    attributes: readonly string[] | undefined,
  ): Promise<readonly Latest[]> {
    return this.latestOf(permitsFor(reach, which), attributes);
  }

  /** As `latest`, of devices that were asked about already. */
  async latestOf(
    permits: readonly Permit<"telemetry.read">[],
    attributes: readonly string[] | undefined,
  ): Promise<readonly Latest[]> {
    const all = await this.readable(permits, attributes);
    if (all.length > mostItems) throw tooManyItems(all.length, { from: 0, to: 0, series: all.length });
    const points = await inTurns(all, atOnce, ({ permit, series }) => newestOf(this.#needs, permit, series));
    return all.flatMap(({ permit, series }, at) => {
      const point = points[at];
      return point ? [{ device: permit.on, attribute: series.name, point }] : [];
    });
  }

  /** As `ask`, about devices that were asked about already. */
  async answer(permits: readonly Permit<"telemetry.read">[], question: Question): Promise<readonly Answer[]> {
    const { from, every, width, by } = question;
    const to = question.to ?? this.#needs.clock.now();
    if (from >= to) throw new Refusal("telemetry.range");
    const all = await this.readable(permits, question.attributes);
    const groups = by === "device" ? all.map((one) => [one]) : together(all);
    const range = { from, to };
    const answers = await (every !== undefined
      ? this.#aggregates(groups, { ...question, ...range, every })
      : width !== undefined
        ? this.#thinned(all, { ...range, width })
        : this.#points(all, range));
    // What was measured in the times of others alone is answered like what was never measured.
    return permits.some((permit) => readerOf(permit)) ? answers.filter(({ items }) => items.length > 0) : answers;
  }

  /** The series of these attributes, or of all, by device and attribute, of which those that are hidden are none. */
  async readable(
    permits: readonly Permit<"telemetry.read">[],
    attributes: readonly string[] | undefined,
  ): Promise<readonly Readable[]> {
    const known = await this.#needs.telemetry.seriesOfMany(permits);
    const all: Readable[] = [];
    for (const permit of permits) {
      const byName = known.get(permit.on)?.byName;
      if (!byName) continue;
      const mayRead = readableAttributes(permit);
      for (const name of attributes ?? [...byName.keys()].toSorted()) {
        const series = byName.get(name);
        if (series && (!mayRead || mayRead(name))) all.push({ permit, series });
      }
    }
    return all;
  }

  /** About how many points there are: those of chunks that only reach into the range are counted, too. */
  async estimate(all: readonly Readable[], asked: { from: number; to: number }): Promise<number> {
    const seen = all.flatMap(({ permit, series }) => {
      const { periods } = series.device;
      const range = { from: Math.max(asked.from, series.keptFrom), to: asked.to, user: readerOf(permit) };
      return periods.within(range).map((shown) => ({ ...shown, series, hidden: periods.hidden(shown.only) }));
    });
    let points = 0;
    for (const { series, from, to, only } of seen)
      points += series.buffer.countBetween(from, to, series.device.periods.isHiddenAt(only));
    const [first] = all;
    if (!first) return 0;
    for (const some of Map.groupBy(seen, ({ from, to, hidden }) => `${from} ${to} ${hidden.join()}`).values()) {
      const ids = some.flatMap(({ series: { id } }) => id ?? []);
      const [{ from, to, hidden } = { from: 0, to: 0, hidden: [] }] = some;
      if (ids.length === 0 || from >= to) continue;
      const range = { since: monthOf(from).first, from, to, hidden };
      points += await this.#needs.storage.read(first.permit, (unit) => chunksIn(unit).count(ids, range));
    }
    return points;
  }

  #parts({ permit, series }: Readable, range: Pick<Asked, "from" | "to" | "rollUpSince" | "budget">) {
    return readParts(this.#needs, { allowed: permit, series, ...range });
  }

  /** Every point, one part of a series behind the other. */
  async *points(one: Readable, range: { from: number; to: number }): AsyncGenerator<Points> {
    for await (const part of this.#parts(one, { ...range, rollUpSince: Infinity })) if ("type" in part) yield part;
  }

  async #aggregates(
    groups: readonly (readonly Readable[])[],
    question: Question & { readonly to: Instant; readonly every: Step },
  ): Promise<readonly Answer[]> {
    const { from, to, every, timezone, fill, aggregates = ["avg"] } = question;
    const windows = new Windows(every, timezone);
    const count = groups.reduce((sum, group) => sum + group.length, 0);
    const asked = { from, to, every, aggregates, series: count };
    const cells = windows.countBetween(from, to) * groups.length;
    if (fill !== "none" && cells > mostItems) throw tooManyItems(cells, { ...asked, series: groups.length });
    const mustDecode = new Buckets(windows, aggregates).rollUpSince === Infinity;
    if (mustDecode) await this.#refuseTooMany(groups.flat(), asked);
    const budget = new Budget(asked);
    const starts = fill === "none" ? undefined : [...windows.between(from, to)].map(({ start }) => start);
    let items = 0;
    return inTurns(groups, atOnce, async (group) => {
      // Windows remember where they were asked last, which is another place for each series.
      const buckets = new Buckets(new Windows(every, timezone), aggregates);
      for (const one of group) {
        const range = { from, to, rollUpSince: buckets.rollUpSince, budget };
        for await (const part of this.#parts(one, range)) buckets.add(part);
      }
      items += starts?.length ?? buckets.count;
      if (items > mostItems) throw tooManyItems(items, { ...asked, series: groups.length });
      const found = await buckets.at(
        buckets.starts().toSorted((a, b) => a - b),
        sortedBy(this.#needs.decoding),
      );
      const isNothing = found.length === 0 && group.some(({ permit }) => readerOf(permit));
      return answerOf(group, {
        isTogether: question.by === "attribute",
        items:
          fill === "none" || !starts || isNothing ? found : await filled(starts, byTime(found), { fill, aggregates }),
      });
    });
  }

  async #thinned(
    all: readonly Readable[],
    { from, to, width }: { from: Instant; to: Instant; width: number },
  ): Promise<readonly Answer[]> {
    const asked = { from, to, series: all.length };
    if (all.length * width * 4 > 4 * mostItems) throw tooManyItems(all.length * width * 4, asked);
    const mustDecode = new Thinning({ from, to, width }).rollUpSince === Infinity;
    if (mustDecode) await this.#refuseTooMany(all, asked);
    const budget = new Budget(asked);
    return inTurns(all, atOnce, async (one) => {
      const thinning = new Thinning({ from, to, width });
      const range = { from, to, rollUpSince: thinning.rollUpSince, budget };
      for await (const part of this.#parts(one, range)) thinning.add(part);
      return answerOf([one], { items: thinning.points() });
    });
  }

  async #points(all: readonly Readable[], range: { from: Instant; to: Instant }): Promise<readonly Answer[]> {
    const asked = { ...range, series: all.length };
    let items = await this.estimate(all, range);
    // Two chunks of each may only reach into the range: whether that is too much shows when they are read.
    if (items > mostItems + all.length * 2 * largestChunk) throw tooManyItems(items, asked);
    items = 0;
    return inTurns(all, atOnce, async (one) => {
      const points: Point[] = [];
      for await (const part of this.points(one, range)) {
        items += part.times.length;
        if (items > mostItems) throw tooManyItems(items, asked);
        for (let at = 0; at < part.times.length; at++) points.push(pointAt(part, at));
      }
      return answerOf([one], { items: points });
    });
  }

  async #refuseTooMany(all: readonly Readable[], asked: ConstructorParameters<typeof Budget>[0]): Promise<void> {
    const points = await this.estimate(all, asked);
    if (points > mostDecoded) throw tooManyPoints(points, asked);
  }
}

export const permitsFor = (reach: Reach<"telemetry.read">, which: Which): readonly Permit<"telemetry.read">[] => {
  const { devices, application, product, tags = {} } = which;
  const named = devices && new Set(devices);
  const wanted = Object.entries(tags);
  return permitsWithin(
    reach,
    (id, placement) =>
      (named === undefined || named.has(id)) &&
      (application === undefined || placement.application === application) &&
      (product === undefined || placement.product === product) &&
      wanted.every(([key, value]) => placement.tags[key] === value),
  );
};

const byTime = (buckets: readonly Bucket[]): ReadonlyMap<number, Bucket> =>
  new Map(buckets.map((bucket) => [bucket.time, bucket]));

/** All of one attribute and type: an attribute may be a number here and a text there. */
const together = (all: readonly Readable[]): readonly (readonly Readable[])[] => [
  ...Map.groupBy(all, ({ series }) => `${series.type} ${series.name}`).values(),
];

function answerOf(
  group: readonly Readable[],
  { isTogether = false, items }: { isTogether?: boolean; items: readonly Item[] },
): Answer {
  const [first] = group;
  if (!first) throw new RangeError("a group has a series");
  const { permit, series } = first;
  return { device: isTogether ? undefined : permit.on, attribute: series.name, type: series.type, items };
}
