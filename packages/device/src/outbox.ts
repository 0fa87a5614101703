import type { Random, Timers } from "@holdfast/kernel";
import type { Emitter } from "./emitter.ts";
import { DeviceError } from "./failure.ts";
import { waitAfter } from "./patience.ts";
import type { Entry, Spool } from "./spool.ts";
import { laneOf, lanes, type Lane } from "./topics.ts";

/** A connection as long as it lasts. */
export type Line = {
  /** How many messages may be under way at once. */
  readonly window: number;
  /** The largest message that the platform takes, in bytes. */
  readonly largest: number;
  /** `answered` is told a reason code of MQTT 5, or nothing ever where the connection ends before. */
  publish(message: Pick<Entry, "topic" | "payload">, answered: (reason: number) => void): void;
};

type Needs = { readonly spool: Spool; readonly emitter: Emitter; readonly timers: Timers; readonly random: Random };
type Promised = { done(): void; failed(error: DeviceError): void };

const tooLarge = 0x95;
const notAuthorized = 0x87;
/** Topic name invalid, packet too large, payload format invalid: it will be no better tomorrow. */
const never = new Set([0x90, tooLarge, 0x99]);

/** Sends what the spool keeps, each lane in order, and takes out what was answered. */
export class Outbox {
  readonly #needs: Needs;
  readonly #promised = new Map<number, Promised>();
  readonly #underWay = new Set<number>();
  readonly #holds = new Map<Lane, { failures: number; timer: { cancel(): void } | undefined }>();
  readonly #idle = new Set<() => void>();
  #line: Line | undefined;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  readonly isUnderWay = ({ number }: Entry): boolean => this.#underWay.has(number);

  open(line: Line): void {
    this.#line = line;
    this.#underWay.clear();
    this.pump();
  }

  /** What was under way and not answered waits for the next line. */
  closed(): void {
    this.#line = undefined;
    this.#underWay.clear();
    for (const { timer } of this.#holds.values()) timer?.cancel();
    this.#holds.clear();
  }

  /** Resolves once the platform has it. */
  answer({ number }: Entry): Promise<void> {
    return new Promise((done, failed) => this.#promised.set(number, { done, failed }));
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

  dropped({ number }: Entry): void {
    this.#take(number)?.failed(new DeviceError("spool.dropped"));
  }

  pump(): void {
    for (const lane of lanes) {
      if (this.#holds.get(lane)?.timer) continue;
      for (const entry of this.#needs.spool.lane(lane)) {
        if (!this.#line || this.#underWay.size >= this.#line.window) return;
        if (!this.#underWay.has(entry.number)) this.#send(entry, this.#line);
      }
    }
  }

  #send(entry: Entry, line: Line): void {
    this.#underWay.add(entry.number);
    const answered = (reason: number) => {
      if (this.#line !== line || !this.#underWay.delete(entry.number)) return;
      this.#answered(entry, reason);
      this.pump();
    };
    // The platform would hang up, and be sent it again: for ever.
    if (entry.payload.length > line.largest) this.#needs.timers.after(0, () => answered(tooLarge));
    else line.publish(entry, answered);
  }

  #answered(entry: Entry, reason: number): void {
    const { emitter } = this.#needs;
    const lane = laneOf(entry.topic);
    if (reason >= 0x80 && !never.has(reason)) return this.#hold(lane, reason);
    if (!this.#holds.get(lane)?.timer) this.#holds.delete(lane);
    const promised = this.#take(entry.number);
    try {
      this.#needs.spool.remove(entry);
    } catch (error) {
      emitter.emit("fault", error);
    }
    if (reason < 0x80) promised?.done();
    else {
      const error = new DeviceError("platform.refused", { reason, detail: `0x${reason.toString(16)}` });
      promised?.failed(error);
      emitter.emit("refused", { topic: entry.topic, payload: entry.payload, error });
    }
    if (this.#needs.spool.size > 0) return;
    for (const resolve of this.#idle) resolve();
    this.#idle.clear();
  }

  /** "Not now": a rate, a quota, a disk that is full, a door that is shut. Other lanes go on. */
  #hold(lane: Lane, reason: number): void {
    const hold = this.#holds.get(lane) ?? { failures: 0, timer: undefined };
    this.#holds.set(lane, hold);
    if (hold.timer) return;
    hold.failures += 1;
    const wait = waitAfter(reason === notAuthorized ? "unwanted" : "later", hold.failures, this.#needs.random);
    hold.timer = this.#needs.timers.after(wait, () => {
      hold.timer = undefined;
      this.pump();
    });
    this.#needs.emitter.emit("held", { lane, reason, wait });
  }

  #take(number: number): Promised | undefined {
    const promised = this.#promised.get(number);
    this.#promised.delete(number);
    return promised;
  }
}
