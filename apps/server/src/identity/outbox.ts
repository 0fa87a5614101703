import type { Clock, Instant, Random, Report } from "@holdfast/kernel";
import { NotTaken } from "../outbound/index.ts";
import type { InstanceUnit, Keyring, Storage } from "../storage/index.ts";
import { fit, opensSomething, textOf, type Kind, type Letter } from "./letter.ts";
import { outboxIn, type Waiting } from "./outbox-rows.ts";

const hour = 3_600_000;
const day = 24 * hour;
const lifetime = 3 * day; // then a mail server has been away for too long
const mostWaiting = 10_000;
const atOnce = 20;
const tidyEvery = 60_000;

const few = { hour: 5, day: 10 };
const many = { hour: 20, day: 50 };

/** What one address gets at most, of each kind: few of what others can ask for, many of what somebody needs its account for. */
const bounds: Readonly<Record<Kind, { readonly hour: number; readonly day: number }>> = {
  forgotten: few,
  invitation: few,
  newAddress: few,
  ownAddress: few,
  factorReset: few,
  guesses: few,
  besideWrong: { hour: 1, day: 24 }, // of recovery codes nobody waits for the next guess
  signIn: many,
  broughtSignIn: few,
  password: many,
  address: many,
  factor: many,
  memberReset: many,
  member: many,
  organisation: many,
  alert: { hour: 60, day: 400 },
  deviceContested: many,
  deviceOffered: many,
  deviceGone: many,
};

/** How long something waits that failed so often, in milliseconds. */
const backOff = (failures: number, first: number, most: number): number => Math.min(most, first * 2 ** (failures - 1));
const letterAgain = (failures: number): number => backOff(failures, 60_000, 2 * hour);
const serverAgain = (failures: number): number => backOff(failures, 5_000, 600_000);

/** How letters leave: by a mail server, or, where there is none, those whose link opens something into a file for whoever runs the instance. */
export interface Carrier {
  readonly by: "mail" | "file";
  /** @throws NotTaken; the signal's reason when it was given up */
  take(
    letter: { readonly id: string; readonly at: Date; readonly text: string } & Omit<Letter, "kind">,
    signal: AbortSignal,
  ): Promise<void>;
}

type Needs = {
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly carrier: Carrier;
  /** Where the platform is, by a name that is in its certificate. */
  readonly address: () => string;
  readonly clock: Clock;
  readonly random: Random;
  readonly report: Report;
  /** Aborted when the platform closes. */
  readonly signal: AbortSignal;
};

/** Letters to people. What was taken here is sent, once at least, or given up after three days, over a restart too. */
export class Post {
  readonly #needs: Needs;
  /** How often the server took nothing, and when it is tried again. */
  #pause = { failures: 0, until: 0 as Instant };
  #tidiedAt = 0;
  readonly statistics = { sent: 0, refused: 0, givenUp: 0, dropped: 0, failures: 0 };

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** How letters leave. By `file` only those whose link opens something do. */
  get by(): Carrier["by"] {
    return this.#needs.carrier.by;
  }

  /** Why the mail server has taken nothing lately, if so. */
  get trouble(): { readonly failures: number } | undefined {
    return this.#pause.failures > 0 ? { failures: this.#pause.failures } : undefined;
  }

  /** How many letters wait. */
  waiting(): Promise<number> {
    return this.#needs.storage.instance.read((unit) => outboxIn(unit, this.#needs).waiting());
  }

  /** Durable once it is answered. `false` when it was not taken, because this address has had enough, or too many wait. */
  async send(letter: Letter): Promise<boolean> {
    this.#needs.storage.admit();
    return this.#needs.storage.instance.change((unit) => this.in(unit, letter));
  }

  /** The same with something else, or neither. */
  async in(unit: InstanceUnit, letter: Letter): Promise<boolean> {
    const { carrier, keys, random } = this.#needs;
    if (!opensSomething(letter) && carrier.by === "file") return false;
    const rows = outboxIn(unit, { keys, random });
    const { hour: hourly, day: daily } = bounds[letter.kind];
    const lately = await rows.lately(letter.to, letter.kind);
    const since = (past: number) => lately.filter((at) => at > unit.at - past).length;
    if (since(hour) >= hourly || since(day) >= daily || (await rows.waiting()) >= mostWaiting) {
      unit.afterCommit(() => (this.statistics.dropped += 1));
      return false;
    }
    const latest = (unit.at + lifetime) as Instant; // milliseconds both
    await rows.add(fit(letter), Math.min(letter.until ?? latest, latest) as Instant);
    return true;
  }

  /** Called again and again: sends what waits. */
  async round(): Promise<void> {
    const { storage, clock, signal } = this.#needs;
    await this.#tidy();
    while (!signal.aborted && clock.now() >= this.#pause.until) {
      const due = await storage.instance.read((unit) => outboxIn(unit, this.#needs).due(atOnce));
      for (const one of due) if (!(await this.#carry(one))) return;
      if (due.length < atOnce) return;
    }
  }

  async #tidy(): Promise<void> {
    const { storage, clock, report } = this.#needs;
    if (clock.now() < this.#tidiedAt + tidyEvery) return;
    this.#tidiedAt = clock.now();
    const givenUp = await storage.instance.change(async (unit) => {
      const rows = outboxIn(unit, this.#needs);
      await rows.removeDone(unit.at - day);
      return rows.giveUp();
    });
    if (givenUp === 0) return;
    this.statistics.givenUp += givenUp;
    report("Letters were given up: no mail server took them in time.", { level: "warning", letters: givenUp });
  }

  /** False when no letter is taken now. */
  async #carry({ id, letter, createdAt, attempts }: Waiting): Promise<boolean> {
    const { carrier, address, signal, report } = this.#needs;
    if (!letter) {
      report("A letter that waited does not open: its row was altered. It is not sent.", {
        level: "error",
        letter: id,
      });
      await this.#change((rows) => rows.done(id));
      return true;
    }
    try {
      await carrier.take({ ...letter, id, at: new Date(createdAt), text: textOf(letter, address()) }, signal);
    } catch (error) {
      if (signal.aborted) return false;
      if (!(error instanceof NotTaken)) throw error;
      return this.#failed(error, id, attempts + 1);
    }
    await this.#change((rows) => rows.done(id));
    this.statistics.sent += 1;
    if (this.#pause.failures > 0) report("Mail is taken again.");
    this.#pause = { failures: 0, until: 0 as Instant };
    return true;
  }

  async #failed({ which, why }: NotTaken, id: string, attempts: number): Promise<boolean> {
    const { clock, report } = this.#needs;
    this.statistics.failures += 1;
    switch (which) {
      case "for good":
        this.statistics.refused += 1;
        report("The mail server refused a letter for good.", { level: "warning", letter: id, why });
        await this.#change((rows) => rows.done(id));
        return true;
      case "for now":
        await this.#change((rows) => rows.again(id, clock.now() + letterAgain(attempts)));
        return true;
      case "none": {
        const failures = this.#pause.failures + 1;
        // Once, however long it lasts: the figures say the rest.
        if (failures === 1) report("Mail is not taken now. It is kept, and tried again.", { level: "warning", why });
        this.#pause = { failures, until: (clock.now() + serverAgain(failures)) as Instant };
        return false;
      }
    }
  }

  #change(work: (rows: ReturnType<typeof outboxIn>) => Promise<void>): Promise<void> {
    return this.#needs.storage.instance.change((unit) => work(outboxIn(unit, this.#needs)));
  }
}
