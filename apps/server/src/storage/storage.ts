import { AsyncLocalStorage } from "node:async_hooks";
import { because, isRefusal, parseId, uuidOf, type Id, type Instant } from "@holdfast/kernel";
import { Patience } from "./patience.ts";
import type { Pool } from "./pool.ts";
import type { DirectoryFunction, MaintainFunction } from "./functions.ts";
import { Ingest } from "./ingest.ts";
import type { ServerLock } from "./lock.ts";
import { openDatabase, type Needs } from "./open.ts";
import type { OpenDoor } from "./roles.ts";
import { Scopes } from "./scopes.ts";
import type { Session } from "./session.ts";
import { Snapshot } from "./snapshot.ts";
import type { Space } from "./space.ts";
import { look, statement, transact, type Query } from "./transaction.ts";
import { Turns } from "./turns.ts";
import type { Allowed, AuditEntry, InstanceUnit, OrgScope, Unit } from "./unit.ts";

/** What a change leaves behind: `change` insists on audit entries, `note` is for what is not worth one, `tally` for what is written again. */
type Trace = "audited" | "unaudited" | "repeated";

/** All that is durable, through doors, each a PostgreSQL role that can do one kind of thing. */
export class Storage {
  readonly #needs: Needs;
  readonly #lock: ServerLock;
  readonly #pools: Readonly<Record<OpenDoor | "reading", Pool>>;
  readonly #readAll: () => Promise<Session>;
  readonly #space: Space | undefined;
  readonly #scopes: Scopes;
  readonly #turns: Turns;
  /** Set while a change or a unit of the instance runs: a change inside a change would wait for itself. */
  readonly #inside = new AsyncLocalStorage<{ isRunning: boolean; readonly isInstance?: boolean }>();
  readonly ingest: Ingest;

  private constructor(needs: Needs, parts: Awaited<ReturnType<typeof openDatabase>>) {
    this.#needs = needs;
    this.#lock = parts.lock;
    this.#pools = parts.pools;
    this.#space = parts.space;
    this.#readAll = parts.readAll;
    this.#scopes = new Scopes(needs);
    this.#turns = new Turns();
    this.ingest = new Ingest({ pool: parts.pools.ingest, failed: (error) => this.#failed(error) });
  }

  /**
   * Takes the database into service: the server's lock, roles, migrations, the self-check.
   * @throws Refusal `storage.inUse`, `storage.newer`, `storage.roles`, `storage.unsafe`, `storage.unreachable`,
   * `keyring.wrong`, `config.malformed`
   */
  static async open(needs: Needs): Promise<Storage> {
    return new Storage(needs, await openDatabase(needs));
  }

  /**
   * Commits what `work` did, or nothing. Changes of one organisation run one after the other, so `work` may read, decide and
   * write. It may be run again from its beginning, so it touches nothing but its unit; what must happen in memory it leaves
   * to `afterCommit`. A change without audit entry is refused.
   * @throws Refusal `storage.unavailable`, `storage.full`, and whatever `work` throws
   */
  change<T>(allowed: Allowed, work: (unit: Unit) => Promise<T>): Promise<T> {
    return this.#change(allowed, "audited", work);
  }

  /**
   * The platform's own bookkeeping, worth no audit entry: when a credential was last used, readings on their way to chunks. Not for
   * verbs. It neither waits for the organisation's changes nor holds them up: revoking must not wait for compaction.
   */
  note<T>(allowed: Allowed, work: (unit: Unit) => Promise<T>): Promise<T> {
    return this.#change(allowed, "unaudited", work);
  }

  /**
   * As `note`, for rows of which memory keeps nothing and which may be written twice: where nobody knows whether they were written, the
   * caller writes them again, and nobody is cut off.
   */
  tally(allowed: Allowed, work: (unit: Unit) => Promise<void>): Promise<void> {
    return this.#change(allowed, "repeated", work);
  }

  /** One snapshot of one organisation, read only. */
  async read<T>(allowed: Allowed, work: (unit: Unit) => Promise<T>): Promise<T> {
    this.#refuseInInstance();
    const begin = `begin isolation level repeatable read read only; ${setOrg(allowed.scope.org)}`;
    return look(this.#pools.reading, begin, (query) => {
      const unit = unitOf(allowed, this.#needs.clock.now(), query);
      return work({
        ...unit,
        audit: () => refuseInRead("leaves no audit entry"),
        afterCommit: () => refuseInRead("has nothing to commit"),
      });
    });
  }

  /** What has to be found before the organisation is known. It can call these functions, and read no table. */
  readonly directory = {
    call: <Row>(fn: DirectoryFunction, args: readonly unknown[]): Promise<readonly Row[]> =>
      this.#call(this.#pools.directory, fn, args),
  };

  /** The few tables without organisation, listed in `inspect.ts`. */
  readonly instance = {
    change: <T>(work: (unit: InstanceUnit) => Promise<T>): Promise<T> => this.#changeInstance(work),
    read: <T>(work: (unit: InstanceUnit) => Promise<T>): Promise<T> =>
      this.#inInstance(() =>
        look(this.#pools.instance, "begin isolation level repeatable read read only", (query) =>
          work({ at: this.#needs.clock.now(), query, afterCommit: () => refuseInRead("has nothing to commit") }),
        ),
      ),
  };

  /** What the platform does with all organisations' rows at once: functions with fixed arguments. */
  readonly maintain = {
    call: <Row>(fn: MaintainFunction, args: readonly unknown[]): Promise<readonly Row[]> =>
      this.#call(this.#pools.maintain, fn, args),
  };

  /** All rows of all organisations, as they are sealed, as of one moment: for backups alone. */
  snapshot(): Promise<Snapshot> {
    return Snapshot.take(this.#readAll);
  }

  /**
   * For `authority/` alone: whoever holds a scope can open what it sealed.
   * @throws Refusal `org.unknown` when the organisation's key was never made, or was erased
   */
  scopeOf(org: Id<"org">): Promise<OrgScope> {
    return this.#scopes.of(org);
  }

  /** For `authority/` alone. Makes the organisation's key, before there is a row of it; answers its scope. */
  makeOrg(org: Id<"org">): Promise<OrgScope> {
    return this.#scopes.make(org);
  }

  /**
   * Destroys the organisation's key, for ever, and then removes its rows, which open nowhere by then. Safe to repeat: a stop in
   * between leaves rows of an organisation whose key was erased.
   */
  async eraseOrg(org: Id<"org">): Promise<void> {
    await this.#scopes.erase(org);
    await this.maintain.call("erase_org", [uuidOf(org)]);
  }

  /**
   * Called before anything that makes the data grow. Changes that make room, and revocations, do not ask.
   * @throws Refusal `storage.full`
   */
  admit(): void {
    this.#space?.admit();
  }

  /** Whether nothing new is taken until there is room again. */
  get isFull(): boolean {
    return this.#space?.isFull ?? false;
  }

  /** Refuses what comes, waits for what runs (five seconds at most), and lets the lock go. */
  async close(): Promise<void> {
    this.#space?.close();
    await Promise.all(Object.values(this.#pools).map((pool) => pool.close()));
    await this.#lock.release();
  }

  async #change<T>(allowed: Allowed, trace: Trace, work: (unit: Unit) => Promise<T>): Promise<T> {
    this.#refuseInInstance();
    if (this.#inside.getStore()?.isRunning) throw new Error("a change inside a change: they would wait for each other");
    const patience = new Patience(this.#needs.timers);
    try {
      const run = () => this.#run(allowed, trace, patience, work);
      return trace === "audited" ? await this.#turns.take(allowed.scope.org, patience, run) : await run();
    } catch (error) {
      return this.#failed(error);
    } finally {
      patience.end();
    }
  }

  async #run<T>(allowed: Allowed, trace: Trace, patience: Patience, work: (unit: Unit) => Promise<T>): Promise<T> {
    const { org } = allowed.scope;
    const hooks: (() => void)[] = [];
    const once = async (query: Query): Promise<T> => {
      const entries: AuditEntry[] = [];
      hooks.length = 0; // those of an attempt that did not commit
      const unit: Unit = {
        ...unitOf(allowed, this.#needs.clock.now(), query),
        audit: (entry) => void entries.push(entry),
        afterCommit: (then) => void hooks.push(then),
      };
      const done = await work(unit);
      if (entries.length === 0 && trace === "audited") throw new Error("a change left no audit entry");
      if (entries.length > 0) await this.#needs.recordAudit(unit, entries);
      return done;
    };
    const plan = {
      begin: `begin; ${setOrg(org)}`,
      doubtful: trace === "repeated" ? () => undefined : () => this.#needs.doubtful(org),
      patience,
    };
    const running = { isRunning: true };
    const value = await this.#inside
      .run(running, () => transact(this.#pools.app, plan, once))
      .finally(() => (running.isRunning = false));
    // In the organisation's turn still: memory hears of changes in the order in which they were committed. What it could
    // not take in, it has to read again.
    if (!this.#runHooks(hooks)) this.#needs.doubtful(org);
    return value;
  }

  async #changeInstance<T>(work: (unit: InstanceUnit) => Promise<T>): Promise<T> {
    const hooks: (() => void)[] = [];
    const plan = { begin: "begin", doubtful: () => undefined };
    const value = await this.#inInstance(() =>
      transact(this.#pools.instance, plan, (query) => {
        hooks.length = 0;
        return work({ at: this.#needs.clock.now(), query, afterCommit: (then) => void hooks.push(then) });
      }),
    ).catch((error: unknown) => this.#failed(error));
    this.#runHooks(hooks);
    return value;
  }

  #inInstance<T>(work: () => Promise<T>): Promise<T> {
    const running = { isRunning: true, isInstance: true };
    return this.#inside.run(running, work).finally(() => (running.isRunning = false));
  }

  /** A change of an organisation may wait for the instance; if that waited for the organisation, too, all would stand still. */
  #refuseInInstance(): void {
    const inside = this.#inside.getStore();
    if (inside?.isRunning && inside.isInstance)
      throw new Error("an organisation inside a unit of the instance: they would wait for each other");
  }

  /** A function is a transaction of its own. Names come from a closed list, never from a caller. */
  #call<Row>(pool: Pool, fn: DirectoryFunction | MaintainFunction, args: readonly unknown[]): Promise<readonly Row[]> {
    const places = args.map((_, index) => `$${index + 1}`).join(", ");
    return statement<Row>(pool, `select * from holdfast.${fn}(${places})`, args);
  }

  /** What was committed stays so: a hook that throws is our bug, told to the operator and not to the caller. False when one did. */
  #runHooks(hooks: readonly (() => void)[]): boolean {
    let wereFine = true;
    for (const hook of hooks) {
      try {
        hook();
      } catch (error) {
        wereFine = false;
        this.#needs.report("Something failed after a commit by our own fault.", because(error));
      }
    }
    return wereFine;
  }

  #failed(error: unknown): never {
    if (isFull(error)) this.#space?.noteFull();
    throw error;
  }
}

/** One message with BEGIN: 128 bits in hex, because SET takes no parameters. They were parsed, or this refuses. */
const setOrg = (org: Id<"org">): string => `set local app.org = '${uuidOf(parseId("org", org))}'`;

const unitOf = ({ scope, actor }: Allowed, at: Instant, query: Query) => ({ scope, actor, at, query });

function refuseInRead(why: string): never {
  throw new Error(`storage.read ${why}: use storage.change`);
}

const isFull = (error: unknown): boolean => isRefusal(error, "storage.full");
