import { because, type Clock, type Report, type Timers } from "@holdfast/kernel";
import { TurnedAway, type Key, type OwnListeners } from "../outbound/index.ts";
import type { Chance } from "./chance.ts";
import { lastDay } from "./history.ts";
import type { Machine } from "./machines.ts";
import type { Played } from "./site.ts";

type Needs = {
  readonly door: OwnListeners;
  readonly key: Key;
  readonly chance: Chance;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly report: Report;
  readonly maximumMessage: number;
};

/** How a device reaches the platform, for as long as it stays. */
interface Line extends Disposable {
  send(body: string, topic?: string): Promise<unknown>;
  readonly closed: Promise<void>;
}

const second = 1_000;
const minute = 60 * second;
/** Between two messages of the past: all of it takes a few seconds, in which others are served too. */
const breath = 0.2 * second;
/** Between two attempts to get in. */
const shortest = 2 * second;
const longest = minute;
/** Attempts in a row that fail before somebody is told. */
const quietly = 3;

/** One device of the fleet: it comes in by the front door like any other, and holds nothing but its own key. */
export class Player {
  readonly #needs: Needs;
  readonly #played: Played;
  readonly #machine: Machine;
  readonly #over = new AbortController();
  #line: Line | undefined;
  #failures = 0;
  #slipsAt = -Infinity;
  #playing: Promise<void> = Promise.resolve();

  constructor(played: Played, needs: Needs) {
    this.#played = played;
    this.#needs = needs;
    this.#machine = played.machine(needs.chance);
  }

  /** With the day before, for a device that is new and would have nothing to show. */
  begin(from: "now" | "a day ago"): void {
    this.#playing = this.#play(from);
  }

  /** Says goodbye. Settles when nothing of it goes on, at either end. */
  async stop(): Promise<void> {
    this.#over.abort();
    this.#line?.[Symbol.dispose]();
    await this.#playing;
    await this.#line?.closed;
  }

  async #play(from: "now" | "a day ago"): Promise<void> {
    const { clock, maximumMessage } = this.#needs;
    let past: Iterable<string> = from === "a day ago" ? lastDay(this.#machine, clock.now(), maximumMessage) : [];
    // So that twelve do not knock at once.
    await this.#pause(this.#needs.chance() * second);
    while (!this.#isOver) {
      try {
        await this.#visit(past);
        past = [];
      } catch (error) {
        if (error instanceof TurnedAway && error.isForGood) return;
        await this.#fail(error);
      }
    }
  }

  /** From coming to going. What is past is told first: the platform takes times of devices in any order, and people read it so. */
  async #visit(past: Iterable<string>): Promise<void> {
    using line = await this.#open();
    for (const body of past) {
      if (this.#isOver) return;
      await line.send(body);
      await this.#pause(breath);
    }
    const { clock, chance } = this.#needs;
    const { habit, every } = this.#played;
    const leaveAt = habit === "flapping" ? clock.elapsed() + (1 + 3 * chance()) * minute : Infinity;
    while (!this.#isOver && clock.elapsed() < leaveAt) {
      await line.send(JSON.stringify(this.#machine(clock.now())));
      this.#failures = 0;
      if (habit === "careless") await this.#slip(line);
      await this.#pause(every * second * (0.9 + 0.2 * chance()));
    }
    line[Symbol.dispose]();
    await this.#pause((15 + 30 * chance()) * second);
  }

  /** Says what will be refused: most of it costs nothing, and a foreign topic leaves an entry in the audit log, so that is rare. */
  async #slip(line: Line): Promise<void> {
    const { chance, clock } = this.#needs;
    if (clock.elapsed() < this.#slipsAt) return;
    this.#slipsAt = clock.elapsed() + (0.5 + chance()) * minute;
    if (chance() < 0.1) await line.send(JSON.stringify({ alarm: true }), "plant/alarms");
    else await line.send(JSON.stringify({ pressure: "n/a" }));
  }

  async #open(): Promise<Line> {
    const { door, key } = this.#needs;
    if (this.#played.via === "https") {
      const send = (body: string) => door.deliver(key, body);
      return (this.#line = { send, closed: Promise.resolve(), [Symbol.dispose]() {} });
    }
    const client = await door.connect(key);
    const line: Line = {
      send: (body, topic = "me/telemetry") => client.publish(topic, body),
      closed: client.closed,
      [Symbol.dispose]: () => client.end(),
    };
    if (this.#isOver) line[Symbol.dispose]();
    return (this.#line = line);
  }

  async #fail(error: unknown): Promise<void> {
    if (this.#isOver) return;
    this.#failures += 1;
    // Whoever suspends a simulated device is not told that it stays out.
    if (this.#failures === quietly && !(error instanceof TurnedAway)) {
      const about = { ...because(error), level: "warning" } as const;
      this.#needs.report(`A simulated device, ${this.#played.name}, does not get in, and tries again.`, about);
    }
    await this.#pause(Math.min(longest, shortest * 2 ** (this.#failures - 1)));
  }

  get #isOver(): boolean {
    return this.#over.signal.aborted;
  }

  #pause(milliseconds: number): Promise<void> {
    const { signal } = this.#over;
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        timer.cancel();
        signal.removeEventListener("abort", end);
        resolve();
      };
      const timer = this.#needs.timers.after(milliseconds, end);
      signal.addEventListener("abort", end);
    });
  }
}
