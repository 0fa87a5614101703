import type { Cost } from "@holdfast/crypto";
import type { Clock, Random, Refusal, Report, Timers } from "@holdfast/kernel";
import type { Config } from "./config.ts";

export type PlatformNeeds = {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Timers;
  /** A line for the log and, where it is for people, for the terminal. Never a secret or a payload. */
  readonly report: Report;
  /** The platform cannot go on: another server took its data over. */
  readonly fatal: (refusal: Refusal) => void;
  /** Of a password that is kept: what it should be, unless somebody says otherwise. */
  readonly passwordCost?: Cost | undefined;
  /** Aborted when the process is to end: a start is given up, and closing waits for nothing that is away. */
  readonly signal?: AbortSignal | undefined;
};
