// Hot path: `accept` runs for every message.
import { because, Refusal, systemTimers, type Id, type Timers } from "@holdfast/kernel";
import type { Permit, Space } from "../authority/index.ts";
import { serverUnavailable, type Waiting } from "./batch.ts";
import { parseBody, type BodyKind } from "./body.ts";
import type { Memory } from "./buffer.ts";
import { codeOf, refusalOfCode } from "./codes.ts";
import { Committer } from "./committer.ts";
import { Devices } from "./devices.ts";
import { meet } from "./door.ts";
import { Erasures } from "./erasures.ts";
import { faultOf, refusalIn } from "./fault.ts";
import { Flusher } from "./flusher.ts";
import { giveTime, passTime } from "./given.ts";
import { MessageSeals } from "./message-seals.ts";
import type { TelemetryNeeds } from "./needs.ts";
import { isBrought, together, type Carrier, type Observer, type Sender, type Source, type Stored } from "./observer.ts";
import { inflated } from "./inflate.ts";
import { checkTimes } from "./reading.ts";
import { noStore, type Cold } from "./reader.ts";
import { replay } from "./replay.ts";
import { checkSchema } from "./schema.ts";
import { Segments } from "./segments.ts";
import { Retentions } from "./retentions.ts";
import type { DeviceSeries, Series } from "./series.ts";
import { typeOf, type ValueType } from "./value.ts";

/** Milliseconds between two looks at what is due. */
const roundEvery = 1_000;
/** Bytes of messages that may wait for their device to be read. */
const mostLater = 16 * 1024 * 1024;

/** What devices measure: taken, made durable, kept sealed. */
export class Telemetry {
  readonly #needs: TelemetryNeeds;
  readonly #timers: Timers;
  readonly #segments: Segments;
  readonly #committer: Committer;
  readonly #flusher: Flusher;
  readonly #devices: Devices;
  readonly retentions: Retentions;
  readonly erasures: Erasures;
  readonly messageSeals: MessageSeals;
  readonly cold: Cold;
  readonly #memory: Memory;
  readonly #observers: Observer[] = [];
  #carrier: Carrier | undefined;
  #recorded: (org: Id<"org">, bytes: number) => void = () => undefined;
  #refused = 0;
  #marked = 0;
  #laterBytes = 0;
  #round = { cancel() {} };
  #isClosed = false;

  private constructor(needs: TelemetryNeeds, segments: Segments, position: number) {
    const { storage, spaces, sizes, timers = systemTimers } = needs;
    const memory = (this.#memory = { bytes: 0 });
    this.#needs = needs;
    this.#timers = timers;
    this.#segments = segments;
    const retentions = (this.retentions = new Retentions(storage));
    this.#devices = new Devices({ ...needs, memory, retentions, mostIdle: sizes?.devices });
    this.#flusher = new Flusher({ ...needs, timers, segments, memory, budget: sizes?.buffers });
    this.cold = needs.cold ?? noStore;
    const committed = (series: readonly Series[]) => this.#flusher.committed(series);
    const recorded = (org: Id<"org">, bytes: number) => this.#recorded(org, bytes);
    const doubtful = (org: Id<"org">) => spaces.forget(org);
    const messageSeals = (this.messageSeals = new MessageSeals(needs));
    const told = { committed, recorded, doubtful };
    this.#committer = new Committer({ ...needs, ...told, segments, messageSeals, timers }, position);
    const parts = { devices: this.#devices, flusher: this.#flusher, committer: this.#committer };
    this.erasures = new Erasures({ ...needs, ...parts, segments, carrier: () => this.#carrier });
  }

  /** Reads the log again before it takes anything new. */
  static async open(needs: TelemetryNeeds): Promise<Telemetry> {
    const { storage, keys, spaces, random, clock, report, timers = systemTimers } = needs;
    let turn = () => {};
    const { segments, position, at } = await Segments.open({
      storage,
      keys,
      random,
      timers,
      report,
      segmentBytes: needs.sizes?.segment,
      turn: () => turn(),
    });
    clock.raise(at);
    const telemetry = new Telemetry(needs, segments, position);
    const flusher = telemetry.#flusher;
    await telemetry.erasures.again();
    const points = await replay({
      storage,
      spaces,
      segments,
      report,
      devices: telemetry.#devices,
      committed: (series) => flusher.committed(series),
      room: () => flusher.room(),
    });
    if (points > 100_000) report(`Read the log: ${points.toLocaleString("en")} points.`);
    await segments.begin();
    turn = () => telemetry.#turn();
    telemetry.#every();
    await telemetry.erasures.finish();
    return telemetry;
  }

  onStored(observer: Observer): void {
    this.#observers.push(observer);
  }

  /** From now on what comes over HTTP is offered there. */
  carryBy(carrier: Carrier): void {
    this.#carrier = carrier;
  }

  /** Called when so many bytes of records are durable. */
  onRecorded(watcher: (org: Id<"org">, bytes: number) => void): void {
    this.#recorded = watcher;
  }

  /**
   * Keeps a record of the broker's in its place among the messages of the organisation; without a record it only waits for those before.
   * `done` hears 0 and the position in the log once it is durable, else why it is not kept.
   */
  record({ scope }: Space, record: Uint8Array | undefined, done: (code: number, position: number) => void): void {
    try {
      if (this.#isClosed) throw new Refusal("stopping");
      this.#committer.append(scope, record, done);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      done(codeOf(error), 0);
    }
  }

  /** From now on every commit stands behind this position. */
  readonly passPosition = (position: number): void => this.#committer.passPosition(position);

  /** Loads what a device measures, so that `accept` can judge at once. @throws Refusal `device.unknown` */
  async prepare(space: Space, device: Id<"device">): Promise<void> {
    await this.#devices.prepare(space, device);
  }

  /**
   * Judges a message at once. `undefined`: it was taken, and `waiting` hears when it is durable or why it is not. A refusal: nothing
   * of it is kept. A device that was not prepared is judged later, through `waiting`.
   */
  accept(source: Source, body: Uint8Array, kind: BodyKind, waiting: Waiting): Refusal | undefined {
    try {
      this.#admit(source.space.org);
      const state = source.space.closed ? undefined : this.#devices.at(source.space, source.device);
      if (state) this.#take(state, source, body, kind, waiting);
      else void this.#later(source, new Uint8Array(body), kind, waiting);
      return undefined;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#tellRefused(source, error, body.length);
      return error;
    }
  }

  /** For HTTP. Answers how many readings are durable now. */
  async send(permit: Permit<"telemetry.write">, body: Uint8Array, kind: BodyKind, from: Sender = {}): Promise<number> {
    try {
      this.#admit(permit.scope.org);
      const space = await this.#needs.spaces.of(permit.scope.org);
      const state = await this.#devices.prepare(space, permit.on);
      await this.#carrier?.ready(space);
      this.#admit(permit.scope.org);
      if (space.closed) throw new Refusal("storage.unavailable", { retryAfterSeconds: 1 });
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const settle = (code: number, reason?: string) => (code === 0 ? resolve() : reject(refusalOfCode(code, reason)));
      const source = { space, device: permit.on, via: "http", ...from } as const;
      const readings = this.#take(state, source, body, kind, { settle });
      await promise;
      return readings;
    } catch (error) {
      if (error instanceof Refusal) this.#refused += 1;
      throw error;
    }
  }

  /** The series of a device, for whoever may read them. @throws Refusal `device.unknown` */
  async seriesOf(permit: Permit<"telemetry.read">): Promise<DeviceSeries> {
    return this.#devices.prepare(await this.#needs.spaces.of(permit.scope.org), permit.on);
  }

  /**
   * The series of several devices, for whoever may read them. What was erased has none.
   * @throws Refusal `seal.broken`, `keyring.incomplete`
   */
  async seriesOfMany(permits: readonly Permit<"telemetry.read">[]): Promise<ReadonlyMap<Id<"device">, DeviceSeries>> {
    return this.#devices.prepareMany(permits);
  }

  /** What a device has measured so far, and as what: it stays so. @throws Refusal `device.unknown` */
  async typesOf(permit: Permit<"device.update">): Promise<ReadonlyMap<string, ValueType>> {
    const { byName } = await this.#devices.prepare(await this.#needs.spaces.of(permit.scope.org), permit.on);
    return new Map([...byName].map(([name, { type }]) => [name, type]));
  }

  /**
   * What a device says beside what it measures comes through the same door: its state, its rate and its size.
   * @throws Refusal `device.suspended`, `device.retired`, `door.tooLarge`, `rate.exceeded`
   */
  async admitBeside(space: Space, device: Id<"device">, body: Uint8Array): Promise<void> {
    this.#admit(space.org);
    const state = this.#devices.at(space, device) ?? (await this.#devices.prepare(space, device));
    meet(state, space, device, body, this.#needs.clock.elapsed());
  }

  /** Why its door does not let through what a device says to others, and the platform does not look at. */
  shutTo(space: Space, device: Id<"device">, body: Uint8Array): Refusal | undefined {
    const state = this.#devices.at(space, device) ?? { demands: undefined };
    return refusalIn(() => void meet(state, space, device, body, this.#needs.clock.elapsed()));
  }

  /** Why nothing can be kept at the moment. */
  unready(): Refusal | undefined {
    return refusalIn(() => this.#admit());
  }

  get statistics() {
    return {
      ...this.#committer.statistics,
      refused: this.#refused,
      marked: this.#marked,
      waitingBytes: this.#committer.waitingBytes,
      bufferBytes: this.#memory.bytes,
      devices: this.#devices.count,
      series: this.#flusher.dirty,
      segments: this.#segments.count,
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

  /** A partition of chunks is not there any more. */
  monthGone(): void {
    this.#flusher.forgetMonths();
  }

  /** An organisation is erased: what waits of it is written nowhere any more. Nothing of it comes in by then. */
  async forget(org: Id<"org">): Promise<void> {
    await this.#committer.drain();
    this.#committer.forget(org);
    await this.#flusher.forget(org);
    this.#devices.forget(org);
  }

  /** Takes nothing more, and ends when what was taken is durable, or refused. The log keeps what is not in chunks. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#round.cancel();
    await this.#committer.close();
    await this.#flusher.close();
    this.#segments.close();
  }

  /** @throws Refusal when it is known already that a message would not be kept */
  #admit(org?: Id<"org">): void {
    if (this.#isClosed) throw new Refusal("stopping");
    this.#committer.admit(org);
    this.#flusher.admit();
  }

  /** For a device that is not in memory, or a space that has to be read again. Never rejects. */
  async #later(source: Source, body: Uint8Array, kind: BodyKind, waiting: Waiting): Promise<void> {
    this.#laterBytes += body.length;
    try {
      if (this.#laterBytes > mostLater) throw new Refusal("storage.unavailable", { retryAfterSeconds: 1 });
      const space = await this.#needs.spaces.of(source.space.org);
      const state = await this.#devices.prepare(space, source.device);
      this.#admit(space.org);
      // Whom it was owed to has been read again since, without it.
      if (waiting.record && space !== source.space) throw new Refusal("storage.unavailable", { retryAfterSeconds: 1 });
      this.#take(state, { ...source, space }, body, kind, waiting);
    } catch (error) {
      if (error instanceof Refusal) this.#tellRefused(source, error, body.length);
      else this.#refused += 1;
      this.#refuseLater(waiting, error);
    } finally {
      this.#laterBytes -= body.length;
    }
  }

  #tellRefused(source: Source, refusal: Refusal, size: number): void {
    this.#refused += 1;
    for (const observer of this.#observers)
      if (observer.refused && observer.wants(source)) observer.refused({ ...source, refusal, size });
  }

  #refuseLater(waiting: Waiting, error: unknown): void {
    if (!(error instanceof Refusal))
      this.#needs.report(`A message met a fault of our own: ${faultOf(error)}.`, because(error));
    try {
      if (error instanceof Refusal) waiting.settle(codeOf(error), error.message);
      else waiting.settle(serverUnavailable);
    } catch (fault) {
      this.#needs.report(`A message met a fault of our own: ${faultOf(fault)}.`, because(fault));
    }
  }

  /** Checks the whole message before the first point of it is written. Answers how many readings it has. */
  #take(state: DeviceSeries, source: Source, sent: Uint8Array, kind: BodyKind, waiting: Waiting): number {
    const { space, device } = source;
    const now = this.#needs.clock.now();
    const demands = meet(state, space, device, sent, this.#needs.clock.elapsed());
    const body = kind.encoding === undefined ? sent : inflated(sent, kind.encoding, this.#needs.largest);
    if (body !== sent) demands?.checkSize(body);
    const product = space.device(device)?.product;
    const schema = product && space.product(product);
    const readings = parseBody(body, now, kind);
    checkTimes(readings, now, schema?.times);
    demands?.check(readings);
    const marks = checkSchema(state, readings, schema);

    // The broker knows already who is owed what it brought.
    const carried = isBrought(source) ? undefined : this.#carrier?.offer({ ...source, body, ...kind });
    const batch = this.#committer.begin(space.scope);
    const wanted = this.#wanting(source);
    const told: Stored["readings"][number][] | undefined = wanted && [];
    let points = 0;
    for (const { time, values } of readings) {
      const at = time ?? giveTime(state, now);
      if (time !== undefined) passTime(state, time, now, "device");
      points += values.length;
      batch.writer.reading(device, now, at, time === undefined ? "platform" : "device", values.length);
      for (const [name, value] of values) batch.push(state.seriesOf(name, typeOf(value)), at, value);
      told?.push({ time: at, values, marks: marks?.get(told.length) });
    }
    if (marks) for (const one of marks.values()) this.#marked += one.size;
    if (source.meter) batch.count(source.meter, points);
    if (wanted && told) {
      // A copy: the bytes are the connection's. (`slice` of a Buffer would be the same bytes.)
      const stored: Stored = { ...source, readings: told, body: new Uint8Array(sent), contentType: kind.contentType };
      for (const observer of wanted) batch.after(() => observer.stored(stored));
    }
    this.#committer.end(batch, carried ? together(carried, waiting) : waiting);
    return readings.length;
  }

  /** Nobody, mostly: then there is nothing to be made. */
  #wanting(source: Source): Observer[] | undefined {
    let wanted: Observer[] | undefined;
    for (const observer of this.#observers) if (observer.wants(source)) (wanted ??= []).push(observer);
    return wanted;
  }

  #turn(): void {
    if (this.#isClosed) return;
    this.#committer.turn();
    this.#flusher.round();
  }

  #every(): void {
    this.#round = this.#timers.after(roundEvery, () => {
      this.#flusher.round();
      this.#devices.round();
      this.#every();
    });
  }
}
