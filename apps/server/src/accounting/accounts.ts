import { because, Refusal, type Clock, type Id, type Instant, type Random, type Report } from "@holdfast/kernel";
import { asPlatform, decisionsIn, eachInTurn, type Space, type Spaces } from "../authority/index.ts";
import type { Storage } from "../storage/index.ts";
import { Account } from "./account.ts";
import { crashed } from "./connection.ts";
import { accountingIn } from "./postgres.ts";
import { startOf } from "./period.ts";
import { plansIn } from "./plan-rows.ts";
import type { Quotas, Standing } from "./quota.ts";

/** Rows of one transaction, about: a fleet that comes back after a restart is written in pieces. */
const mostRows = 5_000;
/** Of decisions, which are sealed one by one. */
const mostDecisions = 1_000;
const day = 86_400_000; // milliseconds
/** How long connections are kept, and usage by the hour; after that usage is kept by the day. */
const keptFor = 90 * day;
const usageKeptFor = 2 * 366 * day;
/** And what authority was asked and answered. */
const decisionsKeptFor = 30 * day;
const tidyEvery = 3_600_000;

type Needs = {
  readonly storage: Storage;
  readonly spaces: Pick<Spaces, "all">;
  readonly clock: Clock;
  readonly random: Random;
  readonly report: Report;
};

type Kept = {
  readonly account: Account;
  /** That what was used before this start was read. */
  reading: Promise<void> | undefined;
  /** One write after the other. */
  writing: Promise<void>;
  /** What somebody was told this month. */
  told: Set<string>;
  isForgotten: boolean;
};

/** What all organisations use: counted in memory, written down in rounds of ten seconds at most, so that a crash loses no more than that. */
export class Accounts {
  readonly #needs: Needs;
  readonly #run: number;
  readonly #orgs = new Map<Id<"org">, Kept>();
  #plans: ReadonlyMap<string, Quotas>;
  #tidiedAt: number | undefined;

  private constructor(needs: Needs, run: number, plans: ReadonlyMap<string, Quotas>) {
    this.#needs = needs;
    this.#run = run;
    this.#plans = plans;
  }

  /** `lastKnown`: when the last server was known to run. Whoever was connected then is not any more. */
  static async open({ lastKnown, ...needs }: Needs & { readonly lastKnown: Instant }): Promise<Accounts> {
    const { storage } = needs;
    await storage.maintain.call("end_connections", [lastKnown, crashed]);
    const { run, plans } = await storage.instance.read(async (unit) => {
      const [row] = await unit.query<{ served: number }>("select served from instance", []);
      return { run: Number(row?.served ?? 0), plans: await plansIn(unit).all() };
    });
    return new Accounts(needs, run, plans);
  }

  /** When nobody is connected any more. A stop must not fail because a database is away: what it has not got is lost as in a crash. */
  async close(): Promise<void> {
    try {
      await this.#writeAll();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#needs.report(`The last seconds of usage were not written down: ${error.message}`, { code: error.code });
    }
  }

  /** At once, also before it is known what was used: then nothing is refused. */
  of(space: Space): Account {
    return this.#kept(space).account;
  }

  /** Once its plan is known, and what the month has used. @throws Refusal `storage.unavailable` */
  async ready(space: Space): Promise<Account> {
    const kept = this.#kept(space);
    if (!kept.account.isKnown) await this.#read(kept);
    return kept.account;
  }

  /** Writes down what was counted since the last time, of all organisations, and looks at their quotas. */
  async round(): Promise<void> {
    try {
      await this.#writeAll();
    } finally {
      await this.#tidy();
    }
  }

  async #writeAll(): Promise<void> {
    // Of whoever was only refused so far, there is nothing else to write.
    for (const space of this.#needs.spaces.all()) if (space.decisions.hasChanged) this.#kept(space);
    // What is not written stays in memory until it is.
    await eachInTurn(this.#orgs.values(), async (kept) => {
      try {
        await this.#settle(kept);
      } catch (error) {
        if (!kept.isForgotten) throw error;
      }
    });
  }

  /** The same of one, so that whoever reads its usage reads all of it. */
  async settle(space: Space): Promise<Account> {
    const kept = this.#kept(space);
    await this.#settle(kept);
    return kept.account;
  }

  /** A plan has other quotas now, or is gone. */
  planChanged(name: string, quotas: Quotas | undefined): void {
    const plans = new Map(this.#plans);
    if (quotas) plans.set(name, quotas);
    else plans.delete(name);
    this.#plans = plans;
    for (const { account } of this.#orgs.values()) if (account.plan?.name === name) this.planGiven(account, name);
  }

  planGiven(account: Account, name: string | undefined): void {
    const quotas = name === undefined ? undefined : this.#plans.get(name);
    account.plan = name !== undefined && quotas ? { name, quotas } : undefined;
    account.look();
  }

  hasPlan(name: string): boolean {
    return this.#plans.has(name);
  }

  /** An organisation is erased, and nobody of it is connected. */
  forget(org: Id<"org">): void {
    const kept = this.#orgs.get(org);
    if (kept) kept.isForgotten = true;
    kept?.account.space.decisions.clear();
    this.#orgs.delete(org);
  }

  #kept(space: Space): Kept {
    let kept = this.#orgs.get(space.org);
    if (!kept) {
      const account = new Account({ ...this.#needs, space });
      kept = { account, reading: undefined, writing: Promise.resolve(), told: new Set(), isForgotten: false };
      this.#orgs.set(space.org, kept);
    }
    // What was read last is what is true.
    if (!space.closed) kept.account.space = space;
    return kept;
  }

  #read(kept: Kept): Promise<void> {
    return (kept.reading ??= this.#readOnce(kept).finally(() => (kept.reading = undefined)));
  }

  async #readOnce(kept: Kept): Promise<void> {
    const { account } = kept;
    const month = startOf("month", account.now);
    const { plan, used, notices } = await this.#needs.storage.read(asPlatform(account.space.scope), async (unit) => {
      const rows = accountingIn(unit);
      return {
        plan: await rows.plan(),
        used: await rows.usedSince(month, this.#run),
        notices: await rows.notices(month),
      };
    });
    account.book.carryOver(month, used);
    for (const { month: of, quota, state } of notices) kept.told.add(`${of} ${quota} ${state}`);
    account.isKnown = true;
    this.planGiven(account, plan);
  }

  #settle(kept: Kept): Promise<void> {
    const settled = kept.writing.then(() => this.#write(kept));
    kept.writing = settled.catch(() => undefined); // whoever asked hears of it; the next one tries again
    return settled;
  }

  async #write(kept: Kept): Promise<void> {
    const { account } = kept;
    const { book } = account;
    if (!account.isKnown) await this.#read(kept);
    const { now } = account;
    book.take(now);
    const allowed = asPlatform(account.space.scope);
    for (const page of book.pages(mostRows)) {
      await this.#needs.storage.tally(allowed, (unit) => accountingIn(unit).save(this.#run, page));
      book.kept(page);
    }
    book.forgetIdle(now);
    await this.#writeDecisions(account);
    await this.#tell(kept, account.look());
  }

  /** What authority was asked and answered, in the same way. */
  async #writeDecisions({ space, now }: Account): Promise<void> {
    const { decisions, scope } = space;
    for (const page of decisions.pages(mostDecisions)) {
      await this.#needs.storage.tally(asPlatform(scope), (unit) => decisionsIn(unit).save(this.#run, page));
      decisions.kept(page);
    }
    decisions.forgetPast(now);
  }

  /** Once in a month of each quota and state: an entry in the audit log. */
  async #tell({ account, told }: Kept, standings: readonly Standing[]): Promise<void> {
    const { from } = account.book.month;
    for (const { quota, state, used, limit } of standings) {
      const name = `${from} ${quota} ${state}`;
      if (told.has(name)) continue;
      const { scope } = account.space;
      const what = state === "warned" ? "quota.warned" : "quota.exhausted";
      await this.#needs.storage.change(asPlatform(scope), async (unit) => {
        await accountingIn(unit).addNotice({ month: from, quota, state });
        unit.audit({ what, about: scope.org, facts: { quota, used, limit, plan: account.plan?.name } });
      });
      told.add(name);
    }
  }

  /** Now and then: what is older than it is kept for goes. */
  async #tidy(): Promise<void> {
    const { storage, clock, report } = this.#needs;
    const at = clock.elapsed();
    if (this.#tidiedAt !== undefined && at - this.#tidiedAt < tidyEvery) return;
    this.#tidiedAt = at;
    const now = clock.now();
    try {
      await storage.maintain.call("forget_connections", [now - keptFor]);
      await storage.maintain.call("forget_decisions", [now - decisionsKeptFor]);
      await storage.maintain.call("fold_usage", [startOf("day", (now - keptFor) as Instant), now - usageKeptFor]); // milliseconds less milliseconds
    } catch (error) {
      report("Old usage could not be put away; it is tried again.", because(error));
    }
  }
}
