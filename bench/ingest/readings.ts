import { rfc3339, systemClock, uuidOf, type Id, type Instant } from "@holdfast/kernel";

const day = 86_400_000;
const period = 10_000;

/** What one device measures: a value of two decimals every 10 s, some milliseconds early or late. */
type Measured = { readonly time: number; readonly value: number };

/** Numerical Recipes' linear congruence: the same numbers on every run. */
function noise(seed: number): (below: number) => number {
  let state = seed;
  return (below) => Math.floor(((state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32) * below);
}

/** Devices whose values walk by steps of 0.01, three of them at a time at most; each round goes on where the one before ended. */
export class Readings {
  readonly #devices: readonly Id<"device">[];
  readonly #walks: { steps: number; count: number }[];
  readonly #start = Math.floor(systemClock.now() - 200 * day);
  readonly #below = noise(1);

  constructor(devices: readonly Id<"device">[]) {
    this.#devices = devices;
    this.#walks = devices.map((_, at) => ({ steps: 2_000 + at, count: 0 }));
  }

  /** `messages` of each device, each with so many readings: for every device a list, of readings as they were measured. */
  next(messages: number, readings: number): Measured[][][] {
    return this.#walks.map((walk) =>
      Array.from({ length: messages }, () =>
        Array.from({ length: readings }, () => {
          walk.steps += this.#below(7) - 3;
          const time = this.#start + walk.count++ * period + this.#below(9) - 4;
          return { time, value: walk.steps / 100 };
        }),
      ),
    );
  }

  /** As devices send them: `{"time":1764000000000,"values":{"temperature":21.53}}`, or an array of those. */
  bodies(rounds: Measured[][][]): Buffer[][] {
    return rounds.map((messages) =>
      messages.map((readings) => {
        const long = readings.map(({ time, value }) => ({ time, values: { temperature: value } }));
        return Buffer.from(JSON.stringify(long.length === 1 ? long[0] : long));
      }),
    );
  }

  /** The same points as COPY takes them, in the order of arrival: the devices take turns. 1,000 rows in each piece. */
  copyTexts(rounds: Measured[][][], rows: number): Buffer[] {
    const lines: string[] = [];
    for (let message = 0; message < (rounds[0]?.length ?? 0); message++) {
      for (const [at, device] of this.#devices.entries()) {
        for (const { time, value } of rounds[at]?.[message] ?? []) {
          lines.push(`${uuidOf(device)}\ttemperature\t${rfc3339(time as Instant)}\t${value}\n`); // whole milliseconds
        }
      }
    }
    const texts: Buffer[] = [];
    for (let at = 0; at < lines.length; at += rows) texts.push(Buffer.from(lines.slice(at, at + rows).join("")));
    return texts;
  }
}
