// Hot path: `accept` runs for every message.
import { Refusal, type Fault, type Id, type Instant, type Random } from "@holdfast/kernel";
import { asPlatform, type HighWater, type Permit, type Schema, type Space, type Spaces } from "../authority/index.ts";
import type { Keyring, Storage } from "../storage/index.ts";
import { parseBody, type BodyKind } from "./body.ts";
import { Committer, quotaExceeded, serverUnavailable, type Waiting } from "./committer.ts";
import { Flusher } from "./flusher.ts";
import { chunksIn } from "./postgres.ts";
import { checkTimes, typeOf, type Reading, type Value } from "./reading.ts";
import { replay } from "./replay.ts";
import { Segments } from "./segments.ts";
import { DeviceSeries, Series } from "./series.ts";

/** Undeclared attributes that one device may have. */
const mostUndeclared = 64;

export type Source = { readonly space: Space; readonly device: Id<"device">; readonly via: "mqtt" | "http" };

/** A message that is durable, as observers see it: with the times that the platform gave. */
export type Stored = Source & {
  readonly readings: readonly { readonly time: Instant; readonly values: Reading["values"] }[];
  /** As it came. */
  readonly body: Uint8Array;
  readonly contentType: string | undefined;
};

/** Told of messages in the order of their commits. Asked first, because most messages interest nobody. */
export interface Observer {
  wants(source: Source): boolean;
  stored(stored: Stored): void;
}

type Needs = {
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly spaces: Spaces;
  readonly clock: HighWater;
  readonly random: Random;
  readonly report: (message: string) => void;
};

/** What devices measure: taken, made durable, kept sealed. */
export class Telemetry {
  readonly #needs: Needs;
  readonly #committer: Committer;
  readonly #flusher: Flusher;
  readonly #devices = new Map<Id<"device">, DeviceSeries>();
  readonly #loading = new Map<Id<"device">, Promise<DeviceSeries>>();
  readonly #observers: Observer[] = [];
  readonly #counts = { refused: 0 };
  #closed = false;

  private constructor(needs: Needs, segments: Segments, position: number) {
    this.#needs = needs;
    const { storage, keys, random, clock, report } = needs;
    this.#flusher = new Flusher({ storage, keys, random, clock, segments, report });
    const committed = (series: readonly Series[]) => this.#flusher.committed(series);
    this.#committer = new Committer({ storage, segments, clock, committed, report }, position);
  }

  /** Reads the log again before it takes anything new. */
  static async open(needs: Needs): Promise<Telemetry> {
    const { segments, position, at } = await Segments.open(needs);
    needs.clock.raise(at);
    const telemetry = new Telemetry(needs, segments, position);
    const points = await replay({
      storage: needs.storage,
      spaces: needs.spaces,
      segments,
      prepare: (space, device) => telemetry.prepare(space, device),
      committed: (series) => telemetry.#flusher.committed(series),
      report: needs.report,
    });
    if (points > 100_000) needs.report(`Read the log: ${points.toLocaleString("en")} points.`);
    await segments.begin();
    return telemetry;
  }

  onStored(observer: Observer): void {
    this.#observers.push(observer);
  }

  /** Loads what a device measures, so that `accept` can judge at once. */
  async prepare(space: Space, device: Id<"device">): Promise<DeviceSeries> {
    const there = this.#devices.get(device);
    if (there) {
      there.space = space;
      return there;
    }
    let loading = this.#loading.get(device);
    if (!loading) {
      loading = this.#load(space, device).finally(() => this.#loading.delete(device));
      this.#loading.set(device, loading);
    }
    return loading;
  }

  /**
   * Judges a message at once. `undefined`: it was taken, and `waiting` hears when it is durable or why it is not. A refusal: nothing
   * of it is kept. A device that was not prepared is judged later, through `waiting`.
   */
  accept(source: Source, body: Uint8Array, kind: BodyKind, waiting: Waiting): Refusal | undefined {
    try {
      if (this.#closed) throw new Refusal("stopping");
      this.#committer.admit();
      const state = this.#devices.get(source.device);
      if (state?.space === source.space) this.#take(state, source, body, kind, waiting);
      else void this.#later(source, body, kind, waiting);
      return undefined;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#counts.refused += 1;
      return error;
    }
  }

  /** For HTTP. Answers how many readings are durable now. */
  async send(permit: Permit<"telemetry.write">, body: Uint8Array, contentType: string): Promise<number> {
    const space = await this.#needs.spaces.of(permit.scope.org);
    const state = await this.prepare(space, permit.on);
    if (this.#closed) throw new Refusal("stopping");
    this.#committer.admit();
    return new Promise((resolve, reject) => {
      const source: Source = { space, device: permit.on, via: "http" };
      try {
        const readings = this.#take(
          state,
          source,
          body,
          { contentType },
          {
            settle: (code, reason) => (code === 0 ? resolve(readings) : reject(refusalOfCode(code, reason))),
          },
        );
      } catch (error) {
        if (error instanceof Refusal) this.#counts.refused += 1;
        reject(error);
      }
    });
  }

  /** The series of a device, for whoever may read them. */
  async seriesOf(permit: Permit<"telemetry.read">): Promise<DeviceSeries> {
    return this.prepare(await this.#needs.spaces.of(permit.scope.org), permit.on);
  }

  /** Why nothing can be kept at the moment. */
  unready(): Refusal | undefined {
    try {
      this.#committer.admit();
      return undefined;
    } catch (error) {
      if (error instanceof Refusal) return error;
      throw error;
    }
  }

  get statistics() {
    return {
      ...this.#committer.statistics,
      refused: this.#counts.refused,
      waitingBytes: this.#committer.waitingBytes,
      series: this.#flusher.dirty,
      chunks: this.#flusher.statistics.chunks,
      chunkPoints: this.#flusher.statistics.points,
      chunkBytes: this.#flusher.statistics.bytes,
    };
  }

  /** Writes what waits in the log to chunks, whatever its size. */
  async compact(): Promise<void> {
    await this.#committer.drain();
    await this.#flusher.flushAll();
  }

  /** Takes nothing more, and ends when what was taken is durable. The log keeps what is not in chunks. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#committer.drain();
    await this.#flusher.idle();
  }

  async #load(space: Space, device: Id<"device">): Promise<DeviceSeries> {
    const state = new DeviceSeries(space, device);
    await this.#needs.storage.read(asPlatform(space.scope), async (unit) => {
      for (const series of await chunksIn(unit).seriesOf(state)) state.byName.set(series.name, series);
    });
    this.#devices.set(device, state);
    return state;
  }

  async #later(source: Source, body: Uint8Array, kind: BodyKind, waiting: Waiting): Promise<void> {
    const copy = body.slice();
    try {
      const state = await this.prepare(source.space, source.device);
      this.#committer.admit();
      this.#take(state, source, copy, kind, waiting);
    } catch (error) {
      this.#counts.refused += 1;
      if (error instanceof Refusal) waiting.settle(codeOf(error), error.message);
      else waiting.settle(serverUnavailable);
    }
  }

  /** Checks the whole message before the first point of it is written. Answers how many readings it has. */
  #take(state: DeviceSeries, source: Source, body: Uint8Array, kind: BodyKind, waiting: Waiting): number {
    const { space } = source;
    const placement = space.device(source.device);
    if (!placement) throw new Refusal("device.unknown");
    if (placement.state !== "active")
      throw new Refusal(placement.state === "retired" ? "device.retired" : "device.suspended");
    const now = this.#needs.clock.now();
    const readings = parseBody(body, now, kind);
    checkTimes(readings, now);
    checkTypes(state, readings, placement.product && space.product(placement.product));

    const batch = this.#committer.begin(space.org);
    const before = batch.writer.byteLength;
    const wanted = this.#observers.filter((observer) => observer.wants(source));
    const told: { time: Instant; values: Reading["values"] }[] = [];
    for (const { time, values } of readings) {
      const at = time ?? this.#give(state, now);
      batch.writer.reading(source.device, now, at, time === undefined ? "platform" : "device", values.length);
      for (const [name, value] of values) {
        batch.writer.value(name, value);
        batch.series.push(seriesFor(state, name, value));
        batch.times.push(at);
        batch.values.push(value);
      }
      if (wanted.length > 0) told.push({ time: at, values });
    }
    const after =
      wanted.length === 0
        ? undefined
        : () =>
            wanted.forEach((observer) =>
              observer.stored({ ...source, readings: told, body, contentType: kind.contentType }),
            );
    this.#committer.end(batch, before, waiting, after);
    return readings.length;
  }

  /** Strictly later than the one before, so that no two readings without a time of their own fall together. */
  #give(state: DeviceSeries, now: Instant): Instant {
    const given = Math.max(now, state.lastGiven + 1) as Instant; // whole milliseconds both
    state.lastGiven = given;
    return given;
  }
}

function seriesFor(state: DeviceSeries, name: string, value: Value): Series {
  let series = state.byName.get(name);
  if (!series) state.byName.set(name, (series = new Series(state, name, typeOf(value))));
  return series;
}

/** A value must have the type that its product declares and that its series has; what is not declared is welcome up to a limit. */
function checkTypes(state: DeviceSeries, readings: readonly Reading[], schema: Schema | undefined): void {
  let fresh: Map<string, string> | undefined;
  for (const { values } of readings) {
    for (const [name, value] of values) {
      const type = typeOf(value);
      const declared = schema?.types.get(name);
      const expected = declared ?? state.byName.get(name)?.type ?? fresh?.get(name);
      if (expected !== undefined && expected !== type) throw wrongType(name, expected, type);
      const kept = state.byName.get(name)?.type;
      if (kept !== undefined && kept !== type) throw wrongType(name, kept, type);
      if (declared !== undefined || kept !== undefined) continue;
      if (schema?.strict) throw named("telemetry.undeclared", name);
      (fresh ??= new Map()).set(name, type);
    }
  }
  if (!fresh) return;
  let undeclared = fresh.size;
  for (const name of state.byName.keys()) if (!schema?.types.has(name)) undeclared += 1;
  if (undeclared > mostUndeclared) throw named("telemetry.tooManyAttributes", [...fresh.keys()][0] ?? "");
}

const shown = (name: string): string => JSON.stringify(name.slice(0, 128)).slice(1, -1);

const wrongType = (name: string, expected: string, type: string): Refusal =>
  new Refusal("telemetry.wrongType", {
    detail: `"${shown(name)}" is a ${expected}, and this is a ${type}.`,
    faults: [{ path: shown(name), message: `is a ${expected}, and this is a ${type}` } satisfies Fault],
  });

const named = (code: "telemetry.undeclared" | "telemetry.tooManyAttributes", name: string): Refusal =>
  new Refusal(code, { detail: `It is "${shown(name)}".`, faults: [{ path: shown(name), message: "not declared" }] });

/** The way a refusal travels to whoever waits: as the code that MQTT knows. */
export function codeOf({ code }: Refusal): number {
  if (code === "storage.full") return quotaExceeded;
  return code === "storage.unavailable" || code === "keyring.unreachable" || code === "stopping"
    ? serverUnavailable
    : 0x99; // payload format invalid
}

const refusalOfCode = (code: number, reason: string | undefined): Refusal =>
  new Refusal(code === quotaExceeded ? "storage.full" : "storage.unavailable", {
    retryAfterSeconds: 2,
    ...(reason !== undefined && { cause: reason }),
  });
