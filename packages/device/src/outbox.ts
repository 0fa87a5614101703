import type { Random, Timers } from "@holdfast/kernel";
import type { Emitter } from "./emitter.ts";
import { DeviceError } from "./failure.ts";
import { waitAfter } from "./patience.ts";
import { firstOf, type Entry, type Spool } from "./spool.ts";
import { lanes, placeOf, type Lane, type Place, type Speaker } from "./topics.ts";

/** What goes out. What is asked has a mark, which the answer bears, too. */
export type Message = { readonly topic: string; readonly payload: string; readonly mark?: string };

/** A connection as long as it lasts. */
export type Line = {
  /** How many messages may be under way at once. */
  readonly window: number;
  /** The largest message that the platform takes, in bytes. */
  readonly largest: number;
  /** `answered` is told a reason code of MQTT 5, or nothing ever where the connection ends before. */
  publish(message: Message, answered: (reason: number) => void): void;
};

type Needs = { readonly spool: Spool; readonly emitter: Emitter; readonly timers: Timers; readonly random: Random };
type Promised = { readonly done: () => void; readonly failed: (error: DeviceError) => void };
type Told = {
  readonly message: Message;
  readonly done: (reason: number) => void;
  readonly failed: (error: DeviceError) => void;
};
/** `isRefused`: the platform does not let the device speak for the child. */
type Hold = { failures: number; timer: { cancel(): void } | undefined; readonly isRefused: boolean };

const tooLarge = 0x95;
export const notAuthorized = 0x87;
/** Topic name invalid, packet too large, payload format invalid: it will be no better tomorrow. */
const never = new Set([0x90, tooLarge, 0x99]);
/** What is told at once and may wait for its turn. */
const mostTold = 1_000;

/** Sends what the spool keeps, each speaker's in order within a lane, and takes out what was answered. */
export class Outbox {
  readonly #needs: Needs;
  readonly #promised = new Map<number, Promised>();
  readonly #underWay = new Set<number>();
  readonly #holds: { readonly [lane in Lane]: Map<Speaker, Hold> } = {
    reply: new Map(),
    task: new Map(),
    twin: new Map(),
    telemetry: new Map(),
  };
  readonly #idle = new Set<() => void>();
  /** In turn; those that are under way are in the set. */
  #told: Told[] = [];
  readonly #toldUnderWay = new Set<Told>();
  #line: Line | undefined;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  readonly isUnderWay = ({ number }: Entry): boolean => this.#underWay.has(number);

  get isOpen(): boolean {
    return this.#line !== undefined;
  }

  open(line: Line): void {
    this.#line = line;
    this.pump();
  }

  /** What was under way and not answered waits for the next line; what was told at once was told in vain. */
  closed(): void {
    this.#line = undefined;
    this.#underWay.clear();
    for (const holds of Object.values(this.#holds)) {
      for (const { timer } of holds.values()) timer?.cancel();
      holds.clear();
    }
    const vain = [...this.#toldUnderWay, ...this.#told];
    this.#toldUnderWay.clear();
    this.#told = [];
    for (const { failed } of vain) failed(new DeviceError("connection.ended"));
  }

  /** Resolves once the platform has it. A child that the platform refuses is told so at once. */
  answer(entry: Entry): Promise<void> {
    const { lane, speaker } = placeOf(entry.topic);
    return new Promise((done, failed) => {
      this.#promised.set(entry.number, { done, failed });
      const hold = this.#holds[lane].get(speaker);
      if (hold?.isRefused && hold.timer) this.#refuse(entry, refusalOf(placeOf(entry.topic), notAuthorized));
    });
  }

  /** Now or not at all, ahead of what waits: what is worth nothing later. Resolves with the reason code; rejects as `connection.ended`, and then it may have arrived. */
  tell(message: Message): Promise<number> {
    return new Promise((done, failed) => {
      if (!this.#line) throw new DeviceError("connection.ended");
      if (this.#told.length >= mostTold) throw new DeviceError("spool.full");
      this.#told.push({ message, done, failed });
      this.pump();
    });
  }

  /** Whether the platform does not let the device speak for this child, as far as was tried since it came. */
  isRefused(speaker: Speaker): boolean {
    return lanes.some((lane) => this.#holds[lane].get(speaker)?.isRefused);
  }

  /** Resolves once nothing waits. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#needs.spool.size === 0) resolve();
      else this.#idle.add(resolve);
    });
  }

  /** Nobody is to wait any more. */
  end(): void {
    for (const promised of this.#promised.values()) promised.failed(new DeviceError("device.closed"));
    this.#promised.clear();
  }

  /** It is in the spool no more, and was not sent. */
  dropped({ number }: Entry, error: DeviceError): void {
    this.#take(number)?.failed(error);
  }

  /** What waits of one is wanted no more. What is under way may arrive. */
  forget(speaker: Speaker, error: DeviceError): void {
    for (const lane of lanes) {
      this.#holds[lane].get(speaker)?.timer?.cancel();
      this.#holds[lane].delete(speaker);
      for (const entry of Array.from(this.#needs.spool.queues(lane).get(speaker)?.values() ?? [])) {
        this.#remove(entry);
        this.dropped(entry, error);
      }
    }
  }

  pump(): void {
    for (let line = this.#ready(); line; line = this.#ready()) {
      const told = this.#told.shift();
      const entry = told ? undefined : this.#next();
      if (told) this.#tell(told, line);
      else if (entry) this.#send(entry, line);
      else return;
    }
  }

  #ready(): Line | undefined {
    const isFull = this.#underWay.size + this.#toldUnderWay.size >= (this.#line?.window ?? 0);
    return isFull ? undefined : this.#line;
  }

  /** The first lane that has something, and of it the oldest. */
  #next(): Entry | undefined {
    for (const lane of lanes) {
      let oldest: Entry | undefined;
      for (const [speaker, queue] of this.#needs.spool.queues(lane)) {
        if (this.#holds[lane].get(speaker)?.timer) continue;
        const first = firstOf(queue, ({ number }) => !this.#underWay.has(number));
        if (first && (!oldest || first.number < oldest.number)) oldest = first;
      }
      if (oldest) return oldest;
    }
    return undefined;
  }

  #tell(told: Told, line: Line): void {
    this.#toldUnderWay.add(told);
    this.#publish(told.message, line, (reason) => {
      if (!this.#toldUnderWay.delete(told)) return;
      told.done(reason);
      this.pump();
    });
  }

  #send(entry: Entry, line: Line): void {
    this.#underWay.add(entry.number);
    this.#publish(entry, line, (reason) => {
      if (this.#line !== line || !this.#underWay.delete(entry.number)) return;
      this.#answered(entry, reason);
      this.pump();
    });
  }

  #publish(message: Message, line: Line, answered: (reason: number) => void): void {
    // The platform would hang up, and be sent it again: for ever.
    if (isLarger(message, line.largest)) this.#needs.timers.after(0, () => answered(tooLarge));
    else line.publish(message, answered);
  }

  #answered(entry: Entry, reason: number): void {
    const place = placeOf(entry.topic);
    const { lane, speaker, child, group } = place;
    if (reason < 0x80) {
      if (!this.#holds[lane].get(speaker)?.timer) this.#holds[lane].delete(speaker);
      this.#remove(entry);
      return this.#take(entry.number)?.done();
    }
    const isUnwanted = reason === notAuthorized;
    // Who was expelled is told so; what he had to say to the group is of no use to it any more.
    if (never.has(reason) || (isUnwanted && group !== undefined)) return this.#refuse(entry, refusalOf(place, reason));
    if (!isUnwanted || child === undefined) return this.#hold(place, reason);
    const refusal = refusalOf(place, reason);
    // Whoever waits for an answer gets it, and nothing is held for what nobody waits for.
    if (this.#promised.has(entry.number)) return this.#refuse(entry, refusal);
    this.#hold(place, reason);
    this.#needs.spool.turnAway(speaker, refusal);
    for (const one of Array.from(this.#needs.spool.queues(lane).get(speaker)?.values() ?? []))
      if (this.#promised.has(one.number) && !this.#underWay.has(one.number)) this.#refuse(one, refusal);
  }

  #refuse(entry: Entry, error: DeviceError): void {
    this.#remove(entry);
    this.#take(entry.number)?.failed(error);
    this.#needs.emitter.emit("refused", { topic: entry.topic, payload: entry.payload, error });
  }

  #remove(entry: Entry): void {
    this.#needs.spool.remove(entry);
    if (this.#needs.spool.size > 0) return;
    for (const resolve of this.#idle) resolve();
    this.#idle.clear();
  }

  /** "Not now": a rate, a quota, a disk that is full, a door that is shut. Others, and other lanes, go on. */
  #hold({ lane, speaker, child }: Place, reason: number): void {
    const { timers, random, emitter } = this.#needs;
    const isUnwanted = reason === notAuthorized;
    const before = this.#holds[lane].get(speaker);
    if (before?.timer) return;
    const failures = (before?.failures ?? 0) + 1;
    const wait = waitAfter(isUnwanted ? "unwanted" : "later", failures, random);
    const hold: Hold = { failures, timer: undefined, isRefused: isUnwanted && child !== undefined };
    this.#holds[lane].set(speaker, hold);
    hold.timer = timers.after(wait, () => {
      hold.timer = undefined;
      this.pump();
    });
    emitter.emit("held", { lane, child, reason, wait });
  }

  #take(number: number): Promised | undefined {
    const promised = this.#promised.get(number);
    this.#promised.delete(number);
    return promised;
  }
}

/** What the platform says of a message that it does not take. */
export function refusalOf({ child, group }: Pick<Place, "child" | "group">, reason: number): DeviceError {
  if (reason === notAuthorized && child !== undefined)
    return new DeviceError("child.refused", { reason, detail: `This is about ${child}.` });
  if (reason === notAuthorized && group !== undefined)
    return new DeviceError("group.refused", { reason, detail: `This is about ${group}.` });
  return new DeviceError("platform.refused", { reason, detail: `0x${reason.toString(16)}` });
}

const encoder = new TextEncoder();
/** In UTF-8. A character of a string is three bytes at most, so what is short is not counted. */
const isLarger = ({ topic, payload }: Message, most: number): boolean =>
  3 * (topic.length + payload.length) > most && encoder.encode(topic).length + encoder.encode(payload).length > most;
