import type { Limits } from "./limits.ts";
import type { SpaceKey } from "./policy.ts";
import type { Delivery, Session } from "./session.ts";
import type { Statistics } from "./statistics.ts";

/** What waits for one session, in order, within its limits. */
export interface Outbox {
  readonly count: number;
  /** How many were given up so that this one fits: the oldest first; this one alone, if it could never fit. */
  push(delivery: Delivery): number;
  shift(): Delivery | undefined;
  clear(): void;
}

/** Where sessions are between connections. One implementation of it is in memory. */
export interface SessionStore {
  find(space: SpaceKey, principal: string, clientId: string): Session | undefined;
  add(space: SpaceKey, session: Session): void;
  remove(space: SpaceKey, session: Session): void;
  of(space: SpaceKey, principal: string): readonly Session[];
  all(space: SpaceKey): readonly Session[];
  countOf(space: SpaceKey, principal: string): number;
  outbox(): Outbox;
}

export class MemorySessions implements SessionStore {
  readonly #limits: Limits;
  readonly #statistics: Statistics;
  readonly #spaces = new Map<SpaceKey, Map<string, Map<string, Session>>>();

  constructor(limits: Limits, statistics: Statistics) {
    this.#limits = limits;
    this.#statistics = statistics;
  }

  find(space: SpaceKey, principal: string, clientId: string): Session | undefined {
    return this.#spaces.get(space)?.get(principal)?.get(clientId);
  }

  add(space: SpaceKey, session: Session): void {
    let principals = this.#spaces.get(space);
    if (!principals) this.#spaces.set(space, (principals = new Map()));
    let sessions = principals.get(session.principal);
    if (!sessions) principals.set(session.principal, (sessions = new Map()));
    sessions.set(session.clientId, session);
    this.#statistics.sessions++;
  }

  remove(space: SpaceKey, session: Session): void {
    const principals = this.#spaces.get(space);
    const sessions = principals?.get(session.principal);
    if (sessions?.get(session.clientId) !== session) return;
    sessions.delete(session.clientId);
    this.#statistics.sessions--;
    if (sessions.size === 0) principals?.delete(session.principal);
    if (principals?.size === 0) this.#spaces.delete(space);
  }

  of(space: SpaceKey, principal: string): readonly Session[] {
    return [...(this.#spaces.get(space)?.get(principal)?.values() ?? [])];
  }

  all(space: SpaceKey): readonly Session[] {
    return [...(this.#spaces.get(space)?.values() ?? [])].flatMap((sessions) => [...sessions.values()]);
  }

  countOf(space: SpaceKey, principal: string): number {
    return this.#spaces.get(space)?.get(principal)?.size ?? 0;
  }

  outbox(): Outbox {
    return new MemoryOutbox(this.#limits, this.#statistics);
  }
}

class MemoryOutbox implements Outbox {
  readonly #limits: Limits;
  readonly #statistics: Statistics;
  #deliveries: (Delivery | undefined)[] = [];
  #head = 0;
  #bytes = 0;

  constructor(limits: Limits, statistics: Statistics) {
    this.#limits = limits;
    this.#statistics = statistics;
  }

  get count(): number {
    return this.#deliveries.length - this.#head;
  }

  push(delivery: Delivery): number {
    const { sessionMessages, sessionBytes } = this.#limits;
    if (sessionMessages === 0 || delivery.size > sessionBytes) return 1;
    let given = 0;
    while (this.count > 0 && (this.count >= sessionMessages || this.#bytes + delivery.size > sessionBytes)) {
      this.shift();
      given++;
    }
    this.#deliveries.push(delivery);
    this.#bytes += delivery.size;
    this.#statistics.queued++;
    this.#statistics.queuedBytes += delivery.size;
    return given;
  }

  shift(): Delivery | undefined {
    const delivery = this.#deliveries[this.#head];
    if (!delivery) return undefined;
    this.#deliveries[this.#head] = undefined;
    this.#head++;
    this.#forget(delivery);
    if (this.#head > 1024 && this.#head * 2 > this.#deliveries.length) {
      this.#deliveries = this.#deliveries.slice(this.#head);
      this.#head = 0;
    } else if (this.#head === this.#deliveries.length) {
      this.#deliveries.length = 0;
      this.#head = 0;
    }
    return delivery;
  }

  clear(): void {
    while (this.shift()) continue;
  }

  #forget(delivery: Delivery): void {
    this.#bytes -= delivery.size;
    this.#statistics.queued--;
    this.#statistics.queuedBytes -= delivery.size;
  }
}
