import { Refusal, type Timers } from "@holdfast/kernel";
import { patienceMs } from "./patience.ts";
import type { Gate } from "./pool.ts";
import { Pulse } from "./pulse.ts";
import type { Session } from "./session.ts";

/** "holdfast" in eight bytes. PostgreSQL's advisory locks belong to one database, so every instance can use the same. */
const lockKey = "7525352680829580148";
const retryEveryMs = 100;
/** A server that was killed holds its lock until PostgreSQL notices, which is a matter of milliseconds. */
const attemptsAtStart = 6;

type Needs = {
  /** How to connect at start, and how to again. */
  readonly first: () => Promise<Session>;
  readonly connect: () => Promise<Session>;
  /** What this connection is called in pg_stat_activity: no other server's has the name. */
  readonly name: string;
  readonly timers: Timers;
  /** Aborted when the platform closes. */
  readonly closing: AbortSignal | undefined;
  /** Called once when another server has taken these data over. */
  readonly lost: (refusal: Refusal) => void;
  /** PostgreSQL says nothing any more, and breaks no connection either: they are to be broken from our side. */
  readonly silent: () => void;
};

/**
 * One server process per database, by a lock that PostgreSQL keeps as long as this connection lives. When the connection
 * breaks, everybody waits until the lock is ours again; when another server had it meanwhile, for good.
 */
export class ServerLock implements Gate {
  readonly #needs: Needs;
  #session: Session;
  /** How often these data were taken into service: tells whether somebody else had them while we were away. */
  #generation: number | undefined;
  #again: Promise<void> | undefined;
  #refusal: Refusal | undefined;
  #isReleased = false;
  #isLong = false;
  #pulse: Pulse | undefined;

  private constructor(needs: Needs, session: Session) {
    this.#needs = needs;
    this.#session = session;
    this.#watch();
  }

  /** @throws Refusal `storage.inUse`, and what connecting throws */
  static async take(needs: Needs): Promise<ServerLock> {
    const session = await needs.first();
    for (let attempt = 1; ; attempt += 1) {
      if (await tryLock(session)) return new ServerLock(needs, session);
      if (attempt === attemptsAtStart) break;
      await pause(needs.timers);
    }
    await session.close();
    throw new Refusal("storage.inUse");
  }

  /** The owner's connection: for roles, migrations and the self-check at start, and for passwords that changed. */
  get session(): Session {
    return this.#session;
  }

  /** From now on a server that takes the lock after us can be told from ourselves. Once `holdfast.instance` exists. */
  async mark(): Promise<void> {
    const [row] = await this.#session.query<{ served: number }>(
      "update holdfast.instance set served = served + 1 returning served",
    );
    this.#generation = row?.served;
    this.#feel(); // until now statements might take long: migrations
  }

  get isOpen(): boolean {
    return !this.#again && !this.#refusal;
  }

  get isLong(): boolean {
    return this.#isLong || this.#needs.closing?.aborted === true;
  }

  /** Answers when the lock is held. @throws Refusal `storage.inUse` when it was lost for good */
  async opened(): Promise<void> {
    await this.#again;
    if (this.#refusal) throw this.#refusal;
  }

  async release(): Promise<void> {
    this.#isReleased = true;
    this.#pulse?.stop();
    await this.#again?.catch(() => undefined); // whoever waited was told
    await this.#session.close();
  }

  #watch(): void {
    const session = this.#session;
    void session.ended.then(() => this.#lose(session));
  }

  /** From this moment everybody waits. */
  #lose(session: Session): void {
    if (this.#isReleased || this.#refusal || this.#again || session !== this.#session) return;
    const timer = this.#needs.timers.after(patienceMs, () => (this.#isLong = true));
    this.#again = this.#retake().finally(() => {
      timer.cancel();
      this.#isLong = false;
      this.#again = undefined;
      if (!this.#session.isUsable) this.#lose(this.#session); // in the same moment again
    });
    this.#again.catch((refusal: unknown) => {
      if (refusal instanceof Refusal && !this.#isReleased) this.#needs.lost(refusal);
    });
  }

  async #retake(): Promise<void> {
    let attempts = 0;
    while (!this.#isReleased) {
      try {
        if (!this.#session.isUsable) {
          this.#session = await this.#needs.connect();
          this.#feel();
        }
        // PostgreSQL may not have noticed that our old connection is gone, which then holds the lock: it is told.
        const namesakes = await this.#session.query(endNamesakes, [this.#needs.name]);
        if (await tryLock(this.#session)) {
          const [row] = await this.#session.query<{ served: number }>("select served from holdfast.instance");
          if (this.#generation !== undefined && row?.served !== this.#generation) return await this.#giveUp();
          return this.#watch();
        }
        if (namesakes.length === 0) attempts += 1; // else it may be ourselves who hold it
        if (attempts === attemptsAtStart) return await this.#giveUp();
      } catch (error) {
        if (error === this.#refusal) throw error;
        // PostgreSQL is away. Without the lock nothing is written, and callers are refused after ten seconds.
      }
      await pause(this.#needs.timers);
    }
  }

  #feel(): void {
    const session = this.#session;
    this.#pulse?.stop();
    const silent = (): void => {
      this.#isLong = true; // everybody has waited for as long as that took
      session.destroy();
      this.#lose(session);
      this.#needs.silent();
    };
    this.#pulse = new Pulse(session, silent, this.#needs.closing);
  }

  async #giveUp(): Promise<never> {
    this.#refusal = new Refusal("storage.inUse");
    await this.#session.close();
    throw this.#refusal;
  }
}

const endNamesakes = `select pg_terminate_backend(pid) from pg_stat_activity
  where application_name = $1 and usename = current_user and datname = current_database() and pid <> pg_backend_pid()`;

export async function tryLock(session: Session): Promise<boolean> {
  const [row] = await session.query<{ taken: boolean }>(`select pg_try_advisory_lock(${lockKey}) as taken`);
  return row?.taken === true;
}

const pause = (timers: Timers): Promise<void> => new Promise((resolve) => timers.after(retryEveryMs, resolve));
