import { readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { because, Refusal, rfc3339, type Clock, type Instant, type Random, type Report } from "@holdfast/kernel";
import { ending, nameIn, prefixOf, removeCutOff, writeBackup } from "./backup-files.ts";
import type { Keyring, Storage } from "./storage/index.ts";

/** `--backup-to`, `--backup-every` and `--backup-keep`. */
export type Schedule = {
  readonly to: string;
  /** Milliseconds. */
  readonly every: number;
  /** How many stay, of those that this instance made there. */
  readonly keep: number;
};

type Needs = {
  readonly config: { readonly backups: Schedule | undefined };
  readonly storage: Storage;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly random: Random;
  readonly report: Report;
  /** Aborted when the platform closes: what is half-made is no backup. */
  readonly signal: AbortSignal;
};

/** Milliseconds after which what failed is tried again. */
const again = 3_600_000;
/** A backup is late when so many of its periods have passed. */
const patience = 1.5;

/** Backups that the platform makes by itself, and what is known of the last good one, whoever made it. */
export class ScheduledBackups {
  readonly #needs: Needs;
  readonly #since: Instant;
  #lastGood: Instant | undefined;
  #failedAt: Instant | undefined;
  #toldLate = false;

  private constructor(needs: Needs, lastGood: Instant | undefined) {
    this.#needs = needs;
    this.#since = needs.clock.now();
    this.#lastGood = lastGood;
  }

  static async open(needs: Needs): Promise<ScheduledBackups> {
    return new ScheduledBackups(needs, await needs.keyring.backups.lastGood());
  }

  get facts(): {
    readonly every: number | undefined;
    readonly lastGood: Instant | undefined;
    readonly isLate: boolean;
  } {
    const { config, clock } = this.#needs;
    const every = config.backups?.every;
    const isLate = every !== undefined && clock.now() - (this.#lastGood ?? this.#since) > every * patience;
    return { every, lastGood: this.#lastGood, isLate };
  }

  /** Called each minute. */
  async round(): Promise<void> {
    const { config, clock, keyring } = this.#needs;
    // Somebody may have made one beside us.
    this.#lastGood = (await keyring.backups.lastGood()) ?? this.#lastGood;
    if (!config.backups) return;
    const now = clock.now();
    const isDue = this.#lastGood === undefined || now - this.#lastGood >= config.backups.every;
    const isTriedAgain = this.#failedAt === undefined || now - this.#failedAt >= again;
    if (isDue && isTriedAgain) await this.#make(config.backups);
    this.#tell();
  }

  async #make(schedule: Schedule): Promise<void> {
    const { storage, keyring, clock, signal, report } = this.#needs;
    try {
      for (const file of removeCutOff(schedule.to, keyring.instance, clock.now()))
        report("A backup that was cut off is removed.", { level: "warning", file });
      const file = nameIn(schedule.to, keyring.instance, clock.now());
      const { bytes } = await writeBackup({ ...this.#needs, file, take: () => storage.snapshot() });
      this.#lastGood = await keyring.backups.lastGood();
      this.#failedAt = undefined;
      report("Backed up.", { file, bytes });
      removeAllBut(schedule, keyring.instance);
    } catch (error) {
      if (signal.aborted) return;
      this.#failedAt = clock.now();
      const why =
        error instanceof Refusal || (error instanceof Error && "syscall" in error) ? error.message : "our own fault";
      report(`No backup could be made in ${schedule.to}; it is tried again within the hour: ${why}`, because(error));
    }
  }

  #tell(): void {
    const { isLate, lastGood } = this.facts;
    if (isLate === this.#toldLate) return;
    this.#toldLate = isLate;
    const { report } = this.#needs;
    if (!isLate) return report("The backup that was late has been made.");
    report("The backup is late.", { level: "warning", lastGood: lastGood === undefined ? "never" : rfc3339(lastGood) });
  }
}

/** The oldest go. Whatever else is in that folder stays, other instances' backups too. */
function removeAllBut({ to, keep }: Schedule, instance: string): void {
  const ours = readdirSync(to).filter((name) => name.startsWith(prefixOf(instance)) && name.endsWith(ending));
  for (const name of ours.toSorted().slice(0, -keep)) rmSync(path.join(to, name), { force: true });
}
